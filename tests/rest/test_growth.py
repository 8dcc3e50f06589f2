"""Tables that grow while several requests, and several workers, want them at once."""

import asyncio

import asyncpg
import pytest
from msgspec.structs import replace

from pellucid.database.caller import Caller
from pellucid.database.catalog.model import Catalog, TableName
from pellucid.database.core import Database
from pellucid.database.opening import Beginning
from pellucid.database.options import DatabaseOptions
from pellucid.errors import Denied, MalformedQuery, ReadOnly, StatementRefused
from pellucid.rest import develop
from pellucid.rest.develop import Ground, Grower, changing
from pellucid.rest.open_table import OPEN_POLICY
from pellucid.rest.profile import POSTGREST
from pellucid.rest.request import RestRequest
from tests.conftest import Clone
from tests.rest.requests import ask

pytestmark = pytest.mark.anyio

ANON = Beginning(Caller("anon"))
EVERY_KIND = {
    "flag": True,
    "whole": 3,
    "huge": 2**70,
    "real": 1.5,
    "at": "2026-01-31T13:45:00Z",
    "day": "2026-01-31",
    "ref": "0190a000-0000-7000-8000-00000000ada0",
    "words": "no date",
    "list": [1, 2],
}


class Garden:
    """A database, and who makes its tables."""

    def __init__(self, database: Database, claimed: frozenset[str] = frozenset()) -> None:
        self.database = database
        self.grower = Grower(database, claimed)

    async def grow(self, asked: RestRequest, beginning: Beginning = ANON, *sql: str) -> Catalog:
        """Make what the request needs, and run some SQL as the caller; the catalog that it was judged by."""

        async def work(ground: Ground) -> Catalog:
            if ground.change is not None:
                async with changing(self.database, beginning, ground.change, within=True) as transaction:
                    for each in sql:
                        await transaction.fetch(each)
            return ground.catalog

        return await self.grower.serve(asked, work)


async def test_two_workers_that_want_the_same_table_both_get_what_they_need(clone: Clone) -> None:
    options = DatabaseOptions(clone.dsn, clone.admin_dsn)
    async with Database(options) as one, Database(options) as other:
        gardens = [Garden(one), Garden(other)]
        asked = [ask("POST", "/things", {"name": "a", f"column_{number % 4}": number}) for number in range(12)]
        catalogs = await asyncio.gather(*(gardens[place % 2].grow(request) for place, request in enumerate(asked)))
        made = (await one.refresh()).table("public", "things")
    assert made is not None
    assert made.columns.keys() >= {f"column_{number}" for number in range(4)}
    for place, catalog in enumerate(catalogs):
        table = catalog.table("public", "things")
        assert table is not None
        assert f"column_{place % 4}" in table.columns
        assert table.policies == (OPEN_POLICY,)
        assert table.row_security


async def test_a_table_of_somebody_elses_is_left_as_it_is(database: Database, admin: asyncpg.Connection) -> None:
    await admin.execute("create table things (id bigint primary key); alter table things enable row level security")
    catalog = await Garden(database).grow(ask("POST", "/things", {"id": 1, "name": "a"}))
    table = catalog.table("public", "things")
    assert table is not None
    assert list(table.columns) == ["id"]
    assert table.policies == ()


async def test_a_table_stops_growing_when_its_policy_is_replaced(database: Database, admin: asyncpg.Connection) -> None:
    garden = Garden(database)
    await garden.grow(ask("POST", "/things", {"name": "a"}))
    await admin.execute(f'drop policy "{OPEN_POLICY}" on things')
    await database.refresh()
    catalog = await garden.grow(ask("POST", "/things", {"name": "a", "more": 1}))
    table = catalog.table("public", "things")
    assert table is not None
    assert "more" not in table.columns


async def test_reads_and_the_other_profile_make_nothing(database: Database) -> None:
    garden = Garden(database)
    for asked in (
        ask("GET", "/things"),
        ask("PATCH", "/things/1", {"a": 1}),
        ask("POST", "/things", {"a": 1}, POSTGREST),
    ):
        assert (await garden.grow(asked)).table("public", "things") is None


