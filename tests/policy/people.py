"""People who ask a database for rows, each in a transaction that leaves nothing behind."""

import json
from dataclasses import dataclass
from typing import Any

import asyncpg

from pellucid.policy.applying import apply
from pellucid.policy.facts import Scope
from pellucid.policy.presets import Proposal, Wish, propose
from tests.policy.conftest import found

ADA = "0190a000-0000-7000-8000-00000000ada0"
BOB = "0190b000-0000-7000-8000-00000000b0b0"
CYD = "0190c000-0000-7000-8000-00000000c1d0"
PEOPLE = (ADA, BOB, CYD)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a role, and an id where signed in."""

    role: str
    id: str | None = None

    async def asks(self, connection: asyncpg.Connection, sql: str) -> list[Any] | str:
        """The first column of what comes back, or the SQLSTATE of the refusal. Nothing stays."""
        claims = json.dumps({"role": self.role} | ({"sub": self.id} if self.id else {}))
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute("select set_config('request.jwt.claims', $1, true)", claims)
            await connection.execute(f"set local role {self.role}")
            return [row[0] for row in await connection.fetch(sql)]
        except asyncpg.PostgresError as fault:
            return str(fault.sqlstate)
        finally:
            await transaction.rollback()


ANYBODY = Person("anon")
SERVICE = Person("service_role")


def account(id: str) -> Person:  # noqa: A002
    """Somebody who is signed in."""
    return Person("authenticated", id)


async def rule(
    ruler: asyncpg.Connection, wish: Wish, *, schemas: tuple[str, ...] = ("public",), beyond: tuple[str, ...] = ()
) -> Proposal:
    """Propose and apply."""
    proposal = propose(await found(ruler, Scope(schemas, "authenticator", beyond=beyond)), wish)
    await apply(ruler, proposal)
    return proposal
