"""Requests judged against a catalog and written as SQL, without a database."""

import json
import re
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pellucid.database.catalog.model import Table
from pellucid.errors import (
    BodyTooLarge,
    Denied,
    MalformedBody,
    MalformedQuery,
    MethodNotAllowed,
    NotExposed,
    PellucidError,
    RequestError,
    SchemaError,
    StatementRefused,
    UnknownColumn,
    UnknownSchema,
    UnknownTable,
    UnsupportedMediaType,
)
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.compile.writer import Statement
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.model import Insert, OnConflict, Plan, Update
from pellucid.rest.plan.names import Context, check_exposed, find_table, is_exposed
from pellucid.rest.profile import NATIVE, POSTGREST, Profile
from pellucid.rest.request import Method, RestRequest
from tests.rest.requests import ask
from tests.rest.world import CATALOG, OPEN, PEOPLE


def plan(asked: RestRequest, role: str = "anon") -> Plan:
    return make_plan(asked, find_table(CATALOG, asked.name, role, asked.profile), Context(CATALOG, asked.profile, role))


def sql(asked: RestRequest, role: str = "anon") -> Statement:
    return compile_plan(plan(asked, role))


def test_a_read() -> None:
    statement = sql(
        ask("GET", "/people?age=gte.18&order=age.desc.nullslast&limit=10&offset=5&select=id,full:name,meta->a->>0")
    )
    assert statement.sql.startswith("SELECT coalesce(json_agg(r.*), '[]')::text AS body, count(*) AS rows, NULL::int8")
    assert statement.sql.endswith(
        ' FROM (SELECT t."id" AS "id", t."name" AS "full", (t."meta" -> $1::text ->> $2::int4) AS "a" FROM "public"."people" AS t'
        ' WHERE (t."age" >= $3::text::pg_catalog.int8) ORDER BY t."age" DESC NULLS LAST LIMIT $4::int8 OFFSET $5::int8) AS r'
    )
    assert statement.parameters == ("a", 0, "18", 10, 5)


def test_a_count_rides_along() -> None:
    statement = sql(ask("GET", "/people?age=gte.18&limit=1", prefer="count=exact"))
    counted = '(SELECT count(*) FROM "public"."people" AS t WHERE (t."age" >= $3::text::pg_catalog.int8))'
    assert statement.sql.count(counted) == 1


def test_conditions() -> None:
    statement = sql(
        ask(
            "GET",
            "/people?name=like.A*&id=in.(1,2)&tags=in.({a},{b})&mood=isdistinct.sad&or=(age.is.null,not.and(age.gt.1,age.lt.5))&select=id",
        )
    )
    where = statement.sql.split(" WHERE ")[1].split(") AS r")[0]
    assert where == (
        '((t."age" IS NULL) OR NOT ((t."age" > $1::text::pg_catalog.int8) AND (t."age" < $2::text::pg_catalog.int8)))'
        ' AND (t."name" LIKE $3::text) AND (t."id" = ANY ($4::text[]::pg_catalog.int8[]))'
        ' AND (t."tags" IN ($5::text::pg_catalog.text[], $6::text::pg_catalog.text[]))'
        ' AND (t."mood" IS DISTINCT FROM $7::text::"public"."mood")'
    )
    assert statement.parameters == ("1", "5", "A%", ["1", "2"], "{a}", "{b}", "sad")


def test_a_key_in_the_path() -> None:
    assert sql(ask("GET", "/seats/a%2Cb,3?select=taken")).parameters == ("a,b", "3")
    with pytest.raises(MalformedQuery, match="has 2 parts"):
        plan(ask("GET", "/seats/a"))