async def test_a_path_of_the_applications_own_is_no_table(database: Database) -> None:
    catalog = await Garden(database, frozenset({"things"})).grow(ask("POST", "/things", {"a": 1}))
    assert catalog.table("public", "things") is None


async def test_tables_and_columns_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(develop, "MAX_TABLES", 1)
    monkeypatch.setattr(develop, "MAX_COLUMNS", 4)
    garden = Garden(database)
    await garden.grow(ask("POST", "/things", {"a": 1}))
    with pytest.raises(MalformedQuery, match="1 tables have been made"):
        await garden.grow(ask("POST", "/more", {"a": 1}))
    with pytest.raises(MalformedQuery, match="would have 5 columns"):
        await garden.grow(ask("POST", "/things", {"b": 1, "c": 1}))


async def test_a_call_makes_nothing(database: Database) -> None:
    asked = replace(ask("POST", "/things", {"a": 1}), call=True)
    assert (await Garden(database).grow(asked)).table("public", "things") is None


@pytest.mark.parametrize("extra", [{}, {"id": "0190a000-0000-7000-8000-00000000ada0"}, {"id": "a", "created_at": "x"}])
async def test_a_table_is_foreseen_as_it_is_made(database: Database, extra: dict[str, object]) -> None:
    first, second = ask("POST", "/things", EVERY_KIND | extra), ask("POST", "/things", {"more": 1, "yet": "a"})
    for asked in (first, second):
        foreseen = await Garden(database).grow(asked)
        found = database.catalog
        assert foreseen.tables.keys() == found.tables.keys()
        made, seen = (each.tables[TableName("public", "things")] for each in (found, foreseen))
        assert dict(seen.columns) == dict(made.columns)
        assert list(seen.columns) == list(made.columns)
        assert dict(seen.constraints) == dict(made.constraints)
        assert {role: seen.privileges[role] for role in seen.privileges} == {
            role: made.privileges[role] for role in seen.privileges
        }
        rest = {"columns": {}, "constraints": {}, "privileges": {}, "quiet": False}
        assert replace(seen, **rest) == replace(made, **rest)


async def test_the_change_and_the_write_share_one_fate(database: Database) -> None:
    garden, asked = Garden(database), ask("POST", "/things", {"a": 1})
    with pytest.raises(StatementRefused):
        await garden.grow(asked, ANON, "insert into public.things (a) values (1)", "select nonsense")
    await garden.grow(asked, Beginning(Caller("anon"), commits=False), "insert into public.things (a) values (1)")
    with pytest.raises(ReadOnly):
        await garden.grow(asked, Beginning(Caller("anon"), read_only=True))
    with pytest.raises(Denied):
        await garden.grow(asked, Beginning(Caller("nobody")))
    assert (await database.refresh()).table("public", "things") is None


async def test_after_the_change_all_is_done_as_the_caller(database: Database, admin: asyncpg.Connection) -> None:
    seen = (
        "insert into public.things (a) select concat_ws(' ', session_user, current_user,"
        " current_setting('lock_timeout'), current_setting('search_path'))"
    )
    garden = Garden(database)
    await garden.grow(ask("POST", "/things", {"a": "x"}), ANON, seen)
    assert await admin.fetchval("select a from things") == 'authenticator anon 2s "$user", public'
    for forbidden in ("set role postgres", "create table public.other (id int)"):
        with pytest.raises(Denied):
            await garden.grow(ask("POST", "/things", {"b": "x"}), ANON, forbidden)


async def test_whoever_comes_second_is_judged_anew(database: Database) -> None:
    garden, grounds = Garden(database), list[Ground]()
    asked = ask("POST", "/things", {"a": 1})

    async def work(ground: Ground) -> None:
        grounds.append(ground)
        if len(grounds) == 1:
            await Garden(database).grow(ask("POST", "/things", {"a": "text"}))  # another worker
        if ground.change is not None:
            async with changing(database, ANON, ground.change, within=True):
                pass

    await garden.grower.serve(asked, work)
    assert [ground.change is None for ground in grounds] == [False, True]
    assert [ground.catalog.tables[TableName("public", "things")].columns["a"].type for ground in grounds] == [
        "bigint",
        "text",
    ]
