"""What the catalog knows of functions: those that are called, and those that make columns and relationships."""

import asyncpg
import pytest

from pellucid.database.catalog.model import (
    Cardinality,
    Catalog,
    Column,
    Function,
    Parameter,
    Privilege,
    Relationship,
    TableName,
)
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from tests.conftest import Clone

INT, TEXT = "pg_catalog.int4", "pg_catalog.text"
SCHEMA = """
create schema helpers;
create schema other;
create schema hidden;
create domain "text/html" as text;
create domain "*/*" as bytea;
create domain "Image/PNG" as bytea;
create domain "no media" as text;
create type pair as (x int, "Y" text);
create domain good_pair as pair check ((value).x > 0);
create type mood as enum ('glad');
create table item (id bigint primary key, title text, taken text);
create domain good_item as item;
create table maker (id int primary key, item bigint references item);
create view seen as select id, title from item;
create table hidden.secret (id int, note text);
create table other.thing (id int);
"""
CALLED = """
create function add(a int, b int default 1, variadic rest int[] default '{}') returns int language sql immutable return a + b;
create function items(wanted text, out id bigint, out title text) returns setof record language sql stable
  begin atomic select item.id, item.title from item where item.title = wanted; end;
create function all_items() returns setof item language sql stable begin atomic select * from item; end;
create function an_item() returns good_item language sql stable return (1, '', '')::item;
create function over(x int, y int default 0) returns void language sql begin atomic select 1; end;
create function over(x text) returns table (y int, m mood) language sql begin atomic select 1, null::mood; end;
create function unnamed(int, text) returns text language sql return $2;
create function whole(json) returns json language sql return $1;
create function whole_item(item) returns text language sql return ''::text;
create function halves(text, b int) returns text language sql return $1;
create function watched() returns trigger language plpgsql as $$ begin return new; end $$;
create procedure done() language sql begin atomic select 1; end;
create aggregate total(int) (sfunc = int4pl, stype = int);
create function page() returns "text/html" language sql set "app.color" = 'red' set default_transaction_isolation to 'serializable'
  return ''::text;
create function pages() returns setof "text/html" language sql return ''::text;
create function anything() returns "*/*" language sql return ''::bytea;
create function image() returns "Image/PNG" language sql return ''::bytea;
create function plain() returns "no media" language sql return ''::text;
create function a_pair(p pair, ps pair[], i item default null) returns pair language sql return p;
create function good() returns good_pair language sql return (1, '')::pair;
create function one(out answer int) language sql return 42;
create function in_out(inout text, inout b int) language sql begin atomic select '', 2; end;
create function bare() returns record language sql return (1, 2);
create function secrets() returns setof hidden.secret language sql begin atomic select * from hidden.secret; end;
create function moods() returns mood[] language sql return null::mood[];
create function other.thing_now() returns setof other.thing language sql begin atomic select * from other.thing; end;
comment on function all_items() is 'Everything';
revoke execute on function over(int, int) from public;
grant execute on function over(int, int) to authenticated;
"""
COMPUTED = """
create function loud(item) returns text language sql return upper($1.title);
create function helpers.loud(item) returns int language sql return 1;
create function helpers.moods(it item) returns mood[] language sql return null::mood[];
create function hidden.unseen(item) returns text language sql return ''::text;
create function taken(item) returns int language sql return 1;
create function more(item, int) returns text language sql return ''::text;
create function many(item) returns setof text language sql return ''::text;
create function loud(seen) returns text language sql return ''::text;
create function makers(item) returns setof maker language sql begin atomic select * from maker; end;
create function maker(item) returns setof maker rows 1 language sql begin atomic select * from maker; end;
create function parent(maker) returns item language sql begin atomic select item from item; end;
create function helpers.makers(seen) returns setof maker language sql begin atomic select * from maker; end;
create function thing(maker) returns setof other.thing language sql begin atomic select * from other.thing; end;
create function secret(maker) returns setof hidden.secret language sql begin atomic select * from hidden.secret; end;
"""


@pytest.fixture
async def catalog(admin: asyncpg.Connection, clone: Clone) -> Catalog:
    await admin.execute(SCHEMA + CALLED + COMPUTED)
    options = DatabaseOptions(clone.dsn, schemas=("public", "other"), extra_search_path=("public", "helpers"))
    async with Database(options) as database:
        return database.catalog


def functions(catalog: Catalog, name: str) -> tuple[Function, ...]:
    return catalog.functions.get(TableName("public", name), ())


def function(catalog: Catalog, name: str) -> Function:
    (found,) = functions(catalog, name)
    return found


def result(catalog: Catalog, name: str) -> list[tuple[str, str]] | None:
    found = function(catalog, name).result
    return None if found is None else [(column.name, column.type) for column in found.columns.values()]


async def test_parameters(catalog: Catalog) -> None:
    add = function(catalog, "add")
    assert add.parameters == (
        Parameter("a", "integer", cast=INT),
        Parameter("b", "integer", required=False, cast=INT),
        Parameter("rest", "integer[]", required=False, variadic=True, cast=f"{INT}[]"),
    )
    assert (add.returns, add.returns_set, add.volatility, add.scalar) == ("integer", False, "immutable", True)
    assert function(catalog, "items").parameters == (Parameter("wanted", "text", cast=TEXT),)
    assert [(each.type, each.cast) for each in function(catalog, "a_pair").parameters] == [
        ("public.pair", "public.pair"),
        ("public.pair[]", "public.pair[]"),
        ("public.item", "public.item"),
    ]
    assert [each.name for each in function(catalog, "in_out").parameters] == ["", "b"]


