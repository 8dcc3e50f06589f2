"""Tables that grow while several requests, and several workers, want them at once."""

import asyncio

import asyncpg
import pytest
from msgspec.structs import replace

from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.errors import MalformedQuery
from pellucid.rest import develop
from pellucid.rest.develop import OPEN_POLICY, Grower
from pellucid.rest.profile import POSTGREST
from tests.conftest import Clone
from tests.rest.requests import ask

pytestmark = pytest.mark.anyio


async def test_two_workers_that_want_the_same_table_both_get_what_they_need(clone: Clone) -> None:
    options = DatabaseOptions(clone.dsn, clone.admin_dsn)
    async with Database(options) as one, Database(options) as other:
        growers = [Grower(one), Grower(other)]
        asked = [ask("POST", "/things", {"name": "a", f"column_{number % 4}": number}) for number in range(12)]
        catalogs = await asyncio.gather(
            *(growers[place % 2].catalog_for(request) for place, request in enumerate(asked))
        )
    for place, catalog in enumerate(catalogs):
        table = catalog.table("public", "things")
        assert table is not None
        assert f"column_{place % 4}" in table.columns
        assert table.policies == (OPEN_POLICY,)
        assert table.row_security


async def test_a_table_of_somebody_elses_is_left_as_it_is(database: Database, admin: asyncpg.Connection) -> None:
    await admin.execute("create table things (id bigint primary key); alter table things enable row level security")
    catalog = await Grower(database).catalog_for(ask("POST", "/things", {"id": 1, "name": "a"}))
    table = catalog.table("public", "things")
    assert table is not None
    assert list(table.columns) == ["id"]
    assert table.policies == ()


async def test_a_table_stops_growing_when_its_policy_is_replaced(database: Database, admin: asyncpg.Connection) -> None:
    grower = Grower(database)
    await grower.catalog_for(ask("POST", "/things", {"name": "a"}))
    await admin.execute(f'drop policy "{OPEN_POLICY}" on things')
    await database.refresh()
    catalog = await grower.catalog_for(ask("POST", "/things", {"name": "a", "more": 1}))
    table = catalog.table("public", "things")
    assert table is not None
    assert "more" not in table.columns


async def test_reads_and_the_other_profile_make_nothing(database: Database) -> None:
    grower = Grower(database)
    for asked in (
        ask("GET", "/things"),
        ask("PATCH", "/things/1", {"a": 1}),
        ask("POST", "/things", {"a": 1}, POSTGREST),
    ):
        assert (await grower.catalog_for(asked)).table("public", "things") is None


async def test_a_path_of_the_applications_own_is_no_table(database: Database) -> None:
    catalog = await Grower(database, frozenset({"things"})).catalog_for(ask("POST", "/things", {"a": 1}))
    assert catalog.table("public", "things") is None


async def test_tables_and_columns_are_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(develop, "MAX_TABLES", 1)
    monkeypatch.setattr(develop, "MAX_COLUMNS", 4)
    grower = Grower(database)
    await grower.catalog_for(ask("POST", "/things", {"a": 1}))
    with pytest.raises(MalformedQuery, match="1 tables have been made"):
        await grower.catalog_for(ask("POST", "/more", {"a": 1}))
    with pytest.raises(MalformedQuery, match="would have 5 columns"):
        await grower.catalog_for(ask("POST", "/things", {"b": 1, "c": 1}))


async def test_a_call_makes_nothing(database: Database) -> None:
    asked = replace(ask("POST", "/things", {"a": 1}), call=True)
    assert (await Grower(database).catalog_for(asked)).table("public", "things") is None
