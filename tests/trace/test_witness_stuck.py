"""A lookout that gets no answer, or cannot end: the request that is looked at goes on all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from pellucid.database.core import Database
from pellucid.trace.witness import Lookout, Watcher
from tests.trace.looking import looked_at, lookout_at, request

INSERT = ("insert into note values ($1)", 1)


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """A server that takes connections and never says a word."""
    over = asyncio.Event()

    async def nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    try:
        yield f"postgresql://nobody@127.0.0.1:{server.sockets[0].getsockname()[1]}/nothing"
    finally:
        over.set()
        server.close()


async def listeners(database: Database) -> list[int]:
    """How many listen to the connections of the pool."""
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        return [len(driver._log_listeners)]


@pytest.fixture
async def table(admin: asyncpg.Connection, database: Database) -> Database:
    await admin.execute("create table note (id int primary key); grant all on note to anon")
    await database.refresh()
    return database


async def test_a_lookout_without_an_answer_is_given_up_once(table: Database, admin: asyncpg.Connection) -> None:
    async with deaf() as dsn:
        lookout = Lookout(table.options, dsn, table.capabilities, patience=0.05)
        async with asyncio.timeout(table.options.connect_timeout), looked_at(lookout) as watcher:
            await request(table, INSERT, *[("select * from note where id = $1", number) for number in range(20)])
        await lookout.close()
    assert await admin.fetchval("select count(*) from note") == 1
    assert len(watcher.statements) == 21
    assert all(statement.plan is not None for statement in watcher.statements)
    assert {missing.why for missing in watcher.missing} == {"the database did not answer in time"}
    assert await listeners(table) == [0]


async def test_whatever_the_sampler_waits_for_nobody_listens_any_more(table: Database) -> None:
    """Also where the request is broken off while the lookout is busy for somebody else."""
    async with lookout_at(table) as lookout, lookout.use():
        lookout.patience = 0.01
        async with looked_at(lookout) as watcher:
            await request(table, INSERT)
        assert len(watcher.statements) == 1
        assert await listeners(table) == [0]


async def test_one_that_cannot_be_left_does_not_keep_the_others(table: Database) -> None:
    async with lookout_at(table) as lookout:
        watcher = Watcher(lookout)
        drivers: list[Any] = []
        async with table.engine.connect() as one, table.engine.connect() as other:
            for connection in (one, other):
                driver: Any = (await connection.get_raw_connection()).driver_connection
                await watcher.opened(driver)
                drivers.append(driver)
            stuck = drivers[1]
            heard = stuck._log_listeners
            stuck._log_listeners = None
            with pytest.raises(AttributeError):
                await watcher.close()
            stuck._log_listeners = heard
            assert not drivers[0]._log_listeners
            stuck._log_listeners.clear()
