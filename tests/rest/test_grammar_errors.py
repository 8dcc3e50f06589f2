"""What errors say of a query, and that saying it costs little."""

import pytest

from pellucid.errors import MalformedQuery
from pellucid.rest.grammar import scanner
from pellucid.rest.grammar.query import parse_query
from pellucid.rest.grammar.select import parse_select


@pytest.mark.parametrize(
    ("query", "column", "details"),
    [
        ("select=name!hint", 5, 'unexpected \'!\' expecting letter, digit, "-", "->>", "->", "::", ".", ")", "," or end of input'),
        ("select=data->>--34", 9, 'unexpected "-" expecting digit'),
        ("order=id.descc", 8, "unexpected 'c' expecting delimiter (.), \",\" or end of input"),
        ("order=id.asc.nullslasttt", 17, "unexpected 't' expecting \",\" or end of input"),
        ("or=(id.in.1,2,id.eq.3)", 10, 'unexpected "1" expecting "("'),
        ("id=noop.0", 1, 'unexpected "o" expecting "not" or operator (eq, gt, ...)'),
        ("id=fts().value", 5, 'unexpected ")" expecting operator (eq, gt, ...)'),
        ("columns=", 1, "unexpected end of input expecting field name (* or [a..z0..9_$])"),
    ],
)  # fmt: skip
def test_errors_say_what_is_missing_where(query: str, column: int, details: str) -> None:
    with pytest.raises(MalformedQuery) as fault:
        parse_query(query, native=False)
    assert fault.value.message.endswith(f"(line 1, column {column})")
    assert fault.value.details == details


def test_errors_cost_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0
    add = scanner.Scanner._add

    def counting(self: scanner.Scanner, notes: scanner._Notes) -> None:
        nonlocal longest
        add(self, notes)
        longest = max(longest, len(self._notes[2]))

    monkeypatch.setattr(scanner.Scanner, "_add", counting)
    with pytest.raises(MalformedQuery):
        parse_query("or=(" + "a." * 4000, native=False)
    assert longest < 100


@pytest.mark.parametrize(
    "text",
    ["*,a:b!c!inner(count(),d->0),...e(*)", "x::int.sum()::text", "r()", "k:count()", 'al:"a,b"->"c.d"->>1'],
)
def test_printed_items_parse_back(text: str) -> None:
    items = parse_select(text)
    assert parse_select(",".join(map(str, items))) == items
