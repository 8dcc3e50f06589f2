"""Nothing is carried over, nothing leaks: a pooled connection begins clean, however the one before it ended."""

import asyncio
import random

import asyncpg
import pytest
from sqlalchemy import text

from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.errors import PellucidError, PoolExhausted, Unavailable
from pellucid.postgres.cluster import Cluster
from tests.conftest import Clone
from tests.database.conftest import checked_out, quiet

pytestmark = pytest.mark.usefixtures("notes")
ANON = Caller("anon")
LEFT_BEHIND = """
select set_config('role', 'service_role', false), set_config('request.jwt.claims', '{"sub":"mine"}', false),
       set_config('search_path', 'auth', false), set_config('app.secret', 'mine', false), set_config('work_mem', '9MB', false)
"""
TRACES = """
select current_user::text, current_setting('role'), current_setting('search_path'), coalesce(current_setting('app.secret', true), ''),
       current_setting('work_mem'), (select count(*) from pg_cursors where is_holdable)::int,
       to_regclass('pg_temp.mine')::text, current_setting('request.jwt.claims', true)
"""
CLEAN = ("anon", "anon", '"$user", public', "", "4MB", 0, None, "{}")


async def leave_traces(database: Database, *, by_session: bool) -> None:
    untidy = (
        LEFT_BEHIND,
        "create temp table mine (id int)",
        "listen mine",
        "declare mine cursor with hold for select 1",
    )
    if by_session:
        async with database.write(Caller("service_role")) as session:
            for statement in untidy:
                await session.execute(text(statement.replace(":", "\\:")))
        return
    async with database.transaction(Caller("service_role"), read_only=False) as transaction:
        for statement in untidy:
            await transaction.fetch(statement)


@pytest.mark.parametrize("by_session", [False, True])
async def test_what_one_caller_leaves_in_the_session_no_other_sees(clone: Clone, by_session: bool) -> None:
    async with Database(DatabaseOptions(clone.dsn, pool_size=1)) as database:
        for _ in range(2):
            await leave_traces(database, by_session=by_session)
            async with database.transaction(ANON, read_only=True) as transaction:
                assert tuple((await transaction.fetch(TRACES))[0]) == CLEAN
            await leave_traces(database, by_session=not by_session)
            async with database.read(ANON) as session:
                assert tuple((await session.execute(text(TRACES))).one()) == CLEAN
        assert checked_out(database) == 0


async def test_between_requests_the_connection_has_no_role_and_no_transaction(small: Database) -> None:
    async with small.transaction(ANON, read_only=False) as transaction:
        await transaction.fetch("select 1")
    async with small.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        assert not driver.is_in_transaction()
        assert (
            await driver.fetchval("select current_user || current_setting('request.jwt.claims', true)")
            == "authenticator"
        )


async def test_a_full_pool_says_when_to_come_again(small: Database) -> None:
    async with asyncio.TaskGroup() as group:
        started, go = [asyncio.Event() for _ in range(3)], asyncio.Event()

        async def hold(event: asyncio.Event) -> None:
            async with small.transaction(ANON, read_only=True) as transaction:
                await transaction.fetch("select 1")
                event.set()
                await go.wait()

        for event in started:
            group.create_task(hold(event))
        await asyncio.gather(*(event.wait() for event in started))
        with pytest.raises(PoolExhausted) as caught:
            async with small.transaction(ANON, read_only=True):
                pass
        assert caught.value.headers["Retry-After"] == "1"
        with pytest.raises(PoolExhausted):
            async with small.read(ANON) as session:
                await session.execute(text("select 1"))
        await small.ping()
        go.set()


CONNECTIONS = (
    "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'pellucid'"
)
WORK = (
    "select pg_sleep(0.05)",
    "select 1",
    "insert into note select max(coalesce(id, 0)) + 1 from note",
    "select * from nothing",
)


async def request(database: Database, pick: random.Random) -> None:
    """One request, by either path, with any outcome."""
    statement, writes = pick.choice(WORK), pick.random() < 0.5
    try:
        if pick.random() < 0.5:
            async with database.transaction(ANON, read_only=not writes) as transaction:
                await transaction.fetch(statement)
                await transaction.fetch(pick.choice(WORK))
        else:
            async with database.write(ANON) if writes else database.read(ANON) as session:
                await session.execute(text(statement))
                await session.execute(text(pick.choice(WORK)))
    except PellucidError:
        pass


async def test_hundreds_of_cancelled_requests_leave_nothing_behind(small: Database, admin: asyncpg.Connection) -> None:
    pick = random.Random(7)
    for _ in range(12):
        tasks = [asyncio.create_task(request(small, random.Random(pick.random()))) for _ in range(30)]
        for task in tasks:
            asyncio.get_running_loop().call_later(pick.random() * 0.15, task.cancel)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        odd = [each for each in outcomes if each is not None and not isinstance(each, asyncio.CancelledError)]
        assert not odd
    await quiet(admin)
    async with asyncio.timeout(60):
        while checked_out(small) or await admin.fetchval(CONNECTIONS) > 3:
            await admin.execute("select pg_sleep(0.01)")
    await asyncio.gather(*(clean(small) for _ in range(3)))


async def clean(database: Database) -> None:
    async with database.transaction(ANON, read_only=True) as transaction:
        assert tuple((await transaction.fetch(TRACES))[0]) == CLEAN


async def test_a_cancelled_statement_stops_in_postgresql_too(small: Database, admin: asyncpg.Connection) -> None:
    async def sleep() -> None:
        async with small.transaction(Caller("service_role"), read_only=False) as transaction:
            await transaction.fetch("select pg_sleep(250)")

    task = asyncio.create_task(sleep())
    while not await admin.fetchval("select count(*) from pg_stat_activity where query like 'select pg_sleep(250)%'"):
        await admin.execute("select pg_sleep(0.01)")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await quiet(admin)


async def test_a_connection_that_was_cut_is_replaced_unnoticed(small: Database, admin: asyncpg.Connection) -> None:
    await asyncio.gather(*(clean(small) for _ in range(3)))
    for _ in range(3):
        await admin.fetch(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and application_name = 'pellucid'"
        )
        await asyncio.gather(*(clean(small) for _ in range(3)))
        async with small.read(ANON) as session:
            await session.execute(text("select 1"))


async def test_postgresql_may_restart(small: Database, cluster: Cluster) -> None:
    await clean(small)
    await asyncio.to_thread(cluster.stop)
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await clean(small)
        assert caught.value.headers["Retry-After"] == "1"
        with pytest.raises(Unavailable):
            async with small.read(ANON) as session:
                await session.execute(text("select 1"))
        with pytest.raises(Unavailable):
            await small.ping()
    await asyncio.to_thread(cluster.start)
    await clean(small)
    await small.ping()
    async with small.read(ANON) as session:
        await session.execute(text("select 1"))
