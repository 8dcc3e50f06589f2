"""What this room's tests share: a small table, and a look at what PostgreSQL is doing."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from pellucid.database.core import Database
from pellucid.database.engine import pool_of
from pellucid.database.options import DatabaseOptions
from tests.conftest import Clone

NOTES = """
create table note (id int primary key, text text unique, parent int references note deferrable initially deferred);
alter table note enable row level security;
create policy everybody on note using (true) with check (true);
grant select, insert, update, delete on note to anon, authenticated;
"""


@pytest.fixture
async def notes(admin: asyncpg.Connection, database: Database) -> None:
    """The table ``note``, which anon and authenticated may do anything with; its foreign key is checked at COMMIT."""
    await admin.execute(NOTES)
    await database.refresh()


@pytest.fixture
async def small(clone: Clone) -> AsyncIterator[Database]:
    """A database with a pool of three connections, and little patience."""
    options = DatabaseOptions(clone.dsn, clone.admin_dsn, pool_size=3, pool_timeout=0.2)
    async with Database(options) as database:
        yield database


async def busy(admin: asyncpg.Connection) -> list[str]:
    """What requests are doing in PostgreSQL right now; nothing when all is well."""
    rows = await admin.fetch(
        "select state || ': ' || query as doing from pg_stat_activity where datname = current_database() "
        "and pid <> pg_backend_pid() and application_name = 'pellucid' and state <> 'idle'"
    )
    return [row["doing"] for row in rows]


async def quiet(admin: asyncpg.Connection) -> None:
    """Wait until PostgreSQL does nothing for requests any more."""
    async with asyncio.timeout(60):
        while await busy(admin):
            await admin.execute("select pg_sleep(0.01)")


def checked_out(database: Database) -> int:
    """How many connections of the pool are in somebody's hands."""
    return pool_of(database.engine).taken
