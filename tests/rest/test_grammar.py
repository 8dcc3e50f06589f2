"""The query dialect: examples, and properties that must hold for any text."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import BeyondLimit, MalformedQuery, RequestError, UnacceptableRange
from pellucid.rest.grammar.conditions import MAX_CONDITIONS, MAX_DEPTH, parse_filter, parse_logic
from pellucid.rest.grammar.fields import Field, Step, parse_field
from pellucid.rest.grammar.filters import Condition, Filter, Logic, Operator
from pellucid.rest.grammar.order import Term, parse_order
from pellucid.rest.grammar.preferences import Count, Handling, Missing, Preferences, Return, parse_preferences
from pellucid.rest.grammar.query import MAX_PARAMETERS, parse_query
from pellucid.rest.grammar.ranges import Range, parse_range
from pellucid.rest.grammar.select import Everything, Item, parse_select


def _filter(name: str, operator: Operator, *values: str, negated: bool = False) -> Filter:
    return Filter(Field(name), operator, values, negated)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("age", "gte.18", _filter("age", Operator.GTE, "18")),
        ("age", "not.eq.18", _filter("age", Operator.EQ, "18", negated=True)),
        ("name", "eq.", _filter("name", Operator.EQ, "")),
        ("name", "like.A*z", _filter("name", Operator.LIKE, "A%z")),
        ("name", "eq.a.b,(c)", _filter("name", Operator.EQ, "a.b,(c)")),
        ("id", "in.(1,2,3)", _filter("id", Operator.IN, "1", "2", "3")),
        ("id", "in.()", _filter("id", Operator.IN)),
        ("name", 'in.("a,b","c\\"d",e)', _filter("name", Operator.IN, "a,b", 'c"d', "e")),
        ("name", "is.null", _filter("name", Operator.IS, "null")),
        ("name", "not.is.NULL", _filter("name", Operator.IS, "null", negated=True)),
        (
            "meta->a->>b",
            "eq.x",
            Filter(Field("meta", (Step("a", as_text=False), Step("b", as_text=True))), Operator.EQ, ("x",)),
        ),
        ("list->-1", "eq.1", Filter(Field("list", (Step(-1, as_text=False),)), Operator.EQ, ("1",))),
        ('"odd ""', "eq.1", None),
    ],
)
def test_filters(key: str, text: str, expected: Filter | None) -> None:
    if expected is None:
        with pytest.raises(MalformedQuery):
            parse_filter(key, text, bare_equality=False)
    else:
        assert parse_filter(key, text, bare_equality=False) == expected


@pytest.mark.parametrize("text", ["20", "v1.2", "foo.bar", "nothing", "", "eq", "gte"])
def test_a_value_without_operator_means_equality_in_the_native_profile_alone(text: str) -> None:
    assert parse_filter("age", text, bare_equality=True) == _filter("age", Operator.EQ, text)
    with pytest.raises(MalformedQuery) as fault:
        parse_filter("age", text, bare_equality=False)
    assert "failed to parse filter" in fault.value.message


@pytest.mark.parametrize("text", ["is.maybe", "in.1,2", "in.(1", 'in.("a', "in.(1))"])
def test_bad_filter_values_are_refused(text: str) -> None:
    with pytest.raises(MalformedQuery):
        parse_filter("a", text, bare_equality=True)


def test_logic() -> None:
    parsed = parse_logic("or", '(age.lt.18,and(name.eq."a,b",not.or(x.is.null,y.not.in.(1,2))))')
    inner = Logic(
        "or", (_filter("x", Operator.IS, "null"), _filter("y", Operator.IN, "1", "2", negated=True)), negated=True
    )
    both = Logic("and", (_filter("name", Operator.EQ, "a,b"), inner))
    assert parsed == Logic("or", (_filter("age", Operator.LT, "18"), both))
    assert parse_logic("not.and", "(a.eq.1)").negated


@pytest.mark.parametrize("text", ["", "()", "(a)", "(a.eq.1", "(a.eq.1))", "(a.xx.1)", "(a.eq.1,)", "a.eq.1"])
def test_bad_logic_is_refused(text: str) -> None:
    with pytest.raises(MalformedQuery):
        parse_logic("or", text)


def test_logic_that_nests_too_deep_is_refused() -> None:
    text = "and(" * (MAX_DEPTH + 5) + "a.eq.1" + ")" * (MAX_DEPTH + 5)
    with pytest.raises(BeyondLimit, match="nest deeper"):
        parse_logic("or", f"({text})")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (Everything(),)),
        ("*", (Everything(),)),
        ("id,name", (Item(Field("id")), Item(Field("name")))),
        ("full:name,age::text", (Item(Field("name"), "full"), Item(Field("age"), None, "text"))),
        ("city:meta->>city", (Item(Field("meta", (Step("city", as_text=True),)), "city"),)),
        ('"a b",*', (Item(Field("a b")), Everything())),
    ],
)
def test_select(text: str, expected: Any) -> None:
    assert parse_select(text) == expected


@pytest.mark.parametrize("text", ["id,", "id;drop", "a::", "a(b", "a(b))", "->a", "a->", 'a"b'])
def test_bad_select_is_refused(text: str) -> None:
    with pytest.raises(MalformedQuery, match="failed to parse select parameter"):
        parse_select(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("age", (Term(Field("age")),)),
        ("age.desc,name.asc.nullslast", (Term(Field("age"), descending=True), Term(Field("name"), nulls_first=False))),
        ("age.nullsfirst", (Term(Field("age"), nulls_first=True),)),
    ],
)
def test_order(text: str, expected: Any) -> None:
    assert parse_order(text) == expected


@pytest.mark.parametrize("text", ["age.desk", "age.desc.asc", "age,", ".desc", "age.desc;x"])
def test_bad_order_is_refused(text: str) -> None:
    with pytest.raises(MalformedQuery):
        parse_order(text)


@pytest.mark.parametrize(
    ("limit", "offset", "header", "expected"),
    [
        (None, None, None, Range()),
        ("10", "5", None, Range(5, 10)),
        ("0", None, None, Range(0, 0)),
        (None, None, "0-9", Range(0, 10)),
        (None, None, "10-", Range(10)),
        ("15", "2", "10-19", Range(10, 7)),
        (None, "12", "10-19", Range(12, 8)),
        ("0", None, "10-19", Range(0, 0)),
        (None, None, "99999999999999999999-", Range(2**63 - 1)),
        (None, None, "nonsense", Range()),
        ("9999999999999999999", None, None, Range(0, 2**63 - 1)),
        ("99999999999999999999", None, None, Range(0, 2**63 - 1)),
        ("9" * 5000, "9" * 5000, None, Range(2**63 - 1, 2**63 - 1)),
        (f"{'0' * 50}7", "-0", None, Range(0, 7)),
    ],
)
def test_ranges(limit: str | None, offset: str | None, header: str | None, expected: Range) -> None:
    assert parse_range(limit, offset, header) == expected


def test_bad_ranges_are_refused() -> None:
    with pytest.raises(MalformedQuery):
        parse_range("ten", None, None)
    for below in ("-1", f"-{'9' * 50}"):
        with pytest.raises(UnacceptableRange):
            parse_range(below, None, None)
    with pytest.raises(UnacceptableRange):
        parse_range(None, None, "9-0")
    with pytest.raises(UnacceptableRange):
        parse_range("5", "2", "10-19")


def test_a_range_is_capped() -> None:
    assert Range(3, 50).capped(10) == Range(3, 10)
    assert Range(3).capped(10) == Range(3, 10)
    assert Range(3, 5).capped(10) == Range(3, 5)
    assert Range(3, 50).capped(None) == Range(3, 50)


def test_preferences() -> None:
    parsed = parse_preferences(["return=minimal, count=exact", "return=representation,missing=default", "odd"])
    assert parsed == Preferences(returned=Return.MINIMAL, count=Count.EXACT, missing=Missing.DEFAULT, unknown=("odd",))
    assert parse_preferences(["handling=lenient, odd"]).handling is Handling.LENIENT
    assert parse_preferences(["handling=strict, odd, odder"]).unknown == ("odd", "odder")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select=a&select=b", '"select" is given twice.'),
        ("limit=1&limit=2", '"limit" is given twice.'),
        ("other.order=a&other.order=b", '"other.order" is given twice.'),
        ("id", "The parameter id has no value."),
    ],
)
def test_the_native_profile_passes_over_no_parameter(query: str, message: str) -> None:
    with pytest.raises(MalformedQuery) as fault:
        parse_query(query, native=True)
    assert fault.value.message == message
    parse_query(query, native=False)
    parse_query("id=gt.1&id=lt.3&or=(a.eq.1)&or=(b.eq.1)&other.limit=1&limit=1", native=True)


def test_queries_have_limits() -> None:
    with pytest.raises(BeyondLimit, match="more than"):
        parse_query("&".join(f"a{n}=eq.1" for n in range(MAX_CONDITIONS + 1)), native=True)
    with pytest.raises(BeyondLimit, match="more than"):
        parse_query("&".join("a=1" for _ in range(MAX_PARAMETERS + 1)), native=True)
    with pytest.raises(MalformedQuery, match="NUL"):
        parse_query("a=eq.%00", native=True)
    with pytest.raises(MalformedQuery, match="UTF-8"):
        parse_query("a=eq.%ff", native=True)


# -- properties ------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAMES = TEXT.filter(bool)
STEPS = st.builds(Step, st.one_of(NAMES, st.integers(-1000, 1000)), as_text=st.booleans())
FIELDS = st.builds(Field, NAMES, st.lists(STEPS, max_size=3).map(tuple))


@given(FIELDS)
def test_a_printed_field_parses_back(field: Field) -> None:
    assert parse_field(str(field), "field") == field


def _print_quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _print(condition: Condition) -> str:
    prefix = "not." if condition.negated else ""
    match condition:
        case Logic(junction, members):
            return f"{prefix}{junction}({','.join(_print(member) for member in members)})"
        case Filter(field, operator, values):
            text = f"({','.join(map(_print_quoted, values))})" if operator is Operator.IN else _print_quoted(values[0])
            return f"{field}.{prefix}{operator}.{values[0] if operator is Operator.IS else text}"


COMPARED = st.sampled_from([operator for operator in Operator if operator not in (Operator.IN, Operator.IS)])
LIKES = (Operator.LIKE, Operator.ILIKE)
COMPARISONS = st.builds(Filter, FIELDS, COMPARED, TEXT.map(lambda text: (text.replace("*", ""),)), st.booleans())
LISTS = st.builds(
    Filter, FIELDS, st.just(Operator.IN), st.lists(TEXT, min_size=1, max_size=4).map(tuple), st.booleans()
)
TESTS = st.builds(
    Filter, FIELDS, st.just(Operator.IS), st.sampled_from([("null",), ("true",), ("unknown",)]), st.booleans()
)
FILTERS: st.SearchStrategy[Condition] = st.one_of(COMPARISONS, LISTS, TESTS)
CONDITIONS = st.recursive(
    FILTERS,
    lambda inner: st.builds(
        Logic, st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3).map(tuple), st.booleans()
    ),
    max_leaves=6,
)


@given(st.lists(CONDITIONS, min_size=1, max_size=3))
def test_printed_conditions_parse_back(conditions: list[Condition]) -> None:
    printed = f"({','.join(map(_print, conditions))})"
    assert parse_logic("or", printed) == Logic("or", tuple(conditions))


@given(TEXT, st.text(max_size=200), st.booleans())
def test_any_query_string_is_parsed_or_refused(key: str, text: str, bare: bool) -> None:
    for query in (text, f"{key}={text}", f"select={text}", f"order={text}", f"or={text}", f"and=({text})"):
        with suppress(RequestError):
            parse_query(query, native=bare)
