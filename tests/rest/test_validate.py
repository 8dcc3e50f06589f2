"""Bodies against their table's model."""

from typing import Any

import pytest
from msgspec.structs import replace

from pellucid.database.catalog.model import Function, Parameter, TableName
from pellucid.errors import InvalidFields
from pellucid.rest.request import Method
from pellucid.rest.validate import MAX_FAULTS, ModelCache, check
from tests.rest.requests import ask
from tests.rest.world import PEOPLE, SEATS

MODELS = ModelCache()


def faults(method: Method, path: str, body: Any, role: str = "anon") -> dict[str, str]:
    asked = ask(method, path, body)
    table = SEATS if asked.table == "seats" else PEOPLE
    try:
        check(asked, table, MODELS, role)
    except InvalidFields as fault:
        found = fault.faults
    else:
        return {}
    assert all(each.hint for each in found)
    return {each.field: each.message for each in found}


@pytest.mark.parametrize(
    "row",
    [
        {"name": "Sir", "age": 20},
        {"name": "Sir", "age": None, "meta": {"deep": [1, {"a": None}]}, "tags": ["a", None], "mood": "sad"},
        {"name": "Sir", "made": "2026-01-31T10:00:00Z", "id": 7},
        {"name": "Sir", "tags": "{a,b}"},
    ],
)
def test_good_rows(row: dict[str, Any]) -> None:
    assert faults("POST", "/people", row) == {}


def test_every_bad_field_is_told_at_once() -> None:
    found = faults("POST", "/people", {"age": "old", "mood": "angry", "made": "yesterday", "hight": 1, "twice": 2})
    assert list(found) == ["name", "age", "mood", "made", "hight", "twice"], "the table's order, then the rest"
    assert found["name"] == "A value is required."
    assert found["hight"] == "people has no column hight."


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "longer than ten"}, "name"),
        ({"name": "a", "age": 2**63}, "age"),
        ({"name": "a", "age": 1.5}, "age"),
        ({"name": "a", "tags": [1]}, "tags"),
    ],
)
def test_bad_values(row: dict[str, Any], field: str) -> None:
    assert set(faults("POST", "/people", row)) == {field}


def test_a_list_tells_the_row() -> None:
    assert set(faults("POST", "/people", [{"name": "a"}, {"name": "b", "age": "x"}])) == {"1.age"}


def test_a_change_needs_no_field_and_a_replacement_takes_its_key_from_the_path() -> None:
    assert faults("PATCH", "/people/1", {"age": 3}) == {}
    assert faults("PUT", "/seats/a,1", {"taken": True}) == {}
    assert set(faults("POST", "/seats", {"taken": True})) == {"row", "place"}


def test_who_may_not_write_is_told_nothing_of_the_columns() -> None:
    assert faults("POST", "/people", {}, role="reader") == {}
    assert faults("PATCH", "/people/1", {"nmae": 1}, role="stranger") == {}
    assert set(faults("POST", "/people", {}, role="writer")) == {"name"}


def test_a_bad_field_is_told_once_and_in_plain_words() -> None:
    assert faults("POST", "/people", {"name": "a", "tags": [1, [2], {}]}) == {
        "tags": "The value should be a valid string."
    }
    assert faults("POST", "/people", {"name": "a", "twice": 2}) == {"twice": "twice cannot be given."}
    assert faults("POST", "/people", {"name": None}) == {"name": "A value is required, and null is none."}
    assert faults("POST", "/people", {"name": "a" * 11}) == {"name": "The value should have at most 10 characters."}


def test_many_bad_rows_are_told_up_to_a_number() -> None:
    assert len(faults("POST", "/people", [{"age": "x"}] * 500)) == MAX_FAULTS


@pytest.mark.parametrize(
    "row",
    [
        {"name": "a", "tags": [["a", "b"], ["c", None]]},
        {"name": "a", "made": "infinity"},
    ],
)
def test_what_postgresql_knows_beyond_python(row: dict[str, Any]) -> None:
    assert faults("POST", "/people", row) == {}


def test_arguments_are_told_their_types() -> None:
    kinds = (Parameter("a", "integer", cast="pg_catalog.int4"), Parameter("b", "public.mood", cast='"public"."mood"'))
    function = Function(TableName("public", "add"), kinds, "integer", executable_by=frozenset({"anon"}))
    called = replace(ask("POST", "/add", {"a": "many", "b": 1}), call=True)
    with pytest.raises(InvalidFields) as fault:
        check(called, function, MODELS, "anon")
    assert [(each.field, each.hint) for each in fault.value.faults] == [
        ("a", "Give a a value of type integer or null.")
    ]
    check(replace(ask("POST", "/add", {"a": 1, "b": 1}), call=True), function, MODELS, "anon")
    check(called, function, MODELS, "stranger")
    for others in ((), (Parameter("", "jsonb", cast="pg_catalog.jsonb"),)):
        check(called, replace(function, parameters=others), MODELS, "anon")


def test_keys_that_are_not_written_are_not_judged() -> None:
    assert faults("POST", "/people?columns=name", {"name": "a", "hight": 1}) == {}


def test_a_huge_key_is_not_repeated() -> None:
    assert [len(name) for name in faults("POST", "/people", {"name": "a", "x" * 10_000: 1})] == [80]