def test_an_insert() -> None:
    statement = sql(ask("POST", "/people?select=id", {"name": "Sir", "age": 20}))
    assert statement.sql.startswith(
        'WITH w AS (INSERT INTO "public"."people" AS t ("name", "age") SELECT b."name", b."age" FROM json_to_recordset($1::json)'
        ' AS b("name" pg_catalog."varchar", "age" pg_catalog.int8) RETURNING t."id") SELECT'
    )
    assert statement.sql.endswith(' FROM (SELECT t."id" AS "id" FROM "w" AS t) AS r')
    assert statement.parameters == ('[{"name": "Sir", "age": 20}]',)


def test_rows_with_other_keys_take_their_defaults() -> None:
    made = plan(ask("POST", "/people", [{"name": "a"}, {"name": "b", "age": 1}, {"name": "c"}]))
    assert isinstance(made, Insert)
    assert [(tuple(column.name for column in group.columns), group.places) for group in made.groups] == [
        (("name",), (0, 2)),
        (("name", "age"), (1,)),
    ]
    with pytest.raises(MalformedBody, match="All object keys must match"):
        plan(ask("POST", "/people", [{"name": "a"}, {"name": "b", "age": 1}], POSTGREST))


def test_the_same_keys_in_any_order_are_one_statement() -> None:
    assert (
        sql(ask("POST", "/people", {"name": "a", "age": 1})).sql
        == sql(ask("POST", "/people", {"age": 1, "name": "a"})).sql
    )


def test_columns_choose_what_an_insert_takes() -> None:
    made = plan(ask("POST", '/people?columns="name"', [{"name": "a", "x": 1}, {"age": 2}], POSTGREST))
    assert isinstance(made, Insert)
    assert [[column.name for column in group.columns] for group in made.groups] == [["name"]]


def test_upserts() -> None:
    made = plan(
        ask(
            "POST", "/people?on_conflict=name", {"name": "a", "age": 1}, POSTGREST, prefer="resolution=merge-duplicates"
        )
    )
    assert isinstance(made, Insert)
    assert (made.conflict, made.target) == (OnConflict.MERGE, ("name",))
    assert 'ON CONFLICT ("name") DO UPDATE SET "age" = EXCLUDED."age"' in compile_plan(made).sql
    ignoring = sql(ask("POST", "/people", {"name": "a"}, POSTGREST, prefer="resolution=ignore-duplicates"))
    assert 'ON CONFLICT ("id") DO NOTHING' in ignoring.sql
    with pytest.raises(MalformedQuery, match="on_conflict"):
        plan(ask("POST", "/people?on_conflict=name", {"name": "a"}))


def test_an_update() -> None:
    statement = sql(ask("PATCH", "/people/1?select=id", {"age": 2}))
    assert statement.sql.startswith(
        'WITH w AS (UPDATE "public"."people" AS t SET "age" = b."age" FROM'
        ' (SELECT * FROM json_to_recordset($1::json) AS b("age" pg_catalog.int8)'
        ' LIMIT 1) AS b WHERE (t."id" = $2::text::pg_catalog.int8)'
        ' RETURNING t."id") SELECT'
    )


def test_a_replacement_nulls_what_is_left_out_and_keeps_what_the_database_fills() -> None:
    made = plan(ask("PUT", "/people/1", {"name": "a"}))
    assert isinstance(made, Update)
    assert [column.name for column in made.columns] == ["name"]
    assert [column.name for column in made.nulled] == ["age", "meta", "tags", "mood"]


def test_a_replacement_makes_the_row_where_the_client_chooses_keys() -> None:
    made = plan(ask("PUT", "/seats/a,1", {"taken": True}))
    assert isinstance(made, Insert)
    assert json.loads(made.rows) == [{"row": "a", "place": "1", "taken": True}]
    assert made.rows.endswith('"row": "a", "place": "1"}]'), "the address has the last word"
    assert made.target == ("row", "place")
    assert json.loads(compile_plan(plan(ask("PUT", "/seats/a,1", {}))).parameters[0]) == [{"row": "a", "place": "1"}]  # type: ignore[arg-type]


