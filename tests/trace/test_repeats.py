"""Several runs of one request."""

from msgspec.structs import replace

from pellucid.observe import Stage
from pellucid.trace.document import Row
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.repeats import slowest, spreads, table


def run(wait: float, *, new: bool = False) -> Journey:
    rows = (Row(Stage.CONNECT, 0.0, 0.5),) if new else ()
    start = 0.5 if new else 0.0
    return Journey((Hop("GET", "u", (*rows, Row(Stage.WAIT, start, wait))),))


def test_each_stage_has_its_least_middle_and_nearly_most() -> None:
    told = {each.stage: each for each in spreads([run(0.01 * each, new=each == 1) for each in range(1, 11)])}
    assert (told["wait"].times, told["wait"].least, round(told["wait"].middle, 3), told["wait"].p90) == (
        10,
        0.01,
        0.055,
        0.09,
    )
    assert told["connect"].times == 1
    assert list(told) == ["connect", "wait", "total"]


def test_the_slowest_is_looked_at_and_opening_a_connection_does_not_count() -> None:
    assert slowest([run(0.01, new=True), run(0.02), run(0.015)]) == 1


def test_one_that_failed_is_looked_at_first() -> None:
    failed = run(0.001)
    assert slowest([run(0.2), replace(failed, hops=(replace(failed.last, failure="refused"),))]) == 1


def test_the_table_has_a_line_for_each() -> None:
    text = ["".join(piece.text for piece in line) for line in table([run(0.01), run(0.02)])]
    assert text[0].startswith("2 runs")
    assert any(line.split() == ["wait", "2", "10.0", "ms", "15.0", "ms", "20.0", "ms"] for line in text)
