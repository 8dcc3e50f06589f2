"""Runs what a preset proposes: all of it or nothing, and not before the tables have proven readable."""

from collections.abc import Sequence

import asyncpg

from pellucid.database.catalog.model import TableName
from pellucid.policy.presets import Proposal
from pellucid.policy.quoting import name, relation
from pellucid.policy.refusal import Refusal

PATIENCE = "set local lock_timeout = '5s'; set local statement_timeout = '60s'"


async def apply(connection: asyncpg.Connection, proposal: Proposal) -> None:
    """Run it in one transaction.

    Raises:
        Refusal: PostgreSQL refused, or a policy reads its own table without end; nothing was changed.
    """
    try:
        async with connection.transaction():
            await connection.execute(PATIENCE)
            for statement in proposal.statements:
                await connection.execute(statement)
            await _prove(connection, proposal.readers)
    except asyncpg.PostgresError as fault:
        raise _refused(fault) from fault


async def _prove(connection: asyncpg.Connection, readers: Sequence[tuple[TableName, tuple[str, ...]]]) -> None:
    """Let PostgreSQL plan a read as each role: policies that need each other without end show then."""
    for table, roles in readers:
        for role in roles:
            await connection.execute(f"set local role {name(role)}")
            await connection.execute(f"explain select from {relation(table)}")
            await connection.execute("reset role")


def _refused(fault: asyncpg.PostgresError) -> Refusal:
    message = str(fault).partition("\n")[0]
    match fault:
        case asyncpg.InvalidObjectDefinitionError():
            hint = "a policy reads a table whose own policy reads the first one: compare them in pellucid policy list"
        case asyncpg.InsufficientPrivilegeError():
            hint = "give the URL of the owner of the table with --db"
        case asyncpg.LockNotAvailableError() | asyncpg.QueryCanceledError():
            hint = "something else holds the table: try again when it is less busy"
        case _:
            hint = "run the SQL by hand with pellucid sql to see more"
    return Refusal(f"PostgreSQL refused, and nothing was changed: {message}", hint=hint)
