"""What a client accepts and what it sends: media types, weights, and PostgREST's own types with their parameters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.rest.grammar.media import (
    ANYTHING,
    MAX_ACCEPTED,
    SINGULAR,
    Accepted,
    PlanForm,
    content_media,
    parse_accept,
    parse_media,
)

STRIPPED = Accepted("application/vnd.pgrst.array+json", stripped=True)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, ("*/*",)),
        ("*/*", ("*/*",)),
        ("application/json", ("application/json",)),
        ("APPLICATION/JSON", ("application/json",)),
        ("text/csv;q=0.5, application/json", ("application/json", "text/csv")),
        ("text/csv; q=0.9 , application/json;q=0.95", ("application/json", "text/csv")),
        ("*/*, text/csv", ("text/csv", "*/*")),
        ("text/html, application/xhtml+xml, */*;q=0.8", ("text/html", "application/xhtml+xml", "*/*")),
        ("text/csv;q=nonsense, application/json;q=0.9", ("text/csv", "application/json")),
        ("application/json;charset=utf-8", ("application/json",)),
        ("nonsense", ("nonsense",)),
        ("", ("",)),
        (",", ("", "")),
    ],
)
def test_accepted_types_by_weight(header: str | None, expected: tuple[str, ...]) -> None:
    assert tuple(accepted.media for accepted in parse_accept(header)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("application/vnd.pgrst.object+json", Accepted(SINGULAR)),
        ("application/vnd.pgrst.object", Accepted(SINGULAR)),
        ("application/vnd.pgrst.object+json;nulls=stripped", Accepted(SINGULAR, stripped=True)),
        ("application/vnd.pgrst.array+json;nulls=stripped", STRIPPED),
        ("application/vnd.pgrst.array", Accepted("application/json")),
        ("application/vnd.pgrst.array;nulls=kept", Accepted("application/json")),
        ("application/vnd.pgrst.nothing+json;a=b", Accepted("application/vnd.pgrst.nothing+json;a=b")),
        (
            "application/vnd.pgrst.plan",
            Accepted("application/vnd.pgrst.plan+text", plan=PlanForm("text", (), Accepted("application/json"))),
        ),
        (
            'application/vnd.pgrst.plan+json; for="text/csv"; options=wal|analyze|nonsense',
            Accepted("application/vnd.pgrst.plan+json", plan=PlanForm("json", ("analyze", "wal"), Accepted("text/csv"))),
        ),
        (
            'application/vnd.pgrst.plan+json; for="application/vnd.pgrst.array+json;nulls=stripped"',
            Accepted("application/vnd.pgrst.plan+json", plan=PlanForm("json", (), STRIPPED)),
        ),
    ],
)  # fmt: skip
def test_types_of_postgrests_own(text: str, expected: Accepted) -> None:
    assert parse_media(text) == expected


def test_a_plan_of_a_plan_is_no_loop() -> None:
    nested = parse_media('application/vnd.pgrst.plan; for="application/vnd.pgrst.plan"')
    assert nested.plan
    assert nested.plan.of == Accepted("application/vnd.pgrst.plan")


@pytest.mark.parametrize(
    "text",
    [
        "application/json",
        SINGULAR,
        f"{SINGULAR};nulls=stripped",
        'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|wal',
        'application/vnd.pgrst.plan+text; for="application/json"',
    ],
)
def test_printed_types_read_back(text: str) -> None:
    assert str(parse_media(text)) == text


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "application/json"),
        (" text/csv; charset=utf-8", "text/csv"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("text/unknown;a=b", "text/unknown;a=b"),
    ],
)
def test_the_type_of_a_body(header: str | None, expected: str) -> None:
    assert content_media(header) == expected


def test_no_more_types_are_looked_at_than_anybody_sends() -> None:
    assert len(parse_accept(",".join(["text/csv"] * 1000))) == MAX_ACCEPTED
    assert parse_accept("*/*") is ANYTHING


@settings(derandomize=True, deadline=None, max_examples=150)
@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                ("application/", "vnd.pgrst.plan", "+json", ";", "q=", "for=", '"', ",", "=", "|", "*", "/")
            )
        ).map("".join),
    )
)
def test_any_header_is_read(header: str) -> None:
    assert all(str(accepted) is not None for accepted in parse_accept(header))
    assert content_media(header) is not None
