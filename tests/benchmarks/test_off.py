"""What is timed of tracing that is off is what is there."""

import pytest

from benchmarks import off


def test_both_ways_are_made_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(off, "TIMES", 10)
    monkeypatch.setattr(off, "ROUNDS", 1)
    found = off.parts()
    ways = off.ways(dict.fromkeys(found, 14.0))
    assert set(ways) == {"short", "usual"}
    assert ways["short"] == 14.0 + 2 * 14.0 / off.MEMBERS
    assert ways["usual"] == 14.0 * len(found)
