"""The select list: ``select=id,full:name,age::text,address->>city``."""

import re
from dataclasses import dataclass

from pellucid.rest.grammar.fields import Field, scan_field, unescape
from pellucid.rest.grammar.scanner import Scanner

_ALIAS = re.compile(r'(?:"((?:[^"\\]|\\.)*)"|([\w$ -]+)):(?!:)')
_CAST = re.compile(r"[A-Za-z_][\w ]*(?:\(\d+(?:,\d+)?\))?(?:\[\])?")


@dataclass(frozen=True, slots=True)
class Everything:
    """``*``: all columns of the table."""


@dataclass(frozen=True, slots=True)
class Item:
    """One field of the answer: what, under which name, cast to which type."""

    field: Field
    alias: str | None = None
    cast: str | None = None


SelectItem = Everything | Item


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