def test_writes_that_touch_every_row_need_a_filter_in_the_native_profile() -> None:
    for asked in (ask("DELETE", "/people"), ask("PATCH", "/people", {"age": 1})):
        with pytest.raises(MalformedQuery, match="every row"):
            plan(asked)
    with pytest.raises(MalformedQuery, match="limit"):
        plan(ask("DELETE", "/people?id=1&limit=1"))
    assert plan(ask("DELETE", "/people", profile=POSTGREST))


def test_what_comes_back() -> None:
    def outputs(asked: RestRequest, role: str = "anon") -> int:
        made = plan(asked, role)
        assert isinstance(made, Insert)
        return len(made.answer.outputs) if made.answer else 0

    row = {"name": "a"}
    assert outputs(ask("POST", "/people", row)) == len(PEOPLE.columns)
    assert outputs(ask("POST", "/people", row, prefer="return=minimal")) == 0
    assert outputs(ask("POST", "/people", row), role="writer") == 0
    assert outputs(ask("POST", "/people", row, POSTGREST)) == 0
    assert outputs(ask("POST", "/people?select=id", row, POSTGREST, prefer="return=representation")) == 1


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("POST", "/people/1", {"name": "a"}), MethodNotAllowed),
        (("PUT", "/people", {"name": "a"}), MethodNotAllowed),
        (("PUT", "/people/1", [{"name": "a"}]), MalformedBody),
        (("PUT", "/people/1", {"id": 2}), MalformedBody),
        (("PATCH", "/people/1", {}), MalformedBody),
        (("PATCH", "/people/1", [{"age": 1}]), MalformedBody),
        (("PATCH", "/people/1", {"agee": 1}), UnknownColumn),
        (("GET", "/people?agee=1"), UnknownColumn),
        (("GET", "/people?select=agee"), UnknownColumn),
        (("GET", "/people?order=agee"), UnknownColumn),
        (("GET", "/people?select=age::pg_sleep"), MalformedQuery),
        (("GET", "/peple"), UnknownTable),
        (("POST", "/people", b"{"), MalformedBody),
        (("POST", "/people", b""), MalformedBody),
        (("POST", "/people", b"3"), MalformedBody),
        (("POST", "/people", [1]), MalformedBody),
        (("POST", "/people", b'{"a": NaN}'), MalformedBody),
        (("POST", "/people", b"[" * 100_000), MalformedBody),
        (("POST", "/people", b'{"name": "\xff"}'), MalformedBody),
    ],
)
def test_refusals(asked: tuple[Any, ...], error: type[PellucidError]) -> None:
    with pytest.raises(error) as fault:
        plan(ask(*asked))
    assert fault.value.hint


def test_refusals_of_headers() -> None:
    with pytest.raises(UnsupportedMediaType):
        ask("POST", "/people", {"name": "a"}, content_type="text/plain")
    with pytest.raises(UnsupportedMediaType):
        ask("POST", "/people", {"name": "a"}, content_type="")
    with pytest.raises(UnknownSchema) as fault:
        ask("GET", "/people", accept_profile="secret")
    assert fault.value.hint == "Only the following schemas are exposed: public, other"


def test_hints_tell_only_what_the_role_may_see() -> None:
    with pytest.raises(UnknownTable) as fault:
        plan(ask("GET", "/peopl"))
    assert fault.value.hint == "Did you mean people?"
    with pytest.raises(UnknownTable) as fault:
        plan(ask("GET", "/peopl", profile=POSTGREST))
    assert fault.value.hint == "Perhaps you meant the table 'public.people'"
    with pytest.raises(UnknownTable) as fault:
        plan(ask("GET", "/peopl"), role="stranger")
    assert "people" not in str(fault.value.hint)
    with pytest.raises(Denied):
        plan(ask("GET", "/people?agee=1"), role="stranger")
    with pytest.raises(StatementRefused) as refused:
        plan(ask("GET", "/people?agee=eq.1", profile=POSTGREST))
    assert (refused.value.sqlstate, refused.value.message) == ("42703", "column people.agee does not exist")


