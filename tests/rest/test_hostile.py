"""Hostile requests without a database: none is a fault of the server's, and nothing of a client's gets into SQL but aliases, quoted."""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pellucid.errors import RequestError
from pellucid.rest.compile.writer import Statement
from pellucid.rest.grammar import select
from pellucid.rest.grammar.fields import in_quotes
from pellucid.rest.profile import NATIVE, POSTGREST, Profile
from pellucid.rest.request import Envelope, Method
from tests.rest.hostile import escapes, judged, tokens
from tests.rest.strategies import (
    bodies,
    encoded,
    headers,
    methods,
    nasty,
    path_parts,
    profiles,
    queries,
    selects,
    sound_queries,
    sound_selects,
)

steady = settings(derandomize=True, deadline=None, max_examples=150)


@steady
@given(st.builds(Envelope, methods, path_parts, queries, headers, bodies), profiles)
def test_any_request_is_judged_or_refused(envelope: Envelope, profile: Profile) -> None:
    made = judged(envelope, profile)
    if made is not None:
        assert escapes(*made) == []


@settings(steady, max_examples=200)
@given(st.sampled_from(("GET", "PATCH", "DELETE")), st.just("authors"), sound_queries, profiles, st.just("anon"))
@example("GET", "books", 'select="x\\" AS y; --":id', NATIVE, "anon")
def test_nothing_gets_into_sql_but_names_of_the_catalog(
    method: Method, table: str, query: str, profile: Profile, role: str
) -> None:
    made = judged(request(method, table, query), profile, role)
    if made is not None:
        assert escapes(*made) == []


# -- requests of the same shape ---------------------------------------------------------------------------------------

values = nasty.filter(
    lambda text: "\0" not in text and text.strip() not in ("", "*") and not text.strip().lstrip("-").isdigit()
)
SHAPES: dict[str, Callable[[str, str], tuple[Method, str]]] = {
    "filter": lambda one, other: ("GET", f"name=eq.{encoded(one)}&id=neq.{encoded(other)}"),
    "list": lambda one, other: ("GET", f"name=in.({encoded(in_quotes(one))},{encoded(in_quotes(other))})"),
    "tree": lambda one, other: ("GET", f"or=(name.like.{encoded(in_quotes(one))},not.and(id.gt.{encoded(in_quotes(other))}))"),
    "quantifier": lambda one, other: ("GET", f"name=ilike(any).{encoded(one)}&id=eq(all).{encoded(other)}"),
    "search": lambda one, other: ("GET", f"name=wfts(english).{encoded(one)}&name=fts.{encoded(other)}"),
    "steps": lambda one, other: ("GET", f"select=x:facts->{encoded(in_quotes(one))}&facts->>{encoded(in_quotes(other))}=eq.1"),
    "order": lambda one, other: ("GET", f"select=id&order=facts->{encoded(in_quotes(one))}->>{encoded(in_quotes(other))}"),
    "embedded": lambda one, other: (
        "GET", f"select=id,lives!inner(text)&lives.text=match.{encoded(one)}&lives.or=(text.eq.{encoded(in_quotes(other))})"
    ),
    "change": lambda one, other: ("PATCH", f"name=eq.{encoded(one)}&facts->>a=neq.{encoded(other)}"),
    "removal": lambda one, other: ("DELETE", f"name=eq.{encoded(one)}&facts->>a=neq.{encoded(other)}"),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@settings(steady, max_examples=30)
@given(values, values, values, values)
def test_requests_of_the_same_shape_are_the_same_sql(shape: str, one: str, other: str, third: str, fourth: str) -> None:
    for profile in (NATIVE, POSTGREST):
        first, second = statement(shape, one, other, profile), statement(shape, third, fourth, profile)
        if first and second:
            assert first.sql == second.sql


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_understood(shape: str) -> None:
    for profile in (NATIVE, POSTGREST):
        made = statement(shape, "'; drop table canary; --", "x", profile)
        assert made is not None
        assert any("canary" in str(value) for value in made.parameters)
        assert "canary" not in made.sql


def test_keys_in_the_path_are_values() -> None:
    one, other = (judged(request("GET", "books", "", key), NATIVE) for key in ("1", quote("'; drop table canary; --")))
    assert one
    assert other
    assert one[1].sql == other[1].sql


@pytest.mark.parametrize(
    "sql", ["select 1; select 2", "select 1 -- x", "/* x */", "$$ x $$", "'a", '"a', "U&'x'", "`x`"]
)
def test_the_reader_of_sql_knows_what_does_not_belong(sql: str) -> None:
    assert any(kind == "none" for kind, _ in tokens(sql)) or "-- " in sql


def statement(shape: str, one: str, other: str, profile: Profile) -> Statement | None:
    method, query = SHAPES[shape](one, other)
    made = judged(request(method, "authors", query), profile)
    return made[1] if made else None


def request(method: Method, table: str, query: str, *key: str) -> Envelope:
    row = b'{"name":"x"}' if table == "authors" else b'{"id":1}'
    body = row if method in ("POST", "PATCH", "PUT") else b""
    pairs = [("content-type", "application/json"), ("prefer", "return=representation")]
    return Envelope(method, (table, *key), query, pairs, body)


# -- what is read at once is read as it would be part by part ---------------------------------------------------------


@settings(steady, max_examples=200)
@given(st.one_of(sound_selects, selects))
@example('"a":"id"->0->>"b"::text.sum()::int4,*,x:count()::text,id ,"count".max()')
@example('a(b->1,"c":d::int.avg(),*,count()),id  ')
def test_items_read_at_once(text: str) -> None:
    at_once = outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        for pattern in ("_COLUMN", "_INNER_COLUMN", "_ITEM", "_INNER_ITEM"):
            patch.setattr(select, pattern, re.compile("(?!)"))
        assert at_once == outcome(text)


def outcome(text: str) -> object:
    select.parse_select.cache_clear()
    try:
        return select.parse_select(text)
    except RequestError as error:
        return error.message, error.details
