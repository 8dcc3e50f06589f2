"""The index that a scan lacks: found, tried and left as it was; and when it is not tried."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.trace.document import Advice
from pellucid.trace.witness import Lookout, Trials
from pellucid.trace.witness.indexes import columns_of
from tests.conftest import Clone
from tests.trace.looking import looked_at, lookout_at, request

REAL = Trials(real=True)
SELLER = Caller("anon", '{"owner": "owner 7"}')
TABLE = """
create table sale (id int primary key, owner text, "Year" int, note text);
insert into sale select i, 'owner ' || i % 1000, 2000 + i % 20, repeat('x', 50) from generate_series(1, 20000) as i;
alter table sale enable row level security;
create policy own on sale using (owner = current_setting('request.jwt.claims', true)::json ->> 'owner');
create policy all_of_it on sale for select using (true);
grant select, update on sale to anon;
analyze sale
"""
SCAN = "select * from sale where owner = $1"


@pytest.fixture
async def lookout(admin: asyncpg.Connection, database: Database) -> AsyncIterator[Lookout]:
    await admin.execute(TABLE)
    await database.refresh()
    async with lookout_at(database) as lookout:
        yield lookout


async def advised(
    database: Database, lookout: Lookout, trials: Trials | None, sql: str, *args: object
) -> tuple[Advice, ...]:
    async with looked_at(lookout, trials) as watcher:
        await request(database, (sql, *args), caller=SELLER)
    assert watcher.missing == ()
    return watcher.statements[0].advice


async def test_it_is_tried_and_rolled_back(database: Database, lookout: Lookout, admin: asyncpg.Connection) -> None:
    before = await admin.fetchval(
        "select array_agg(indexrelid::regclass::text) from pg_index where indrelid = 'sale'::regclass"
    )
    (found,) = await advised(database, lookout, REAL, SCAN, "owner 7")
    assert found.sql == "create index concurrently on public.sale (owner)"
    assert found.how == "tried with a real index that was rolled back"
    assert found.before is not None
    assert found.after is not None
    assert found.after < found.before / 3
    assert before == await admin.fetchval(
        "select array_agg(indexrelid::regclass::text) from pg_index where indrelid = 'sale'::regclass"
    )


async def test_a_statement_that_writes_is_no_obstacle(database: Database, lookout: Lookout) -> None:
    (found,) = await advised(
        database, lookout, REAL, 'update sale set note = $1 where owner = $2 and "Year" > $3', "y", "owner 7", 2010
    )
    assert found.sql == 'create index concurrently on public.sale (owner, "Year")'
    assert found.after is not None


async def test_nothing_is_tried_unasked(database: Database, lookout: Lookout) -> None:
    assert await advised(database, lookout, None, SCAN, "owner 7") == ()


async def test_without_leave_it_is_named_and_not_tried(database: Database, lookout: Lookout) -> None:
    (found,) = await advised(database, lookout, Trials(), SCAN, "owner 7")
    assert (found.before, found.after) == (None, None)
    assert found.how.startswith("not tried: a trial on the real table would hold its writers up")


async def test_large_tables_are_left_alone(database: Database, lookout: Lookout) -> None:
    (found,) = await advised(database, lookout, Trials(real=True, largest=1 << 20), SCAN, "owner 7")
    assert found.how.startswith("not tried: the table has ")
    assert found.how.endswith(" MiB, and trials end at 1.0")


async def test_writers_are_not_waited_for(database: Database, lookout: Lookout, clone: Clone) -> None:
    writer = await asyncpg.connect(clone.admin_dsn)
    writing = writer.transaction()
    await writing.start()
    await writer.execute("update sale set note = 'z' where id = 1")
    (found,) = await advised(database, lookout, REAL, SCAN, "owner 7")
    assert found.how == "not tried: canceling statement due to lock timeout"
    await writing.rollback()
    await writer.close()


HYPOPG = """create schema stand_in; grant usage on schema stand_in to public;
create function stand_in.hypopg_create_index(sql text) returns void language plpgsql security definer as $$
  begin if session_user <> 'authenticator' then raise 'too many rights'; end if; execute sql; end $$;
create function stand_in.hypopg_reset() returns void language sql return null"""
"""The extension is not among PostgreSQL's own. This has its functions, and makes a real index in the transaction of the trial."""


async def test_a_hypothetical_one_is_tried_with_the_rights_of_requests(
    database: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    await admin.execute(HYPOPG)
    await lookout.ask("select 1")
    lookout.seen = replace(lookout.seen, extensions={**lookout.seen.extensions, "hypopg": "stand_in"})
    (found,) = await advised(database, lookout, Trials(), SCAN, "owner 7")
    assert found.how == "estimated with a hypothetical index (hypopg)"
    assert found.before is not None
    assert found.after is not None
    assert found.after < found.before / 3


async def test_where_an_index_is_already_nothing_is_said(
    database: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    await admin.execute(
        "create index on sale (owner); alter role anon set enable_indexscan = off; alter role anon set enable_bitmapscan = off"
    )
    try:
        await database.refresh()
        assert await advised(database, lookout, REAL, SCAN, "owner 7") == ()
    finally:
        await admin.execute("alter role anon reset enable_indexscan; alter role anon reset enable_bitmapscan")


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("(sale.owner = 'x'::text)", ("owner",)),
        ("((sale.id > 5) AND (sale.owner = 'x'::text) AND (sale.\"Year\" = 3))", ("owner", '"Year"', "id")),
        ("((sale.code)::text = 'x'::text)", ("code",)),
        ("(sale.day >= '2026-01-01'::date)", ("day",)),
        ("(sale.owner = ANY ('{a,b}'::text[]))", ("owner",)),
        ("((sale.a = 1) OR (sale.b = 2))", ()),
        ("(NOT sale.done)", ()),
        ("(sale.a = sale.b)", ()),
        ("(lower(sale.owner) = 'x'::text)", ()),
        ("visible(sale.owner)", ()),
    ],
)
def test_columns_that_an_index_could_serve(condition: str, columns: tuple[str, ...]) -> None:
    assert columns_of(condition) == columns
