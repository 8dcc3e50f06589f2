"""Which of some names is most like a given one: by the runs of letters that they share, then by the letters that differ."""

import math
import re
from collections import Counter
from collections.abc import Iterable

_SILENT = re.compile(r"[^\w, ]|_")
_MOST_COMPARED = 50
_SLIPS = 3
_LONGEST = 200
"""Longer names are compared by their beginnings."""


def most_similar(name: str, names: Iterable[str], least: float) -> str | None:
    """The name most like ``name``, or None where none has at least this likeness, from 0 (nothing in common) to 1 (the same)."""
    known = {each.lower(): each for each in names}
    wanted = name.lower()[:_LONGEST]
    if wanted in known:
        return known[wanted]
    for size in (3, 2):
        scored = [(_likeness(wanted, other), other) for other in _sharing(wanted, known, size)]
        best = max(scored, key=lambda pair: pair[0], default=(0.0, ""))
        if scored and best[0] >= least:
            return known[best[1]]
    return None


def same_but_for_a_slip(name: str, names: Iterable[str]) -> list[str]:
    """Those names that differ least: by three letters at most and half of them, as PostgreSQL proposes them; none where three tie."""
    distances = {other: _distance(other, name) for other in names if abs(len(other) - len(name)) <= _SLIPS}
    near = {other: number for other, number in distances.items() if number <= min(_SLIPS, len(name) // 2)}
    best = [other for other, number in near.items() if number == min(near.values())]
    return best if len(best) <= 2 else []


def _sharing(wanted: str, names: Iterable[str], size: int) -> list[str]:
    """Those that have most runs of ``size`` letters in common, relative to how many they have (cosine similarity)."""
    runs = _runs(wanted, size)
    found = []
    for other in names:
        others = _runs(other[:_LONGEST], size)
        common = sum(number * others[run] for run, number in runs.items())
        if common:
            found.append((common / (_length(runs) * _length(others)), other))
    return [other for _, other in sorted(found, key=lambda pair: -pair[0])[:_MOST_COMPARED]]


def _runs(name: str, size: int) -> Counter[str]:
    text = f"-{_SILENT.sub('', name)}-".ljust(size, "-")
    return Counter(text[start : start + size] for start in range(len(text) - size + 1))


def _length(runs: Counter[str]) -> float:
    return math.sqrt(sum(number * number for number in runs.values()))


def _likeness(one: str, other: str) -> float:
    """One minus the share of letters to be changed."""
    other = other[:_LONGEST]
    return 1 - _distance(one, other) / max(len(one), len(other), 1)


def _distance(one: str, other: str) -> int:
    """How many letters have to be changed, added or left out (Levenshtein)."""
    before = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        row = [place]
        for at, each in enumerate(other):
            row.append(min(before[at + 1] + 1, row[at] + 1, before[at] + (letter != each)))
        before = row
    return before[-1]
