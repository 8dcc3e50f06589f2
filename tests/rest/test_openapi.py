"""The catalog as OpenAPI 3.1."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from pellucid.database.catalog.model import Catalog, Column, Table
from pellucid.rest.openapi import describe, merge
from pellucid.rest.validate import ModelCache
from tests.rest.world import CATALOG, ID, OPEN, PEOPLE, SEATS, table

ODD = (
    table("Odd Table", Column("A b", "integer", "int4", nullable=False), Column("x.y", "text", "text"), key=("A b",)),
    table("odd_table", ID, Column("order", "text", "text"), Column("limit", "integer", "int4"), Column("select", "text", "text")),
    table("odd table", ID),
    table("a/b{c}", Column("k{}", "text", "text", nullable=False), key=("k{}",)),
    table("rest", ID),
    table("view", ID, key=()),
)  # fmt: skip


def catalog(*tables: Table) -> Catalog:
    return replace(CATALOG, tables=MappingProxyType({each.name: each for each in tables}))


def described(*tables: Table, role: str = "anon", guarded: bool = False) -> dict[str, Any]:
    own = {"openapi": "3.1.0", "paths": {}}
    return merge(own, describe(catalog(*tables), ModelCache(), role, reserved=frozenset({"rest"}), guarded=guarded))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described(PEOPLE, SEATS, OPEN, *ODD)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((path, operation) for path, item in document["paths"].items() for operation in item.values())


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, operation in operations(document))
    assert set(names.values()) == {1}
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in (*names, *document["components"]["schemas"]))


def test_parameters_are_those_of_the_path_and_each_is_there_once(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        places = Counter((each["in"], each["name"]) for each in operation["parameters"])
        assert set(places.values()) <= {1}, path
        assert set(re.findall(r"\{(.*?)\}", path)) == {name for place, name in places if place == "path"}


def test_paths_are_as_a_client_sends_them(document: dict[str, Any]) -> None:
    assert {"/people/{id}", "/seats/{row},{place}", "/Odd%20Table/{A b}", "/a%2Fb%7Bc%7D/{k__}"} <= set(
        document["paths"]
    )
    assert not [path for path in document["paths"] if path.startswith(("/rest", "/view/"))]


def test_columns_named_as_a_part_of_the_query_are_filtered_by_their_quoted_name(document: dict[str, Any]) -> None:
    names = [each["name"] for each in document["paths"]["/odd_table"]["get"]["parameters"]]
    assert {'"order"', '"limit"', '"select"', "order", "limit", "select", "id"} <= set(names)
    assert '"x.y"' in [each["name"] for each in document["paths"]["/Odd%20Table"]["get"]["parameters"]]


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for reference in re.findall(r"#/components/schemas/([^']+)'", str(document["paths"])):
        assert reference in schemas


def test_models_say_what_may_be_null_and_what_must_be_given() -> None:
    schemas = described(PEOPLE)["components"]["schemas"]
    new, change, row = (schemas[f"people.{part}"] for part in ("insert", "update", "row"))
    assert new["required"] == ["name"]
    assert "required" not in change
    assert set(row["required"]) == set(PEOPLE.columns)
    assert new["properties"]["name"] == {"type": "string", "maxLength": 10}
    assert new["properties"]["mood"] == {"anyOf": [{"enum": ["happy", "sad"], "type": "string"}, {"type": "null"}]}
    assert row["properties"]["tags"]["anyOf"][0]["items"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert "twice" not in new["properties"]
    assert "twice" in row["properties"]
    assert "'default': None" not in str(schemas)


def test_only_what_the_role_may_do_is_described() -> None:
    assert set(described(PEOPLE, role="reader")["paths"]["/people"]) == {"get"}
    assert set(described(PEOPLE, role="writer")["paths"]["/people"]) == {"post"}
    assert described(PEOPLE, role="stranger")["paths"] == {}


def test_what_is_not_served_is_not_described() -> None:
    assert set(described(PEOPLE, OPEN, guarded=True)["paths"]) == {"/people", "/people/{id}"}
