"""Writes judged and written as SQL, without a database."""

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pellucid.database.catalog.model import Representation, Table, TableName
from pellucid.errors import LimitOnUpsert, MalformedQuery, PellucidError, StatementRefused, UnfitUpsert, UnknownColumn
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.model import Insert, Plan, Update
from pellucid.rest.plan.names import Context
from pellucid.rest.profile import NATIVE, POSTGREST
from tests.rest.requests import ask
from tests.rest.world import CATALOG, PEOPLE, SEATS


def plan(*asking: Any, role: str = "anon", table: Table | None = None, **headers: Any) -> Plan:
    asked = ask(*asking, **headers)
    return make_plan(asked, table or CATALOG.tables[asked.name], Context(CATALOG, asked.profile, role))


def sql(*asking: Any, table: Table | None = None, **headers: Any) -> str:
    return compile_plan(plan(*asking, table=table, **headers)).sql


def test_put_writes_the_row_that_is_at_the_address() -> None:
    made = plan("PUT", "/seats?row=eq.a&place=eq.1", {"row": "a", "place": 1}, POSTGREST)
    assert isinstance(made, Insert)
    assert made.target == ("row", "place")
    assert (
        'SELECT t.* FROM (SELECT b."row" AS "row", b."place" AS "place" FROM json_to_recordset($1::json)'
        ' AS b("row" pg_catalog.text, "place" pg_catalog.int4)) AS t WHERE (t."row" = $2::text::pg_catalog.text)'
    ) in compile_plan(made).sql


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", UnfitUpsert),
        ("?row=eq.a", UnfitUpsert),
        ("?row=eq.a&place=gt.1", UnfitUpsert),
        ("?row=eq.a&place=not.eq.1", UnfitUpsert),
        ("?row=eq.a&place=eq.1&taken=eq.true", UnfitUpsert),
        ("?and=(row.eq.a,place.eq.1)", UnfitUpsert),
        ("?row=eq.a&place=eq.1&limit=1", LimitOnUpsert),
        ("?row=eq.a&place=eq.1&offset=1", LimitOnUpsert),
    ],
)
def test_put_names_its_row_by_its_whole_key_and_nothing_else(query: str, error: type[PellucidError]) -> None:
    with pytest.raises(error):
        plan("PUT", f"/seats{query}", {"row": "a", "place": 1}, POSTGREST)


def test_put_needs_the_key_in_the_body_too() -> None:
    with pytest.raises(StatementRefused, match="place"):
        plan("PUT", "/seats?row=eq.a&place=eq.1", {"row": "a"}, POSTGREST)


def test_the_native_put_takes_filters_on_the_key_as_an_address() -> None:
    made = plan("PUT", "/seats?row=a&place=1", {"taken": True}, NATIVE)
    assert isinstance(made, Insert)
    assert '"place": "1"' in made.rows
    for query in ("?row=a&row=b&place=1", "?row=in.()&place=1"):
        with pytest.raises(UnfitUpsert):
            plan("PUT", f"/seats{query}", {"taken": True}, NATIVE)
    with pytest.raises(MalformedQuery, match="filter"):
        plan("PUT", "/seats/a,1?taken=true", {"taken": True}, NATIVE)


def test_what_a_change_lacks_goes_back_to_its_default_where_that_is_wished() -> None:
    made = plan("PATCH", "/people?id=eq.1&columns=name,made", {"name": "a"}, POSTGREST, prefer="missing=default")
    assert isinstance(made, Update)
    assert [[column.name for column in columns] for columns in (made.columns, made.defaulted)] == [["name"], ["made"]]
    assert '"name" = b."name", "made" = DEFAULT' in compile_plan(made).sql
    without = plan("PATCH", "/people?id=eq.1&columns=name,made", {"name": "a"}, POSTGREST)
    assert isinstance(without, Update)
    assert without.defaulted == ()


def test_a_domain_is_read_by_its_own_function() -> None:
    reader = Representation(from_json=TableName("public", "read_mood"))
    columns = {**PEOPLE.columns, "mood": replace(PEOPLE.columns["mood"], representation=reader)}
    moody = replace(PEOPLE, columns=MappingProxyType(columns))
    written = sql("POST", "/people", {"name": "a", "mood": "sad"}, POSTGREST, table=moody)
    assert 'SELECT b."name", "public"."read_mood"(b."mood") FROM json_to_recordset($1::json)' in written
    assert '"mood" json)' in written
    changed = sql("PATCH", "/people?id=eq.1", {"mood": "sad"}, POSTGREST, table=moody)
    assert 'SET "mood" = "public"."read_mood"(b."mood")' in changed


def test_places_in_the_body_meet_no_column_of_that_name() -> None:
    written = sql(
        "POST", "/seats?select=row,place", [{"row": "a", "place": 1}, {"row": "b", "place": 2, "taken": True}]
    )
    assert 'AS "place_" FROM w1 AS t) AS t ORDER BY t."place_"' in written


def test_what_nobody_has_is_named_by_who_may_see_the_table() -> None:
    with pytest.raises(UnknownColumn, match="Could not find the 'hight' column of 'people'"):
        plan("POST", "/people", {"hight": 1}, POSTGREST)
    with pytest.raises(PellucidError) as fault:
        plan("POST", "/people", {"hight": 1}, POSTGREST, role="stranger")
    assert "hight" not in fault.value.message
    with pytest.raises(UnknownColumn) as huge:
        plan("POST", "/people", {"h" * 100_000: 1}, POSTGREST)
    assert len(huge.value.message) < 400
    with pytest.raises(StatementRefused, match='column "hight" does not exist'):
        plan("POST", "/people?on_conflict=hight", {"name": "a"}, POSTGREST, prefer="resolution=merge-duplicates")


def test_no_rows_are_written_without_a_right_to_read() -> None:
    assert 'INSERT INTO "public"."seats" AS t SELECT WHERE false RETURNING 1' in sql("POST", "/seats", [], POSTGREST)


CANARY = "zq'\"\\;--/*$$zq"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10).map(
    lambda text: CANARY + text
)
COLUMNS = st.sampled_from(sorted(SEATS.columns))


@given(st.lists(st.dictionaries(COLUMNS, TEXTS), max_size=4), TEXTS)
def test_nothing_of_a_body_gets_into_the_text_of_a_statement(rows: list[dict[str, str]], key: str) -> None:
    for row in rows:
        row[key] = key
    for method, query in (("POST", "?columns=row,place"), ("PATCH", "?columns=row&row=eq.a")):
        prefer = "missing=default, resolution=merge-duplicates, return=representation"
        assert "zq" not in sql(method, f"/seats{query}", rows, POSTGREST, prefer=prefer)
