"""The index that a scan lacks: found, and its gain estimated; and nothing is tried for it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.trace.conditions import columns_of
from pellucid.trace.document import Advice
from pellucid.trace.witness import Lookout
from tests.trace.looking import looked_at, lookout_at, request

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


async def advised(database: Database, lookout: Lookout, sql: str, *args: object) -> tuple[Advice, ...]:
    async with looked_at(lookout) as watcher:
        await request(database, (sql, *args), caller=SELLER)
    assert watcher.missing == ()
    return watcher.statements[0].advice


async def test_it_is_named_and_its_gain_is_estimated(database: Database, lookout: Lookout) -> None:
    (found,) = await advised(database, lookout, SCAN, "owner 7")
    assert found.sql == "create index concurrently on public.sale (owner)"
    assert found.how.startswith(
        "a rough estimate, nothing was tried: 20 of 20,000 rows were wanted, and the table has "
    )
    assert found.before is not None
    assert found.after is not None
    assert found.after < found.before / 3


async def test_a_statement_that_writes_is_no_obstacle(database: Database, lookout: Lookout) -> None:
    (found,) = await advised(
        database, lookout, 'update sale set note = $1 where owner = $2 and "Year" > $3', "y", "owner 7", 2000
    )
    assert found.sql == 'create index concurrently on public.sale (owner, "Year")'
    assert found.after is not None


async def test_nobodys_function_runs_where_an_administrator_has_logged_in(
    database: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    """PostgreSQL works out immutable functions while it plans, and such a function can undo a SET ROLE."""
    await admin.execute("""create sequence caught; create sequence ran;
        create function climb() returns void language plpgsql as $$ begin
          perform nextval('ran');
          perform set_config('role', 'none', true);
          if (select rolsuper from pg_roles where rolname = current_user) then perform nextval('caught'); end if;
          raise 'back again'; exception when others then null; end $$;
        create function mine(name text) returns text language plpgsql immutable as $$
          begin perform climb(); return name; end $$;
        grant usage on all sequences in schema public to public;
        create policy bait on sale as restrictive using (owner = mine('owner 7'))""")
    await database.refresh()
    (found,) = await advised(database, lookout, "select * from sale where note <> $1", "y")
    assert found.after is not None
    assert await admin.fetchval("select is_called from ran")
    assert not await admin.fetchval("select is_called from caught")


async def test_what_planning_does_once_more_is_undone(
    database: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    await admin.execute("""create function marked() returns int language plpgsql immutable as $$ begin
        perform set_config('my.marks', coalesce(current_setting('my.marks', true), '') || 'x', true); return 7; end $$""")
    async with looked_at(lookout), database.transaction(SELLER, read_only=True) as transaction:
        await transaction.fetch("select marked()")
        (row,) = await transaction.fetch("select current_setting('my.marks') as marks")
    assert row["marks"] == "x"


async def test_where_an_index_is_already_nothing_is_said(
    database: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    await admin.execute(
        "create index on sale (owner); alter role anon set enable_indexscan = off; alter role anon set enable_bitmapscan = off"
    )
    try:
        await database.refresh()
        assert await advised(database, lookout, SCAN, "owner 7") == ()
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
        ("(sale.owner = auth.uid())", ("owner",)),
        ("(((current_setting('a.b'::text))::uuid = sale.owner) AND (5 < sale.id))", ("owner", "id")),
        ("((sale.kind = 'x AND y'::public.mood) AND (sale.id = (InitPlan 1).col1))", ("kind", "id")),
        ("(sale.a = lower(sale.b))", ()),
        ("(sale.body @> '{}'::jsonb)", ()),
        ("(lower(sale.owner) = 'x'::text)", ()),
        ("visible(sale.owner)", ()),
    ],
)
def test_columns_that_an_index_could_serve(condition: str, columns: tuple[str, ...]) -> None:
    assert columns_of(condition) == columns
