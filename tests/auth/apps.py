"""What the tests of second factors share: an app that shows codes, the time that codes are judged by, and how a client asks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pyotp

from pellucid.auth.tokens import Tokens

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
NOW = 1_800_000_015
OTHER_ID = "0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234"


@dataclass
class Clock:
    """The time that the server judges codes by."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class App:
    """An app that shows codes, its factor, and the session that proved it first."""

    factor: str
    codes: pyotp.TOTP
    session: dict[str, Any]
    clock: Clock

    def code(self, steps: int = 0) -> str:
        return self.codes.at(datetime.fromtimestamp(self.clock.now + 30 * steps, UTC))


Enrol = Callable[..., Awaitable[App]]


async def login(client: httpx.AsyncClient, **entry: str) -> dict[str, Any]:
    return dict((await client.post("/login", json=ADA | entry)).json())


async def verify(client: httpx.AsyncClient, session: dict[str, Any], factor: str, code: str) -> httpx.Response:
    return await client.post(f"/factors/{factor}/verify", json={"code": code}, headers=bearing(session))


def bearing(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def claims(tokens: Tokens, session: dict[str, Any]) -> Any:
    return tokens.verify(session["access_token"]).claims


async def events(admin: asyncpg.Connection) -> list[str]:
    return [row["event"] for row in await admin.fetch("select event from auth.audit_log order by id")]
