"""The catalog as OpenAPI 2.0, as generators for PostgREST read it."""

from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from pellucid.database.catalog.model import Catalog, Column, Fill, Function, Parameter, Table, TableName
from pellucid.rest.openapi.swagger import Viewer, describe, place_of
from pellucid.rest.options import DataOptions, OpenApiMode
from tests.rest.fits import references, resolve
from tests.rest.library import LIBRARY
from tests.rest.world import CATALOG, OPEN, PEOPLE, SEATS, table

Json = dict[str, Any]
ANON = Viewer("anon", "public", guarded=False)
ADD = Function(
    TableName("public", "add"),
    (Parameter("a", "integer"), Parameter("b", "text[]", required=False), Parameter("c", "jsonb[]", variadic=True)),
    "integer",
    volatility="stable",
    executable_by=frozenset({"anon"}),
    comment="Adds\n\nWhatever there is.",
)
ACT = Function(TableName("public", "act"), (), "void", executable_by=frozenset({"writer"}))


def catalog(*tables: Table, **others: Any) -> Catalog:
    return replace(CATALOG, tables=MappingProxyType({each.name: each for each in tables}), **others)


def described(what: Catalog, viewer: Viewer = ANON, **options: Any) -> Json:
    return describe(what, DataOptions(**options), viewer)


WORLD = catalog(
    PEOPLE, SEATS, OPEN, functions=MappingProxyType({ADD.name: (ADD,), ACT.name: (ACT,)}),
    schema_comments=MappingProxyType({"public": "The world\n\nand all that is in it."}),
)  # fmt: skip


@pytest.mark.parametrize("what", [WORLD, LIBRARY], ids=["world", "library"])
def test_references_lead_somewhere(what: Catalog) -> None:
    document = described(what)
    for reference in set(references(document)):
        assert resolve(document, reference)


def test_comments_are_titles_and_summaries() -> None:
    document = described(WORLD)
    assert (document["info"]["title"], document["info"]["description"]) == ("The world", "and all that is in it.")
    operation = document["paths"]["/rpc/add"]["get"]
    assert (operation["summary"], operation["description"]) == ("Adds", "Whatever there is.")
    assert described(catalog())["info"]["title"] == "PostgREST API"


def test_only_what_the_caller_may_use_is_there_unless_everything_is() -> None:
    assert set(described(WORLD)["paths"]) == {"/", "/open", "/people", "/seats", "/rpc/add"}
    assert set(described(WORLD, replace(ANON, role="stranger"))["paths"]) == {"/"}
    everything = described(WORLD, replace(ANON, role="stranger"), openapi_mode=OpenApiMode.IGNORE_PRIVILEGES)
    assert set(everything["paths"]) == {"/", "/open", "/people", "/seats", "/rpc/add", "/rpc/act"}
    assert set(described(WORLD, replace(ANON, schema="other"))["paths"]) == {"/"}
    assert "/open" not in described(WORLD, replace(ANON, guarded=True))["paths"]


def test_arguments_are_described_in_the_address_and_in_the_body() -> None:
    item = described(WORLD)["paths"]["/rpc/add"]
    assert item["get"]["parameters"] == [
        {"name": "a", "in": "query", "required": True, "type": "integer", "format": "int32"},
        {"name": "b", "in": "query", "required": False, "type": "string", "format": "text[]"},
        {
            "name": "c",
            "in": "query",
            "required": True,
            "type": "array",
            "items": {"format": "jsonb"},
            "collectionFormat": "multi",
        },
    ]
    body = item["post"]["parameters"][0]["schema"]
    assert body["required"] == ["a", "c"]
    assert body["properties"]["b"] == {"type": "array", "format": "text[]", "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (Column("c", "character varying(3)", "varchar", cast='pg_catalog."varchar"', max_length=3),
         {"type": "string", "format": "character varying", "maxLength": 3}),
        (Column("c", "character(3)[]", "bpchar", cast="pg_catalog.bpchar[]", array=True, max_length=3),
         {"type": "array", "format": "character[]", "items": {"type": "string"}}),
        (Column("c", "timestamp(3) without time zone", "timestamp", cast="pg_catalog.timestamp"),
         {"type": "string", "format": "timestamp without time zone"}),
        (Column("c", "public.age", "int4", cast='"public"."age"'), {"type": "integer", "format": "int32"}),
        (Column("c", "public.mood", "mood", cast='"public"."mood"', enum=("a", "b")),
         {"type": "string", "format": "public.mood", "enum": ["a", "b"]}),
        (Column("c", "jsonb", "jsonb", cast="pg_catalog.jsonb"), {"format": "jsonb"}),
    ],
    ids=lambda each: each.type if isinstance(each, Column) else "",
)  # fmt: skip
def test_types(column: Column, told: Json) -> None:
    document = described(catalog(table("t", column, key=())))
    assert document["definitions"]["t"]["properties"] == {"c": told}


@pytest.mark.parametrize(
    ("base", "text", "value"),
    [
        ("text", "'a b'::text", "a b"),
        ("text", "''::text", ""),
        ("text", "lower('A'::text)", "lower('A'::text)"),
        ("text", "'\"'::text", None),
        ("int4", "42", 42),
        ("bool", "false", False),
        ("int4", "nextval('s'::regclass)", None),
        ("date", "'1900-01-01'::date", "1900-01-01"),
    ],
)
def test_defaults(base: str, text: str, value: Any) -> None:
    column = Column("c", base, base, cast=f"pg_catalog.{base}", fill=Fill.DEFAULT, default=text)
    told = described(catalog(table("t", column, key=())))["definitions"]["t"]["properties"]["c"]
    assert told.get("default") == value


def test_keys_are_noted() -> None:
    properties = described(LIBRARY)["definitions"]["books"]["properties"]
    assert properties["id"]["description"] == "Note:\nThis is a Primary Key.<pk/>"
    assert "<fk table='authors' column='id'/>" in properties["author"]["description"]


def test_the_token_is_described_where_that_is_wanted() -> None:
    assert "securityDefinitions" not in described(WORLD)
    assert described(WORLD, openapi_security=True)["security"] == [{"JWT": []}]


@pytest.mark.parametrize(
    ("address", "host", "path", "scheme"),
    [
        ("https://example.com/api", "example.com:443", "/api", "https"),
        ("http://example.com", "example.com:80", "/", "http"),
        ("http://[::1]:8000/rest/v1", "[::1]:8000", "/rest/v1", "http"),
    ],
)
def test_the_place(address: str, host: str, path: str, scheme: str) -> None:
    assert place_of(address) == {"host": host, "basePath": path, "schemes": [scheme]}
