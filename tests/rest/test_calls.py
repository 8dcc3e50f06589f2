"""Functions resolved, and calls written as SQL, without a database."""

from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pellucid.database.catalog.model import Catalog, Function, Parameter, TableName
from pellucid.errors import (
    AmbiguousFunction,
    Denied,
    InvalidFields,
    MalformedBody,
    PellucidError,
    StatementRefused,
    UnknownFunction,
)
from pellucid.rest.compile.statement import compile_plan
from pellucid.rest.compile.writer import Statement
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.functions import find_function, signature
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.similar import most_similar
from pellucid.rest.profile import NATIVE, POSTGREST
from tests.rest.requests import ask
from tests.rest.world import CATALOG, PEOPLE

INT: dict[str, Any] = {"type": "integer", "cast": "pg_catalog.int4"}
ANYBODY = frozenset({"anon"})


def function(name: str, *parameters: Parameter, **more: Any) -> Function:
    return Function(TableName("public", name), parameters, **({"returns": "integer", "executable_by": ANYBODY} | more))


A, B = Parameter("a", **INT), Parameter("b", **INT, required=False)
FUNCTIONS = (
    function("add", A, B),
    function("area", Parameter("side", **INT)),
    function("area", Parameter("side", "numeric", cast="pg_catalog.numeric")),
    function("area", Parameter("wide", **INT), Parameter("high", **INT)),
    function("total", Parameter("ns", "integer[]", variadic=True, cast="pg_catalog.int4[]")),
    function("echo", Parameter("", "jsonb", cast="pg_catalog.jsonb")),
    function("echo", Parameter("", "bytea", cast="pg_catalog.bytea")),
    function("note", Parameter("", "xml", cast="pg_catalog.xml")),
    function("secret", executable_by=frozenset()),
    function("secret", A, executable_by=frozenset()),
    function("secret", Parameter("a", "text"), executable_by=frozenset()),
    function("grown", A, returns="public.people", returns_set=True, result=PEOPLE),
)
NAMES = dict.fromkeys(each.name for each in FUNCTIONS)
WORLD: Catalog = replace(
    CATALOG,
    functions=MappingProxyType({name: tuple(each for each in FUNCTIONS if each.name == name) for name in NAMES}),
)


def sql(*asking: Any, **headers: Any) -> Statement:
    asked = ask(*asking, **headers)
    context = Context(WORLD, asked.profile, "anon")
    return compile_plan(make_plan(asked, find_function(asked, context), context))


def test_a_call_by_body() -> None:
    statement = sql("POST", "/rpc/add", {"b": 2, "a": 1}, POSTGREST)
    assert (
        'SELECT "public"."add"("a" => b."a", "b" => b."b") AS "pgrst_scalar" FROM (SELECT * FROM'
        ' json_to_recordset($1::json) AS b("a" pg_catalog.int4, "b" pg_catalog.int4) LIMIT 1) AS b'
    ) in statement.sql
    assert statement.parameters == ('[{"b": 2, "a": 1}]',)


def test_a_call_by_query() -> None:
    statement = sql("GET", "/rpc/add?a=1&a=2", profile=POSTGREST)
    assert '"public"."add"("a" => $1::text::pg_catalog.int4)' in statement.sql
    assert statement.parameters == ("2",)
    statement = sql("GET", "/rpc/total?ns=1&ns=2", profile=POSTGREST)
    assert '"public"."total"(VARIADIC "ns" => $1::text[]::pg_catalog.int4[])' in statement.sql
    assert statement.parameters == (["1", "2"],)


def test_the_whole_body_is_one_argument() -> None:
    assert sql("POST", "/rpc/echo", {"a": 1}, POSTGREST).parameters == ('{"a": 1}',)
    statement = sql("POST", "/rpc/echo", b"\x00\xff", POSTGREST, content_type="application/octet-stream")
    assert '"public"."echo"($1::bytea::pg_catalog.bytea)' in statement.sql
    assert statement.parameters == (b"\x00\xff",)
    statement = sql("POST", "/rpc/note", b"<a/>", POSTGREST, content_type="text/xml")
    assert '"public"."note"($1::text::pg_catalog.xml)' in statement.sql


