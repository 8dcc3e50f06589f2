"""Who runs on which core."""

import os

import pytest

from benchmarks.processes import Cores, divide


@pytest.mark.parametrize(
    ("cores", "workers", "expected"),
    [
        (2, 1, None),
        (3, 1, None),
        (4, 1, Cores((0,), (0, 1, 2), (3,))),
        (4, 2, Cores((0, 1), (0, 1, 2), (3,))),
        (4, 9, Cores((0, 1, 2), (0, 1, 2), (3,))),
    ],
)
def test_cores_are_divided_where_there_are_enough(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, expected: Cores | None
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert divide(workers) == expected