async def test_what_can_be_called(catalog: Catalog) -> None:
    (whole,) = function(catalog, "whole").parameters
    assert (whole.name, whole.type, whole.required) == ("", "json", True)
    assert function(catalog, "halves")
    names = {name.name for name in catalog.functions}
    assert names.isdisjoint({"watched", "done", "total", "unnamed", "whole_item", "loud", "makers"})
    assert {name.schema for name in catalog.functions} == {"public", "other"}


async def test_overloaded_functions_and_who_may_call_them(catalog: Catalog) -> None:
    by_text, by_number = functions(catalog, "over")
    assert (len(by_text.parameters), len(by_number.parameters)) == (1, 2)
    assert by_number.executable_by == {"authenticated", "service_role"}
    assert by_text.executable_by == catalog.roles
    assert (by_number.returns_void, by_text.returns_void) == (True, False)


async def test_what_they_answer(catalog: Catalog) -> None:
    item = catalog.tables[TableName("public", "item")]
    everything = function(catalog, "all_items")
    assert (everything.returns_table, everything.comment) == (item.name, "Everything")
    assert everything.result is item
    assert function(catalog, "an_item").result is item
    assert result(catalog, "items") == [("id", "bigint"), ("title", "text")]
    assert functions(catalog, "over")[0].result == function_result(catalog)
    assert result(catalog, "a_pair") == result(catalog, "good") == [("x", "integer"), ("Y", "text")]
    assert result(catalog, "one") == [("answer", "integer")]
    assert result(catalog, "in_out") == [("column1", "text"), ("b", "integer")]
    assert result(catalog, "secrets") == [("id", "integer"), ("note", "text")]
    scalar = {name: function(catalog, name).scalar for name in ("bare", "add", "page", "moods", "one", "good")}
    assert scalar == {"bare": False, "add": True, "page": True, "moods": True, "one": False, "good": False}
    returned = {name: function(catalog, name).returns_table for name in ("a_pair", "secrets", "one", "bare")}
    assert set(returned.values()) == {None}
    pair = function(catalog, "a_pair").result
    assert pair is not None
    assert (pair.kind, pair.name, pair.allows("anon", Privilege.SELECT)) == ("composite", ("public", "pair"), True)


def function_result(catalog: Catalog) -> object:
    """The rows of ``returns table (y int, m mood)``."""
    found = functions(catalog, "over")[0].result
    assert found is not None
    assert tuple(found.columns.values()) == (
        Column("y", "integer", "int4", cast=INT),
        Column("m", "public.mood", "mood", cast="public.mood", enum=("glad",)),
    )
    return found


async def test_media_types_and_settings(catalog: Catalog) -> None:
    media = {
        name: function(catalog, name).media for name in ("page", "pages", "anything", "image", "plain", "whole", "add")
    }
    assert media == {
        "page": "text/html",
        "pages": None,
        "anything": "*/*",
        "image": "image/png",
        "plain": None,
        "whole": None,
        "add": None,
    }
    assert function(catalog, "page").settings == (
        ("app.color", "red"),
        ("default_transaction_isolation", "serializable"),
    )
    assert function(catalog, "add").settings == ()


async def test_computed_columns(catalog: Catalog) -> None:
    computed = {name.name: dict(table.computed) for name, table in catalog.tables.items() if name.schema == "public"}
    assert computed["item"].keys() == {"loud", "moods", "whole_item"}
    assert computed["item"]["loud"] == Column("loud", "text", "text", cast=TEXT, function=TableName("public", "loud"))
    moods = computed["item"]["moods"]
    assert (moods.type, moods.array, moods.enum, moods.function) == (
        "public.mood[]",
        True,
        ("glad",),
        ("helpers", "moods"),
    )
    assert computed["seen"].keys() == {"loud"}
    assert computed["maker"].keys() == {"parent"}


async def test_computed_relationships(catalog: Catalog) -> None:
    item, maker = TableName("public", "item"), TableName("public", "maker")
    made = {
        (each.origin.name, each.function.name): each
        for ways in catalog.relationships.values()
        for each in ways
        if each.function
    }
    assert made.keys() == {("item", "makers"), ("item", "maker"), ("maker", "parent"), ("maker", "thing")}
    assert made["item", "makers"] == Relationship(
        item, maker, Cardinality.ONE_TO_MANY, function=TableName("public", "makers")
    )
    assert {each.function.name: each.to_one for each in made.values() if each.function} == {
        "makers": False,
        "maker": True,
        "parent": True,
        "thing": False,
    }
    assert made["maker", "thing"].target == ("other", "thing")


async def test_a_computed_relationship_takes_the_place_of_others_to_a_table_of_its_name(catalog: Catalog) -> None:
    assert [each.function for each in catalog.relationships[TableName("public", "item")]] == [
        ("public", "maker"),
        ("public", "makers"),
    ]
    assert any(each.constraint for each in catalog.relationships[TableName("public", "maker")])
