"""Slow statements are told by PostgreSQL itself to whoever has the connection."""

from collections.abc import AsyncIterator
from time import perf_counter

import asyncpg
import pytest

from pellucid.database.driver import CLEAN
from pellucid.trace.witness.slow import SlowPlans
from tests.conftest import Clone

SLOW = "select count(*), $1::text as c from generate_series(1, 20000)"


@pytest.fixture
async def plans(admin: asyncpg.Connection) -> SlowPlans:
    return SlowPlans(int(await admin.fetchval("show server_version_num")), 0)


@pytest.fixture
async def connection(clone: Clone, plans: SlowPlans) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(clone.dsn, server_settings=dict(plans.server_settings))
    plans.listen(connection)
    yield connection
    await connection.close()


async def test_they_are_told_with_their_plan(connection: asyncpg.Connection, plans: SlowPlans) -> None:
    await connection.execute(CLEAN)
    began = perf_counter()
    await connection.fetch(SLOW, "c4n4ry")
    (statement,) = plans.between(connection.get_server_pid(), began, perf_counter())
    assert statement.sql == SLOW
    assert statement.estimated
    assert statement.seconds > 0
    assert statement.plan is not None
    assert statement.plan["Plan"]["Node Type"] == "Aggregate"
    assert "Actual Rows" not in statement.plan["Plan"]
    assert "c4n4ry" not in repr(statement)
    assert SLOW not in [each.sql for each in plans.between(connection.get_server_pid(), 0.0, began)]


async def test_those_inside_of_functions_are_told_as_well(
    connection: asyncpg.Connection, plans: SlowPlans, admin: asyncpg.Connection
) -> None:
    await admin.execute("""create function counted() returns bigint language plpgsql as $$
        declare found bigint; begin select count(*) into found from pg_class; return found; end $$""")
    began = perf_counter()
    await connection.fetch("select counted()")
    told = [each.sql for each in plans.between(connection.get_server_pid(), began, perf_counter())]
    assert told[-2:] == ["select count(*)            from pg_class", "select counted()"]


async def test_how_transactions_open_is_not_told(connection: asyncpg.Connection, plans: SlowPlans) -> None:
    headers = '{"x-note": "costs $1 only", "x-mine": "c4n4ry"}'
    await connection.execute(f"BEGIN; SELECT pg_catalog.set_config('request.headers', '{headers}', true)")
    await connection.execute("select 'c4n4ry', '$1', 4711 where 4711 > 4710")
    await connection.execute("COMMIT")
    (statement,) = plans.between(connection.get_server_pid(), 0.0, perf_counter())
    assert statement.sql == "select '***', '***', ? where ? > ?"
    assert "c4n4ry" not in repr(statement)
    assert "4711" not in repr(statement)


async def test_below_the_threshold_nothing_is_told(clone: Clone, admin: asyncpg.Connection) -> None:
    plans = SlowPlans(int(await admin.fetchval("show server_version_num")), 600_000)
    connection = await asyncpg.connect(clone.dsn, server_settings=dict(plans.server_settings))
    plans.listen(connection)
    await connection.fetch(SLOW, "x")
    assert plans.between(connection.get_server_pid(), 0.0, perf_counter()) == ()
    await connection.close()
    assert plans.between(connection.get_server_pid(), 0.0, perf_counter()) == ()


async def test_of_a_shared_call_only_ones_own_are_told(connection: asyncpg.Connection, plans: SlowPlans) -> None:
    record = "SELECT count(*)::text, 1::int8, 1::int8, null::text, 0::int8, null::text, null::text FROM generate_series(1, {})"
    mine, other = record.format(20_000), record.format(30_000)
    prepares = [f"PREPARE p1 AS {mine}", f"PREPARE p2 AS {other}"]
    await connection.fetch(
        "select * from pellucid.share_mixed($1, $2, true, $3, $4, '10ms', 60000)",
        prepares,
        ["EXECUTE p1", "EXECUTE p2"],
        ["role", "anon"],
        ["{}", "{}"],
    )
    process = connection.get_server_pid()
    (statement,) = plans.between(process, 0.0, perf_counter(), mine)
    assert "FROM generate_series" in statement.sql
    assert len(plans.between(process, 0.0, perf_counter())) > 1
