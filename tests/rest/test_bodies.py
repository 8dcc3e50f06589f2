"""Bodies as rows: JSON, CSV and forms, and what is wrong with them in each profile's words."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import MalformedBody
from pellucid.rest.grammar.bodies import csv_payload, form_pairs, form_payload, json_payload, unjudged_payload

steady = settings(derandomize=True, deadline=None, max_examples=100)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\r\n1,2\r\n3,4", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("a,b\r1,2", [{"a": "1", "b": "2"}]),
        ("a,b\n1,\n", [{"a": "1", "b": ""}]),
        ("a\nNULL\n", [{"a": None}]),
        ("a\nnull\n", [{"a": "null"}]),
        ('a\n"NULL"\n', [{"a": None}]),
        ('a,b\n"x, ""y""","line 1\nline 2"\n', [{"a": 'x, "y"', "b": "line 1\nline 2"}]),
        ('"a b","c,d"\n1,2', [{"a b": "1", "c,d": "2"}]),
        ("a\n\n1\n\n", [{"a": "1"}]),
        ("a,b\n", []),
        ("a\n  1 \n", [{"a": "  1 "}]),
        ("\ufeffa\nü\n", [{"\ufeffa": "ü"}]),
        ("a\n=1+1\n", [{"a": "=1+1"}]),
    ],
)
def test_csv(text: str, rows: list[dict[str, Any]]) -> None:
    for helpful in (True, False):
        payload = csv_payload(text.encode(), helpful=helpful)
        assert list(payload.rows) == rows
        assert json.loads(payload.raw) == rows
        assert payload.listed


@pytest.mark.parametrize(
    ("text", "native", "dialect"),
    [
        (b"", "The CSV is empty.", 'parse error (not enough input) at ""'),
        (b"\r\n\n", "The CSV is empty.", 'parse error (not enough input) at ""'),
        (b'""', "The CSV is empty.", 'parse error (not enough input) at ""'),
        (b"a,b\n1\n", "Row 1 of the CSV has 1 fields, and the header has 2.", None),
        (b"a,b\n1,2\n1\n", "Row 2 of the CSV has 1 fields, and the header has 2.", "All lines must have same number of fields"),
        (b"a,b\n1,2,3\n", "Row 1 of the CSV has 3 fields, and the header has 2.", None),
        (b'a\n1\n"x\n', "Line 3 of the CSV has a quote that does not fit.", 'parse error (endOfInput) at ""x\n"'),
        (b'a\nx"y\n', "Line 2 of the CSV has a quote that does not fit.", 'parse error (endOfInput) at "x"y\n"'),
        (b'a\n"x"y\n', "Line 2 of the CSV has a quote that does not fit.", 'parse error (endOfInput) at ""x"y\n"'),
        (b"a\n\xff\n", "The CSV is not UTF-8.", "The CSV is not UTF-8."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_csv(text: bytes, native: str, dialect: str | None) -> None:
    with pytest.raises(MalformedBody) as fault:
        csv_payload(text, helpful=True)
    assert fault.value.message == native
    assert fault.value.hint
    if dialect is None:  # what a line lacks, or has too much, is left out, as long as all lines do alike
        csv_payload(text, helpful=False)
        return
    with pytest.raises(MalformedBody) as fault:
        csv_payload(text, helpful=False)
    assert fault.value.message == dialect


@steady
@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2, unique=True),
    st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2, max_size=2), max_size=4),
)
def test_printed_csv_reads_back(header: list[str], records: list[list[str]]) -> None:
    text = "\r\n".join(
        ",".join(f'"{field.replace(chr(34), chr(34) * 2)}"' for field in line) for line in (header, *records)
    )
    rows = csv_payload(text.encode(), helpful=True).rows
    assert [list(row.values()) for row in rows] == [
        [None if field == "NULL" else field for field in line] for line in records
    ]
    assert all(list(row) == header for row in rows)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=1&b=x+y%2B", (("a", "1"), ("b", "x y+"))),
        ("a=1;b=2", (("a", "1"), ("b", "2"))),
        ("a&&b=", (("a", ""), ("b", ""))),
        ("a=b=c", (("a", "b=c"),)),
        ("", ()),
        ("%C3%BC=%C3%A9", (("ü", "é"),)),
    ],
)
def test_forms(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert form_pairs(text.encode()) == pairs
    payload = form_payload(text.encode())
    assert payload.rows == (dict(pairs),)
    assert json.loads(payload.raw) == [dict(pairs)]
    assert not payload.listed


@pytest.mark.parametrize("content", [b"a=%ff", b"a=\xff", b"%e4=1"])
def test_forms_that_are_no_text(content: bytes) -> None:
    with pytest.raises(MalformedBody, match="not UTF-8"):
        form_payload(content)


@steady
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            st.text(st.characters(exclude_categories=["Cs"])),
        )
    )
)
def test_printed_forms_read_back(pairs: list[tuple[str, str]]) -> None:
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    assert form_pairs(text.encode()) == tuple(pairs)


def test_numbers_keep_every_digit() -> None:
    text = '[{"a": 12345678901234567890.123456789, "b": 1.10}]'
    assert json_payload(text.encode(), helpful=True).raw == text


@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"{", b"nonsense", b'{"a": NaN}', b'{"a": Infinity}', b"\xff", b'{"a": "\\ud800"}', b"[" * 5000],
)
def test_bodies_that_are_no_json(content: bytes) -> None:
    with pytest.raises(MalformedBody) as fault:
        json_payload(content, helpful=False)
    assert fault.value.message == "Empty or invalid json"
    with pytest.raises(MalformedBody) as fault:
        json_payload(content, helpful=True)
    assert fault.value.hint == "Send a JSON object, or a list of objects."


@pytest.mark.parametrize(
    ("content", "raw", "rows"),
    [
        (b'{"a":1}', '[{"a":1}]', ({"a": 1},)),
        (b'[{"a":1},{"b":2}]', '[{"a":1},{"b":2}]', ({"a": 1}, {"b": 2})),
        (b"[1]", "[1]", ()),
        (b"nonsense", "nonsense", ()),
    ],
)
def test_bodies_left_to_postgresql(content: bytes, raw: str, rows: tuple[dict[str, Any], ...]) -> None:
    payload = unjudged_payload(content)
    assert (payload.raw, payload.rows) == (raw, rows)
