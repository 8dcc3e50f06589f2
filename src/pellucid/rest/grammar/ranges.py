"""Which rows of a result: ``limit`` and ``offset``, or a ``Range`` header."""

import re
from dataclasses import dataclass

from pellucid.errors import MalformedQuery, UnacceptableRange

_RANGE = re.compile(r"(\d+)-(\d*)")
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Range:
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


def parse_range(limit: str | None, offset: str | None, header: str | None) -> Range:
    """Read ``limit`` and ``offset``, and a ``Range`` header where there is one: the rows that both mean.

    Raises:
        MalformedQuery: not a whole number.
        UnacceptableRange: a negative limit, a header that ends before it begins, or no row in common.
    """
    base, start, wanted = _from_header(header), _number(offset, "offset") or 0, _number(limit, "limit")
    if wanted == 0:
        return Range(start, 0)
    first = max(base.offset, start)
    ends = [each.offset + each.limit for each in (base, Range(start, wanted)) if each.limit is not None]
    if not ends:
        return Range(first)
    if min(ends) <= first:
        raise UnacceptableRange(
            "Requested range not satisfiable",
            details="Limit should be greater than or equal to zero.",
            hint="The Range header and limit and offset have no row in common; send one of the two.",
        )
    return Range(first, min(ends) - first)


def _from_header(header: str | None) -> Range:
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or len(found[0]) > 40:
        return Range()
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
    if not re.fullmatch(r"-?\d{1,19}", text):
        raise MalformedQuery(f'"{name}" is not a whole number: {text[:40]}', hint=f"Write {name}=10, for example.")
    value = int(text)
    if value < 0:
        raise UnacceptableRange(
            "Requested range not satisfiable",
            details=f"{name.capitalize()} should be greater than or equal to zero.",
            hint=f"Give {name} a value of 0 or more.",
        )
    return min(value, _LARGEST)
