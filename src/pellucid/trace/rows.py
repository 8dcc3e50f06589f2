"""Spans to rows: where the time of a request went, what lies between its stages, and what nobody can account for."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from pellucid.observe import Fact, Span, Stage
from pellucid.trace.document import Row
from pellucid.trace.intervals import NEGLIGIBLE, Interval, gaps, interval


class Marks(Struct, frozen=True):
    """Moments of a request in the server, of `time.perf_counter`.

    ``arrived`` is when its bytes had been read and ``began`` when the outermost layer had it; ``entered`` when the router had it,
    ``answered`` when the answer left the router, and ``ended`` when all was done. ``own`` tells that the route is not the data API, so
    that what lies between stages is the route's own code; where it has no stages, the router's work is told with it.
    """

    arrived: float
    began: float
    entered: float | None
    answered: float | None
    ended: float
    own: bool


def rows_of(marks: Marks, spans: Sequence[Span], arrival: Mapping[str, Fact]) -> tuple[tuple[Row, ...], float]:
    """The rows of a request, in the order in which they began, and the seconds that none of them explains.

    Args:
        marks: the moments between which they lie.
        spans: the stages as they were observed.
        arrival: what is known of how the request came.
    """
    stays = [Row(span.stage, span.started, _seconds(span, marks.ended), span.facts) for span in spans]
    named = [*_known(marks, stays, arrival), *stays]
    rows = sorted(named, key=lambda row: (row.start, -row.seconds))
    left = sum(end - start for start, end in _uncovered(marks.arrived, marks.ended, rows))
    return tuple(Row(row.stage, row.start - marks.arrived, row.seconds, row.facts) for row in rows), max(0.0, left)


def _seconds(span: Span, ended: float) -> float:
    return (ended if span.ended is None else span.ended) - span.started


def _known(marks: Marks, stays: Sequence[Row], arrival: Mapping[str, Fact]) -> Iterator[Row]:
    """The stays in the server itself: waiting for its loop, its layers, its router, the code of a route."""
    wait = marks.began - marks.arrived
    yield Row(Stage.SERVER, marks.arrived, wait, {"part": "loop", "worker": os.getpid(), "wait": wait, **arrival})
    if marks.entered is None:
        return
    yield from _between(marks.began, marks.entered, stays, "layers")
    inside = [row for row in stays if row.start >= marks.entered]
    responding = next((row.start for row in inside if row.stage is Stage.RESPOND and "header_bytes" in row.facts), None)
    done = marks.answered or responding or marks.ended
    first = min([row.start for row in inside], default=done)
    yield from _between(marks.entered, min(first, done), stays, "routing" if inside or not marks.own else "route")
    if marks.own:
        yield from _between(min(first, done), done, stays, "route")
    if responding is not None:
        yield from _between(done, responding, stays, "layers")


def _between(start: float, end: float, rows: Iterable[Row], part: str) -> Iterator[Row]:
    for begin, stop in _uncovered(start, end, rows):
        yield Row(Stage.SERVER, begin, stop - begin, {"part": part})


def _uncovered(start: float, end: float, rows: Iterable[Row]) -> list[Interval]:
    return gaps(map(interval, rows), (start, end), NEGLIGIBLE)
