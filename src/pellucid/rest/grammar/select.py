"""The select list: ``select=id,full:name,age::text,address->>city``."""

import re
from dataclasses import dataclass
from enum import StrEnum

from pellucid.rest.grammar.fields import Field, scan_field, unescape
from pellucid.rest.grammar.scanner import Scanner

_ALIAS = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([\w$ -]+)):(?!:)')
_CAST = re.compile(r"[A-Za-z_][\w ]*(?:\(\d+(?:,\d+)?\))?(?:\[\])?")


@dataclass(frozen=True, slots=True)
class Everything:
    """``*``: all columns of the table."""


class Aggregate(StrEnum):
    """What is made of the values of several rows. The value is the word in the query and the default name in the answer."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class Item:
    """One field of the answer: what, under which name, cast to which type.

    ``field`` is None for ``count()``, which counts rows. ``cast`` is applied before the aggregate, ``aggregate_cast`` to what it gives.
    """

    field: Field | None
    alias: str | None = None
    cast: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """Rows of another table: ``alias:name!hint!inner(…)``, or ``...name(…)`` whose columns stand among the row's own.

    ``inner`` keeps only rows that have some; None says nothing, which means ``left``. ``select`` may be empty: then nothing of it is
    answered, and it only serves filters.
    """

    name: str
    select: tuple["SelectItem", ...]
    alias: str | None = None
    hint: str | None = None
    inner: bool | None = None
    spread: bool = False

    @property
    def known_as(self) -> str:
        """The name in the answer, and by which filters, orders and limits speak of it."""
        return self.alias or self.name


SelectItem = Everything | Item | Related


def parse_select(text: str) -> tuple[SelectItem, ...]:
    """Read a select list; an empty one is ``*``.

    Raises:
        MalformedQuery: it cannot be read; the error shows the place.
    """
    if not text.strip():
        return (Everything(),)
    scanner = Scanner(text, f"select parameter ({text})")
    items = [_scan_item(scanner)]
    while scanner.accept(","):
        items.append(_scan_item(scanner))
    scanner.finish()
    return tuple(items)


def _scan_item(scanner: Scanner) -> SelectItem:
    if scanner.accept("*"):
        return Everything()
    alias = scanner.match(_ALIAS)
    field = scan_field(scanner)
    cast = None
    if scanner.accept("::"):
        found = scanner.match(_CAST)
        if found is None:
            raise scanner.error("a type")
        cast = found[0].strip()
    return Item(field, _alias(alias) if alias else None, cast)


def _alias(found: re.Match[str]) -> str:
    return found[2].strip() if found[1] is None else unescape(found[1])