def test_production_serves_no_table_without_row_level_security() -> None:
    check_exposed(OPEN, "anon", guarded=False)
    check_exposed(OPEN, "service_role", guarded=True)
    check_exposed(PEOPLE, "anon", guarded=True)
    with pytest.raises(NotExposed, match="row level security"):
        check_exposed(OPEN, "anon", guarded=True)


# -- properties ------------------------------------------------------------------------------------------------------

CANARY = "zq'\"\\;--/*$$zq"
COLUMNS = st.sampled_from(list(PEOPLE.columns))
OPERATORS = st.sampled_from(["eq", "neq", "gt", "like", "match", "isdistinct"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10).map(
    lambda text: CANARY + text
)
PATHS = st.lists(TEXTS.map(lambda text: '->"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'), max_size=2).map(
    "".join
)


@given(
    st.lists(st.tuples(COLUMNS, PATHS, OPERATORS, TEXTS), max_size=4), st.lists(st.tuples(COLUMNS, PATHS), max_size=3)
)
def test_no_input_gets_into_the_text_of_a_statement(
    filters: list[tuple[str, str, str, str]], fields: list[tuple[str, str]]
) -> None:
    query = [(f"{column}{path}", f"{operator}.{text}") for column, path, operator, text in filters]
    query.append(("order", ",".join(f"{column}{path}" for column, path in fields)))
    statement = sql(ask("GET", f"/people?select=id&{urlencode(query)}"))
    assert "zq" not in statement.sql
    assert _is_one_statement(statement.sql, PEOPLE)


@given(TEXTS)
def test_an_alias_is_a_quoted_name_and_nothing_else(text: str) -> None:
    alias = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    statement = sql(ask("GET", f"/people?select={quote(alias, safe='')}:id"))
    assert _is_one_statement(statement.sql, PEOPLE, allowed={text})


@given(st.binary(max_size=200), st.sampled_from(["POST", "PATCH", "PUT"]), st.sampled_from([NATIVE, POSTGREST]))
def test_any_body_is_planned_or_refused(body: bytes, method: Method, profile: Profile) -> None:
    try:
        compile_plan(plan(ask(method, "/people/1", body, profile)))
    except (RequestError, SchemaError, StatementRefused, BodyTooLarge):
        return


_TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|\'(?:\[\]|response\.\w+|)\'|\$\d+|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|->>?|[ (),.:=<>~*+\[\]]'
)


def _is_one_statement(text: str, table: Table, allowed: frozenset[str] | set[str] = frozenset()) -> bool:
    """Whether the text is made of known tokens only, its quoted names being the catalog's (or allowed)."""
    at, names = 0, {"public", "varchar", "mood", table.name.name, *table.columns, *allowed}
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token, text[at:]
        if token[1] is not None:
            assert token[1].replace('""', '"') in names
        at = token.end()
    return True


def test_rows_with_more_keys_than_any_table_has_columns_are_refused() -> None:
    row = {f"key{number}": 1 for number in range(1601)}
    for body in (row, [{"name": "a"}, row]):
        with pytest.raises(PellucidError, match="1600 keys"):
            ask("POST", "/people", body)


def test_chosen_columns_of_rows_that_may_lack_them() -> None:
    made = plan(ask("POST", "/people?columns=name,age", [{"name": "a"}, {"name": "b", "age": 1, "x": 2}]))
    assert isinstance(made, Insert)
    assert [[column.name for column in group.columns] for group in made.groups] == [["name"], ["name", "age"]]


@pytest.mark.parametrize(
    ("kind", "invoker", "served"), [("view", True, True), ("view", False, False), ("materialized", False, False)]
)
def test_production_serves_views_only_with_the_rights_of_who_asks(kind: Any, invoker: bool, served: bool) -> None:
    view = replace(OPEN, kind=kind, security_invoker=invoker)
    assert is_exposed(view, "anon", guarded=True) is served
    assert is_exposed(view, "anon", guarded=False)
