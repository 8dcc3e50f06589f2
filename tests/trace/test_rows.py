"""Spans to rows."""

from typing import Any

from pellucid.observe import Span, Stage
from pellucid.trace.rows import Marks, rows_of

MARKS = Marks(arrived=10.0, began=10.1, entered=10.2, answered=10.8, ended=11.0, own=False)


def parts(marks: Marks, *spans: Span) -> tuple[list[tuple[str, Any, float, float]], float]:
    rows, left = rows_of(marks, spans, {})
    told = [(row.stage.value, row.facts.get("part"), round(row.start, 3), round(row.seconds, 3)) for row in rows]
    return told, round(left, 3)


def test_what_lies_between_stages_of_the_data_api_is_unaccounted() -> None:
    spans = (
        Span(Stage.IDENTITY, 10.3, 10.4),
        Span(Stage.EXECUTE, 10.5, 10.8),
        Span(Stage.RESPOND, 10.9, 10.95, {"header_bytes": 1}),
    )
    told, left = parts(MARKS, *spans)
    assert told == [
        ("server", "loop", 0.0, 0.1),
        ("server", "layers", 0.1, 0.1),
        ("server", "routing", 0.2, 0.1),
        ("identity", None, 0.3, 0.1),
        ("execute", None, 0.5, 0.3),
        ("server", "layers", 0.8, 0.1),
        ("respond", None, 0.9, 0.05),
    ]
    assert left == 0.15


def test_what_lies_between_stages_of_another_route_is_its_own_code() -> None:
    marks = Marks(10.0, 10.1, 10.2, 10.8, 10.8, own=True)
    told, left = parts(marks, Span(Stage.POOL, 10.3, 10.4), Span(Stage.EXECUTE, 10.35, 10.5))
    assert [each for each in told if each[1] == "route"] == [("server", "route", 0.5, 0.3)]
    assert left == 0.0


def test_stays_inside_of_others_are_not_counted_twice() -> None:
    marks = Marks(10.0, 10.0, 10.0, 10.5, 10.5, own=False)
    told, left = parts(marks, Span(Stage.IDENTITY, 10.0, 10.5), Span(Stage.EXECUTE, 10.1, 10.2))
    assert [each[0] for each in told] == ["identity", "server", "execute"]
    assert left == 0.0


def test_a_request_that_never_came_to_the_router_and_one_without_stages() -> None:
    told, left = parts(Marks(10.0, 10.1, None, None, 10.3, own=True))
    assert (told, left) == ([("server", "loop", 0.0, 0.1)], 0.2)
    told, left = parts(Marks(10.0, 10.1, 10.1, 10.3, 10.3, own=True))
    assert (told[1:], left) == ([("server", "route", 0.1, 0.2)], 0.0)


def test_a_stay_that_never_ended_ends_with_the_request() -> None:
    told, _ = parts(MARKS, Span(Stage.EXECUTE, 10.5))
    assert ("execute", None, 0.5, 0.5) in told


def test_facts_are_left_whole_for_what_is_hidden_in_them_may_be_cut_in_two() -> None:
    rows, _ = rows_of(MARKS, (Span(Stage.EXECUTE, 10.5, 10.6, {"sql": "x" * 10_000}),), {})
    assert max(len(str(row.facts.get("sql", ""))) for row in rows) == 10_000
