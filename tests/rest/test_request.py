"""HTTP to a request: paths, schemas, methods, bodies; and what is printed reads back as it was."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pellucid.errors import (
    CallMethod,
    LimitOnUpsert,
    MalformedQuery,
    MethodNotAllowed,
    PellucidError,
    UnknownRoute,
    UnknownSchema,
    UnsupportedMediaType,
)
from pellucid.rest.grammar.fields import Field, Step
from pellucid.rest.grammar.order import Term, parse_order
from pellucid.rest.grammar.ranges import Range
from pellucid.rest.grammar.select import Aggregate, Everything, Item, Related, SelectItem, parse_select
from pellucid.rest.profile import NATIVE, POSTGREST, Profile
from pellucid.rest.request import Envelope, Method, RestRequest, parse_request

SCHEMAS = ("public", "other")
steady = settings(derandomize=True, deadline=None, max_examples=150)


def parsed(
    method: Method,
    path: tuple[str, ...],
    profile: Profile,
    query: str = "",
    body: bytes = b"{}",
    schemas: tuple[str, ...] = SCHEMAS,
    root_function: str | None = None,
    **headers: Any,
) -> RestRequest:
    pairs = [
        (name.replace("_", "-"), value) for name, value in ({"content_type": "application/json"} | headers).items()
    ]
    return parse_request(Envelope(method, path, query, pairs, body), profile, schemas, None, root_function)


@pytest.mark.parametrize(
    ("path", "name", "key", "call"),
    [
        (("books",), "books", None, False),
        (("my%20books",), "my books", None, False),
        (("a%2Fb",), "a/b", None, False),
        (("books", "1"), "books", ("1",), False),
        (("books", "1,a%2Cb"), "books", ("1", "a,b"), False),
        (("books", "a%2Fb"), "books", ("a/b",), False),
        (("rpc", "add"), "add", None, True),
        (("rpc", "add%20up"), "add up", None, True),
    ],
)
def test_paths(path: tuple[str, ...], name: str, key: tuple[str, ...] | None, call: bool) -> None:
    asked = parsed("GET", path, NATIVE)
    assert (asked.table, asked.key, asked.call, asked.root) == (name, key, call, False)


def test_roots() -> None:
    assert parsed("GET", (), POSTGREST).root
    assert parsed("GET", ("",), POSTGREST).root
    described = parsed("GET", (), POSTGREST, root_function="describe")
    assert (described.table, described.call, described.root) == ("describe", True, False)


@pytest.mark.parametrize(
    ("profile", "path"),
    [
        (NATIVE, ("books", "1/2")),
        (NATIVE, ("books", "")),
        (NATIVE, ("rpc", "")),
        (NATIVE, ("rpc",)),
        (NATIVE, ("rpc", "a/b")),
        (POSTGREST, ("books", "1")),
        (POSTGREST, ("rpc", "a/b")),
        (POSTGREST, ("rpc", "")),
    ],
)
def test_paths_that_lead_nowhere(profile: Profile, path: tuple[str, ...]) -> None:
    with pytest.raises(UnknownRoute) as fault:
        parsed("GET", path, profile)
    assert bool(fault.value.hint) is profile.validates


@pytest.mark.parametrize("path", [("%ff",), ("a%00b",), ("books", "%00"), ("books", "1,%ff"), ("rpc", "%00")])
def test_paths_that_are_no_text(path: tuple[str, ...]) -> None:
    with pytest.raises(MalformedQuery):
        parsed("GET", path, NATIVE)


@pytest.mark.parametrize(
    ("method", "header"),
    [("GET", "accept_profile"), ("HEAD", "accept_profile"), ("POST", "content_profile"), ("DELETE", "content_profile")],
)
@pytest.mark.parametrize("profile", [NATIVE, POSTGREST], ids=lambda profile: profile.name)
def test_schemas(method: Method, header: str, profile: Profile) -> None:
    assert parsed(method, ("books",), profile).name.schema == "public"
    chosen: dict[str, Any] = {header: "other"}
    unknown: dict[str, Any] = {header: "pg_catalog"}
    asked = parsed(method, ("books",), profile, **chosen)
    assert asked.name.schema == "other"
    assert asked.negotiated
    assert not parsed(method, ("books",), profile, schemas=("public",)).negotiated
    with pytest.raises(UnknownSchema) as fault:
        parsed(method, ("books",), profile, **unknown)
    error = fault.value
    assert (error.postgrest_code, error.status, error.message) == ("PGRST106", 406, "Invalid schema: pg_catalog")
    assert error.hint == "Only the following schemas are exposed: public, other"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_functions_are_called_with_get_or_post(method: Method) -> None:
    with pytest.raises(CallMethod) as fault:
        parsed(method, ("rpc", "add"), POSTGREST)
    assert fault.value.headers == {"Allow": "OPTIONS,GET,HEAD,POST"}


def test_nothing_is_written_to_the_root() -> None:
    with pytest.raises(MethodNotAllowed):
        parsed("POST", ("",), POSTGREST)


@pytest.mark.parametrize("profile", [NATIVE, POSTGREST], ids=lambda profile: profile.name)
def test_a_range_is_for_reading(profile: Profile) -> None:
    assert parsed("GET", ("books",), profile, range="2-5").range == Range(2, 4)
    assert parsed("DELETE", ("books",), profile, range="2-5").range == Range()
    with pytest.raises(LimitOnUpsert):
        parsed("PUT", ("books",), profile, "limit=1")


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_what_a_page_of_another_origin_may_send_is_not_read(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        parsed("POST", ("books",), NATIVE, content_type=kind)


def test_kinds_of_json() -> None:
    for kind in ("application/json; charset=utf-8", "application/merge-patch+json", "APPLICATION/JSON"):
        payload = parsed("POST", ("books",), NATIVE, body=b'{"a":1}', content_type=kind).payload
        assert payload
        assert payload.rows == ({"a": 1},)


@pytest.mark.parametrize("kind", ["image/png", "text/html", "text/plain", "nonsense"])
def test_kinds_that_are_not_read(kind: str) -> None:
    for profile, code in ((NATIVE, "unsupported-media-type"), (POSTGREST, "malformed-body")):
        with pytest.raises(PellucidError) as fault:
            parsed("POST", ("books",), profile, content_type=kind)
        assert fault.value.code == code


@pytest.mark.parametrize("kind", ["text/plain", "text/xml", "application/octet-stream"])
def test_functions_take_bodies_as_they_are(kind: str) -> None:
    asked = parsed("POST", ("rpc", "add"), POSTGREST, body=b"\xff\x00", content_type=kind)
    assert asked.body
    assert (asked.body.content, asked.body.media, asked.payload) == (b"\xff\x00", kind, None)


def test_a_call_without_a_body_has_no_arguments() -> None:
    asked = parsed("POST", ("rpc", "add"), POSTGREST, body=b"")
    assert asked.payload
    assert json.loads(asked.payload.raw) == [{}]


def test_of_a_header_sent_twice_the_first_counts_but_preferences_add_up() -> None:
    pairs = [
        ("accept", "text/csv"),
        ("accept", "*/*"),
        ("prefer", "count=exact"),
        ("prefer", "return=minimal, count=planned"),
    ]
    asked = parse_request(Envelope("GET", ("books",), "", pairs), POSTGREST, SCHEMAS, None)
    assert [accepted.media for accepted in asked.accept] == ["text/csv"]
    assert (asked.preferences.count, asked.preferences.returned) == ("count=exact", "return=minimal")


# -- what is printed reads back ---------------------------------------------------------------------------------------

NAMES = st.one_of(
    st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True),
    st.sampled_from(
        (
            "count",
            "sum",
            "asc",
            "desc",
            "and",
            "not",
            "inner",
            "left",
            "a b",
            "a-b",
            "a->b",
            "a.b",
            'a"b',
            "a\\",
            "1",
            "ü",
            "...",
            "*",
        )
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
        lambda text: text.strip() == text
    ),
)
KEYS = st.one_of(NAMES, st.integers(-(10**9), 10**9))
FIELDS = st.builds(Field, NAMES, st.lists(st.builds(Step, KEYS, st.booleans()), max_size=3).map(tuple))
TERMS = st.builds(Term, FIELDS, st.booleans(), st.sampled_from((None, True, False)), st.one_of(st.none(), NAMES))
TYPES = st.one_of(st.none(), st.sampled_from(("text", "int4", "numeric(10,2)", "text[]", "timestamp with time zone")))
ALIASES = st.one_of(st.none(), NAMES)
COLUMNS = st.builds(Item, FIELDS, ALIASES, TYPES)
COUNTS = st.builds(Item, st.none(), ALIASES, st.none(), st.just(Aggregate.COUNT), TYPES)
AGGREGATES = st.builds(Item, FIELDS, ALIASES, TYPES, st.sampled_from(Aggregate), TYPES)
ITEMS: st.SearchStrategy[SelectItem] = st.deferred(
    lambda: st.one_of(st.just(Everything()), COLUMNS, COUNTS, AGGREGATES, RELATED)
)
RELATED: st.SearchStrategy[SelectItem] = st.builds(
    lambda name, select, alias, hint, inner, spread: Related(
        name, select, None if spread else alias, hint, inner, spread
    ),
    NAMES,
    st.lists(ITEMS, max_size=2).map(tuple),
    ALIASES,
    ALIASES,
    st.sampled_from((None, True, False)),
    st.booleans(),
)


@steady
@given(st.lists(TERMS, min_size=1, max_size=3))
@example([Term(Field("desc", (Step("asc", as_text=True),)), descending=True, nulls_first=False, related="a(b")])
def test_printed_orders_read_back(terms: list[Term]) -> None:
    for strict in (True, False):
        assert parse_order(",".join(map(str, terms)), strict=strict) == tuple(terms)


@steady
@given(st.lists(ITEMS, min_size=1, max_size=3))
def test_printed_select_lists_read_back(items: list[Any]) -> None:
    for strict in (True, False):
        assert parse_select(",".join(map(str, items)), strict=strict) == tuple(items)
