"""Stretches of time, and what they leave uncovered."""

from collections.abc import Iterable

from pellucid.trace.document import Row

Interval = tuple[float, float]
"""Beginning and end, in seconds."""
NEGLIGIBLE = 1e-6
"""Seconds. Shorter gaps are the reading of the clock itself."""


def interval(row: Row) -> Interval:
    """When a row began and ended."""
    return row.start, row.start + row.seconds


def gaps(covered: Iterable[Interval], window: Interval, least: float = 0.0) -> list[Interval]:
    """What of a window is not covered, where that is longer than ``least``."""
    found, reached = [], window[0]
    for begin, end in sorted(covered):
        found.append((reached, min(begin, window[1])))
        reached = max(reached, end)
    found.append((reached, window[1]))
    return [(begin, end) for begin, end in found if end - begin > least]
