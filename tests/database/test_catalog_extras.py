"""What else a schema says of itself: media types, representations of domains, rights by column, comments."""

import asyncpg
import pytest

from pellucid.database.catalog import queries
from pellucid.database.catalog.model import Catalog, Handler, Privilege, Representation, Table, TableName
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from tests.conftest import Clone

SCHEMA = """
create schema hidden;
create domain "text/csv" as text;
create domain "*/*" as bytea;
create domain "no media" as text;
create table item (id int primary key, title text);
create view seen as select id, title from item;
create function step(text, item) returns "text/csv" language sql return ''::text;
create function step(text, seen) returns "text/csv" language sql return ''::text;
create function step(text, anyelement) returns "text/csv" language sql as 'select ''''';
create function octets(bytea, item) returns "*/*" language sql return ''::bytea;
create function plain(text, item) returns "no media" language sql return ''::text;
create aggregate a_csv(item) (sfunc = step, stype = "text/csv");
create aggregate b_csv(seen) (sfunc = step, stype = "text/csv");
create aggregate c_csv(anyelement) (sfunc = step, stype = "text/csv");
create aggregate all_of_it(item) (sfunc = octets, stype = "*/*");
create aggregate unnamed(item) (sfunc = plain, stype = "no media");
create aggregate hidden.away(item) (sfunc = step, stype = "text/csv");
comment on schema public is 'What we sell';
"""
CASTS = """
create domain color as int;
create domain quiet as int;
create domain secret as int;
create domain late as int;
create function shown(color) returns json language sql return to_json($1::int);
create function hidden.parsed(json) returns color language sql return ($1 #>> '{}')::int;
create function parsed(text) returns color language sql return 1;
create function worded(color) returns text language sql return '';
create function quietly(quiet) returns json language sql return '1'::json;
create function secretly(secret) returns json language sql return '1'::json;
create cast (color as json) with function shown(color) as implicit;
create cast (json as color) with function hidden.parsed(json) as implicit;
create cast (text as color) with function parsed(text) as implicit;
create cast (color as text) with function worded(color) as implicit;
create cast (quiet as json) with function quietly(quiet) as assignment;
create cast (secret as json) with function secretly(secret) as implicit;
revoke execute on function secretly(secret) from public;
create type colored as (color color);
create function coloring() returns colored language sql return null::colored;
create table paint (color color, colors color[], quiet quiet, secret secret, late late);
"""
GRANTS = """
create table person (id int primary key, name text, email text);
grant select (id, name), update (email) on person to anon;
grant select on person to authenticated;
grant select (email) on person to authenticated;
grant select (email) on person to public;
create table open (id int);
grant select on open to anon;
create table closed (id int);
create schema unused;
create table unused.thing (id int, name text);
grant select (id) on unused.thing to anon;
"""


@pytest.fixture
async def catalog(admin: asyncpg.Connection, clone: Clone) -> Catalog:
    await admin.execute(SCHEMA + CASTS + GRANTS)
    async with Database(DatabaseOptions(clone.dsn, schemas=("public", "unused"))) as database:
        return database.catalog


def table(catalog: Catalog, name: str, schema: str = "public") -> Table:
    return catalog.tables[TableName(schema, name)]


async def test_aggregates_make_media_types(catalog: Catalog) -> None:
    def made(name: str, media: str, table: str | None) -> Handler:
        return Handler(TableName("public", name), media, table and TableName("public", table))  # type: ignore[arg-type]

    assert dict(catalog.handlers) == {
        "text/csv": (
            made("a_csv", "text/csv", "item"),
            made("b_csv", "text/csv", "seen"),
            made("c_csv", "text/csv", None),
        ),
        "*/*": (made("all_of_it", "application/octet-stream", "item"),),
    }


async def test_implicit_casts_represent_domains(catalog: Catalog) -> None:
    found = {name: column.representation for name, column in table(catalog, "paint").columns.items()}
    assert found.pop("color") == Representation(
        TableName("public", "shown"), TableName("hidden", "parsed"), TableName("public", "parsed")
    )
    assert set(found.values()) == {None}
    (coloring,) = catalog.functions[TableName("public", "coloring")]
    assert coloring.result is not None
    assert coloring.result.columns["color"].representation is None


async def test_rights_by_column(catalog: Catalog) -> None:
    person = table(catalog, "person")
    assert dict(person.readable) == {"anon": {"id", "name", "email"}}
    assert person.allows("authenticated", Privilege.SELECT)
    assert person.privileges["anon"] == {Privilege.SELECT, Privilege.UPDATE}
    assert table(catalog, "open").readable == table(catalog, "closed").readable == {}
    assert table(catalog, "thing", "unused").readable == {}


async def test_comments_and_extensions(catalog: Catalog) -> None:
    assert dict(catalog.schema_comments) == {"public": "What we sell"}
    assert not catalog.postgis


CHANGES = (
    "create view late_view as select id from item",
    "create or replace view late_view as select id from item where id > 1",
    "create view over_base as select * from hidden.base",
    "alter table hidden.base add primary key (id)",
    "alter table hidden.base add foreign key (item) references item",
    "create function late_cast(late) returns json language sql return '1'::json",
    "create cast (late as json) with function late_cast(late) as implicit",
    "drop cast (late as json)",
    'create aggregate d_csv(item) (sfunc = step, stype = "text/csv")',
    "alter type colored rename attribute color to colour",
    "alter type colored add attribute extra int",
    "create function base_rows() returns setof hidden.base language sql begin atomic select * from hidden.base; end",
    "alter table hidden.base add note text",
    "create function helpers.loud(item) returns text language sql return ''::text",
    "create view helpers.passed as select id from item",
    'create domain "image/png" as bytea',
    "comment on schema public is 'Something else'",
    "revoke select (name) on person from anon",
    "create extension citext",
)
NO_CHANGES = (
    "create temp table passing (id int primary key)",
    "insert into item values (1); analyze item",
)


async def test_every_change_is_marked_and_told(admin: asyncpg.Connection, clone: Clone) -> None:
    await admin.execute(SCHEMA + CASTS + GRANTS)
    await admin.execute("create table hidden.base (id int, item int); create schema helpers")
    told: list[str] = []
    await admin.add_listener("pellucid", lambda *heard: told.append(str(heard)))

    async def mark() -> list[asyncpg.Record]:
        return list(await admin.fetch(queries.LOCAL_MARK, ["public"], ["helpers"]))

    before = await mark()
    for change in CHANGES:
        told.clear()
        await admin.execute(change)
        before, earlier = await mark(), before
        assert (before != earlier, len(told)) == (True, 1), change
    for change in NO_CHANGES:
        told.clear()
        await admin.execute(change)
        assert (await mark(), told) == (before, []), change
