"""The history of statements: snapshots by turns, and what became slower since."""

import asyncio

import asyncpg
import pytest

from pellucid.database.core import Database
from pellucid.trace.history import Historian
from pellucid.trace.statements import remember, schema_of, slower, statements
from pellucid.trace.witness import Lookout
from tests.conftest import Clone

WORK = "select count(*) from work where text = $1"
HISTORY = "select count(*) from pellucid.statement_history"


@pytest.fixture
async def schema(admin: asyncpg.Connection) -> str:
    schema = await schema_of(admin)
    assert schema is not None
    await admin.execute(
        f"select {schema}.pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)"
    )
    return schema


async def work(admin: asyncpg.Connection, times: int) -> None:
    for _ in range(times):
        await admin.fetch(WORK, "x")


async def age(admin: asyncpg.Connection) -> None:
    """What was kept is old now."""
    await admin.execute("update pellucid.statement_history set taken = taken - interval '1 hour'")


async def test_what_became_slower_is_found(admin: asyncpg.Connection, schema: str) -> None:
    await admin.execute("create table work (text text)")
    await work(admin, 30)
    assert await remember(admin, schema)
    await age(admin)
    assert await slower(admin, schema) == ()
    await admin.execute("insert into work select repeat('y', 100) from generate_series(1, 50000)")
    await work(admin, 30)
    (found,) = [each for each in await slower(admin, schema) if "from work" in each.sql]
    assert found.sql == WORK
    assert found.calls == 30
    assert found.now > found.before
    assert found.factor > 1.5


async def test_snapshots_are_not_taken_too_often(admin: asyncpg.Connection, schema: str, clone: Clone) -> None:
    assert await remember(admin, schema)
    taken = await admin.fetchval(HISTORY)
    assert taken > 0
    assert not await remember(admin, schema)
    await age(admin)
    other = await asyncpg.connect(clone.admin_dsn)
    at_once = await asyncio.gather(remember(admin, schema), remember(other, schema))
    assert sorted(at_once) in ([False, True], [True])
    await other.close()


async def test_old_snapshots_are_forgotten(admin: asyncpg.Connection, schema: str) -> None:
    await remember(admin, schema)
    await admin.execute("update pellucid.statement_history set taken = taken - interval '15 days'")
    assert await remember(admin, schema)
    assert await admin.fetchval(f"{HISTORY} where taken < now() - interval '1 day'") == 0


async def test_what_did_not_run_again_is_not_kept_again(admin: asyncpg.Connection, schema: str) -> None:
    await admin.execute("create table work (text text)")
    await work(admin, 3)
    await remember(admin, schema)
    await age(admin)
    await remember(admin, schema)
    (query,) = [each.query for each in await statements(admin, schema, 1000) if each.sql == WORK]
    assert await admin.fetchval(f"{HISTORY} where query = $1", query) == 1


async def test_a_server_keeps_it(database: Database, clone: Clone, admin: asyncpg.Connection, schema: str) -> None:
    lookout = Lookout(database.options, clone.admin_dsn)
    async with Historian(lookout, every=0.05, first=0.0), asyncio.timeout(60):
        while not await admin.fetchval(HISTORY):
            await admin.execute("select pg_sleep(0.01)")


async def test_a_server_without_the_right_goes_on(database: Database, clone: Clone) -> None:
    async with Historian(Lookout(database.options, clone.dsn), every=0.01, first=0.0):
        await asyncio.sleep(0)