def test_only_what_is_read_is_asked_of_the_function() -> None:
    statement = sql("GET", "/rpc/grown?a=1&select=name&age=gt.3", profile=POSTGREST)
    assert 'WITH w AS (SELECT c."name", c."age" FROM "public"."grown"("a" => $1' in statement.sql


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (("GET", "/rpc/ad?a=1"), UnknownFunction),
        (("GET", "/rpc/add"), UnknownFunction),
        (("GET", "/rpc/area?side=1"), AmbiguousFunction),
        (("GET", "/rpc/secret?a=1"), Denied),
        (("POST", "/rpc/echo", b"{"), MalformedBody),
        (("GET", "/rpc/total?ns=1&x=gt."), StatementRefused),
    ],
)
def test_refusals(asked: tuple[Any, ...], error: type[PellucidError]) -> None:
    method, path, *body = asked
    with pytest.raises(error):
        sql(method, path, body[0] if body else None, POSTGREST)


def test_the_native_profile_tells_what_is_wrong() -> None:
    with pytest.raises(InvalidFields) as fault:
        sql("POST", "/rpc/add", {"c": 1, "z": 2}, NATIVE)
    assert [(each.field, each.hint) for each in fault.value.faults] == [
        ("c", "Leave it out; the parameters are a, b."),
        ("z", "Leave it out; the parameters are a, b."),
        ("a", "Give a a value of type integer."),
    ]
    with pytest.raises(UnknownFunction) as unknown:
        sql("GET", "/rpc/area?deep=1", None, NATIVE)
    assert "area(wide integer, high integer)" in str(unknown.value.hint)
    with pytest.raises(UnknownFunction) as hidden:
        sql("GET", "/rpc/secre?a=1", None, NATIVE)
    assert "secret" not in str(hidden.value.hint)
    assert signature(FUNCTIONS[0]) == "add(a integer, b integer = default)"


def test_an_error_repeats_no_more_than_a_function_could_take() -> None:
    with pytest.raises(UnknownFunction) as fault:
        sql("POST", "/rpc/add", {"x" * 10_000: 1, **{f"k{number}": 1 for number in range(500)}}, POSTGREST)
    assert len(fault.value.message) < 1000


@pytest.mark.parametrize(
    ("name", "names", "least", "expected"),
    [
        ("sayhell", ["sayhello", "other"], 0.75, "sayhello"),
        ("SayHello", ["sayhello"], 0.75, "sayhello"),
        ("zzz", ["sayhello"], 0.33, None),
        ("(a, c)", ["(a, b)", "(name)"], 0.33, "(a, b)"),
        ("", ["a"], 0.75, None),
        ("a" * 100_000, ["a" * 100_001], 0.75, "a" * 100_001),
    ],
)
def test_likeness(name: str, names: list[str], least: float, expected: str | None) -> None:
    assert most_similar(name, names, least) == expected


CANARY = "zq'\"\\;--/*$$zq"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10).map(
    lambda text: CANARY + text
)


@given(TEXTS, TEXTS)
def test_no_argument_gets_into_the_text_of_a_statement(key: str, value: str) -> None:
    statements = (
        sql("GET", f"/rpc/add?a={quote(value, safe='')}", profile=POSTGREST),
        sql("POST", "/rpc/add?columns=a", {"a": value, key: 1}, POSTGREST),
        sql("POST", "/rpc/echo", {key: value}, POSTGREST),
    )
    assert all("zq" not in statement.sql for statement in statements)


@given(
    st.binary(max_size=200), st.sampled_from(["application/json", "text/plain", "application/octet-stream", "text/csv"])
)
def test_any_body_is_a_call_or_refused(body: bytes, content_type: str) -> None:
    for profile in (NATIVE, POSTGREST):
        try:
            sql("POST", "/rpc/echo", body, profile, content_type=content_type)
        except PellucidError:
            continue
