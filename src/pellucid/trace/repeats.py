"""Several runs of the same request: how long each stage took at least, in the middle, and nearly at most."""

import math
from collections.abc import Iterator, Sequence
from statistics import median

from msgspec import Struct

from pellucid.observe import Stage
from pellucid.trace.journey import Journey
from pellucid.trace.page import EMPTY, Line, Piece, docs, duration, line

_TENTH = 0.9


class Spread(Struct, frozen=True):
    """How often a stage was met, and its seconds."""

    stage: str
    times: int
    least: float
    middle: float
    p90: float


def spreads(runs: Sequence[Journey]) -> tuple[Spread, ...]:
    """One for each stage, and one for the whole."""
    met: dict[Stage, list[float]] = {}
    for run in runs:
        for stage, seconds in _totals(run).items():
            met.setdefault(stage, []).append(seconds)
    by_stage = [_spread(stage.value, met[stage]) for stage in Stage if stage in met]
    return (*by_stage, _spread("total", [run.seconds for run in runs]))


def _totals(run: Journey) -> dict[Stage, float]:
    totals: dict[Stage, float] = {}
    for hop in run.hops:
        for row in (*hop.rows, *(hop.server.rows if hop.server else ())):
            totals[row.stage] = totals.get(row.stage, 0.0) + row.seconds
    return totals


def _spread(stage: str, seconds: Sequence[float]) -> Spread:
    ordered = sorted(seconds)
    nearly = ordered[min(math.ceil(_TENTH * len(ordered)), len(ordered)) - 1]
    return Spread(stage, len(ordered), ordered[0], median(ordered), nearly)


def slowest(runs: Sequence[Journey]) -> int:
    """The run that is worth looking at: the slowest, where opening the connection does not count."""
    return max(range(len(runs)), key=lambda index: _without_opening(runs[index]))


def _without_opening(run: Journey) -> float:
    opening = {Stage.DNS, Stage.CONNECT, Stage.TLS}
    return (
        math.inf
        if run.last.failure
        else sum(row.seconds for hop in run.hops for row in hop.rows if row.stage not in opening)
    )


def table(runs: Sequence[Journey]) -> Iterator[Line]:
    """The spreads as lines."""
    yield line(
        Piece(f"{len(runs)} runs", "bold"), Piece("  the slowest, connections not counted, is shown below", "dim")
    )
    yield line(Piece(f"  {'stage':<16}{'times':>6}{'least':>10}{'median':>10}{'p90':>10}", "dim"))
    for each in spreads(runs):
        link = "" if each.stage == "total" else docs(Stage(each.stage))
        name = Piece(f"  {each.stage:<16}", "bold" if each.stage == "total" else "", link)
        yield line(
            name, f"{each.times:>6}{duration(each.least):>10}{duration(each.middle):>10}{duration(each.p90):>10}"
        )
    yield EMPTY
