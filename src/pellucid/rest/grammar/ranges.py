"""Which rows of a result: ``limit`` and ``offset``, or a ``Range`` header."""

import re

from msgspec import Struct

from pellucid.errors import MalformedQuery, UnacceptableRange

_RANGE = re.compile(r"([0-9]{1,40})-([0-9]{0,40})")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_WHOLE = re.compile(r"(-?)0*([0-9]+)")
_DIGITS = 19
_LARGEST = 2**63 - 1
"""The most rows that there can be (PostgreSQL, ``bigint``). What is larger, of whatever length, means the same: all of them."""
_NEGATIVE = "Limit should be greater than or equal to zero."


class Range(Struct, frozen=True):
    """Rows ``offset`` to ``offset + limit - 1``, counted from 0; no limit means all that follow."""

    offset: int = 0
    limit: int | None = None

    def capped(self, most: int | None) -> "Range":
        """The same, with no more than ``most`` rows."""
        if most is None or (self.limit is not None and self.limit <= most):
            return self
        return Range(self.offset, most)


ALL = Range()
"""Every row."""


def parse_range(limit: str | None, offset: str | None, header: str | None, *, strict: bool = True) -> Range:
    """Read ``limit`` and ``offset``, and a ``Range`` header where there is one: the rows that both mean.

    Args:
        limit, offset: as the query has them.
        header: the first and the last row, counted from 0: ``0-9``.
        strict: a limit or an offset that is no number is an error; else it says nothing, as in PostgREST.

    Raises:
        MalformedQuery: not a whole number.
        UnacceptableRange: a negative limit, a header that ends before it begins, or no row in common.
    """
    if limit is None and offset is None:
        return _from_header(header)
    asked = _strictly(limit, offset) if strict else _leniently(limit, offset)
    base = _from_header(header)
    if asked.limit == 0:
        return Range(asked.offset, 0)
    first = max(base.offset, asked.offset)
    ends = [each.offset + each.limit for each in (base, asked) if each.limit is not None]
    if not ends:
        return Range(first)
    if min(ends) <= first:
        raise UnacceptableRange(
            "Requested range not satisfiable",
            details=_NEGATIVE,
            hint="The Range header and limit and offset have no row in common; send one of the two.",
        )
    return Range(first, min(ends) - first)


def _strictly(limit: str | None, offset: str | None) -> Range:
    return Range(_number(offset, "offset") or 0, _number(limit, "limit"))


def _leniently(limit: str | None, offset: str | None) -> Range:
    """What PostgREST makes of them. An offset below zero counts from there, and eats up the limit; a limit of zero stands at the start."""
    start = _read(offset) or 0
    wanted = _read(limit)
    if wanted is None and limit is not None and offset is not None:
        wanted = 0
    if wanted is None:
        return Range(max(start, 0))
    if wanted == 0 and start == 0:
        return Range(0, 0)
    end = min(start + wanted, _LARGEST)
    first = max(start, 0)
    if wanted <= 0 or end <= first:
        raise UnacceptableRange("Requested range not satisfiable", details=_NEGATIVE)
    return Range(first, end - first)


def _read(text: str | None) -> int | None:
    found = _INTEGER.fullmatch(text.strip()) if text else None
    return None if found is None else max(-_LARGEST, min(int(found[0]), _LARGEST))


def _from_header(header: str | None) -> Range:
    found = _RANGE.fullmatch(header) if header else None
    if found is None:
        return ALL
    first = min(int(found[1]), _LARGEST)
    if not found[2]:
        return Range(first)
    last = min(int(found[2]), _LARGEST)
    if last < first:
        raise UnacceptableRange(
            "Requested range not satisfiable",
            details="The lower boundary must be lower than or equal to the upper boundary in the Range header.",
            hint="Write the Range header as first-last, such as 0-9.",
        )
    return Range(first, last - first + 1)


def _number(text: str | None, name: str) -> int | None:
    if text is None or text == "":
        return None
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise MalformedQuery(f'"{name}" is not a whole number: {text[:40]}', hint=f"Write {name}=10, for example.")
    value = int(found[2]) if len(found[2]) <= _DIGITS else _LARGEST
    if found[1] and value > 0:
        raise UnacceptableRange(
            "Requested range not satisfiable",
            details=f"{name.capitalize()} should be greater than or equal to zero.",
            hint=f"Give {name} a value of 0 or more.",
        )
    return min(value, _LARGEST)
