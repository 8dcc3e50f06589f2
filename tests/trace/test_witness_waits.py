"""What a statement waited for: a lock of somebody else's, and pages that were not at hand."""

import asyncio

import asyncpg
import pytest

from pellucid.database.core import Database
from tests.conftest import Clone
from tests.trace.looking import looked_at, lookout_at, request

STAGE = "create table note (id int primary key, text text); insert into note values (1, 'x'); grant all on note to anon"
SAMPLED = """select count(*) from pg_stat_activity where application_name = 'pellucid trace' and query like '%pg_blocking_pids%'
and state = 'idle'"""
HOLD = "/* it's mine */ update note set text = 'c4n4ry' where id = 1"
LONG = f"update note set text = 'c4n4ry{'y' * 3000}' where id = 1"
"""PostgreSQL tells the first kilobyte of it."""


async def seen(admin: asyncpg.Connection) -> None:
    """Wait until the sampler has asked who holds the lock."""
    async with asyncio.timeout(60):
        while not await admin.fetchval(SAMPLED):
            await admin.execute("select pg_sleep(0.01)")


@pytest.mark.parametrize(
    ("hold", "said"), [(HOLD, "update note set text = '***' where id = ?"), (LONG, "update note set text = '***'")]
)
async def test_a_lock_and_who_held_it(
    database: Database, clone: Clone, admin: asyncpg.Connection, hold: str, said: str
) -> None:
    await admin.execute(STAGE)
    await database.refresh()
    holder = await asyncpg.connect(clone.admin_dsn, server_settings={"application_name": "somebody"})
    async with lookout_at(database) as lookout, looked_at(lookout) as watcher:
        holding = holder.transaction()
        await holding.start()
        await holder.execute(hold)
        waiting = asyncio.create_task(request(database, ("update note set text = 'y' where id = $1", 1)))
        await seen(admin)
        await holding.rollback()
        await waiting
    (statement,) = watcher.statements
    waited = [lock for lock in statement.locks if lock.holders]
    assert [(lock.kind, lock.relation) for lock in waited] == [("transactionid", "public.note")]
    assert waited[0].waited > 0
    assert waited[0].granted
    (who,) = waited[0].holders
    assert who.startswith(f"process {holder.get_server_pid()} (somebody, idle in transaction for ")
    assert said in who
    assert "c4n4ry" not in who
    assert "Lock/transactionid" in statement.waits
    assert watcher.missing == ()
    await holder.close()


async def test_a_table_that_is_locked(database: Database, clone: Clone, admin: asyncpg.Connection) -> None:
    await admin.execute(STAGE)
    await database.refresh()
    holder = await asyncpg.connect(clone.admin_dsn)
    async with lookout_at(database) as lookout, looked_at(lookout) as watcher:
        holding = holder.transaction()
        await holding.start()
        await holder.execute("lock table note in access exclusive mode")
        waiting = asyncio.create_task(request(database, ("select * from note where id = $1", 1)))
        await seen(admin)
        await holding.rollback()
        await waiting
    waited = [lock for lock in watcher.statements[0].locks if lock.holders]
    assert [(lock.kind, lock.mode, lock.relation) for lock in waited] == [
        ("relation", "AccessShareLock", "public.note")
    ]
    await holder.close()


async def test_a_cold_cache(database: Database, admin: asyncpg.Connection) -> None:
    """What CREATE TABLE AS writes goes through a ring of 16 MB, so the beginning of a larger table is not in memory."""
    await admin.execute("create table cold as select i, repeat('x', 2000) as text from generate_series(1, 12000) as i")
    await admin.execute("grant select on cold to anon")
    await database.refresh()
    async with lookout_at(database) as lookout, looked_at(lookout) as watcher:
        await request(database, ("select count(*) from cold where i < $1", 1000))
        await request(database, ("select count(*) from cold where ctid = any(array['(0,1)'::tid, '(1,1)'])",))
        await request(database, ("select count(*) from cold where ctid = any(array['(0,1)'::tid, '(1,1)'])",))
    plans = [statement.plan for statement in watcher.statements]
    assert plans[0] is not None
    assert plans[2] is not None
    assert plans[0]["Plan"]["Shared Read Blocks"] > 100
    assert plans[0]["Plan"].get("Shared I/O Read Time", plans[0]["Plan"].get("I/O Read Time")) > 0
    assert plans[2]["Plan"]["Shared Hit Blocks"] > 0
    assert plans[2]["Plan"]["Shared Read Blocks"] == 0
