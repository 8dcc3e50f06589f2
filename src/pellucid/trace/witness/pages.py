"""The page on which a row lies, and its picture (pageinspect and pg_freespacemap, PostgreSQL F.23 and F.27)."""

from collections.abc import Sequence

from msgspec import Struct

from pellucid.trace.document import Place
from pellucid.trace.witness.log import Written
from pellucid.trace.witness.lookout import Lookout

CELL = 128
"""Bytes that one character of a picture stands for."""

HEADER = 24
"""Bytes of a page's header (PostgreSQL, 66.6)."""

MOST = 8
"""Places that are told of one commit."""

_PAGE = """select lower, upper, pagesize from {schema}.page_header({schema}.get_raw_page($1::text, $2::int8))"""
_ITEMS = """select lp as line, lp_off as offset, lp_len as length, lp_flags as state
from {schema}.heap_page_items({schema}.get_raw_page($1::text, $2::int8)) where lp_flags = 1"""
_FREE = "select {schema}.pg_freespace($1::text::regclass, $2::int8)::int as free"


class Item(Struct, frozen=True):
    """A row on a page: its line pointer, and where it begins and how long it is, in bytes."""

    line: int
    offset: int
    length: int


class Page(Struct, frozen=True):
    """A page: the end of its line pointers, the beginning of its rows, its size; and its rows."""

    lower: int
    upper: int
    size: int
    items: tuple[Item, ...] = ()


def places_of(written: Sequence[Written]) -> list[tuple[Written, int]]:
    """Where rows were put last, each line once; system tables are left out."""
    last = {
        (each.relation.name, each.page, line): (each, line)
        for each in written
        for line in each.lines
        if each.relation.kind in ("r", "m", "p") and not each.relation.name.startswith(("pg_", "information_schema."))
    }
    return list(last.values())[-MOST:]


async def look_at(lookout: Lookout, written: Written, line: int, *, mapped: bool) -> Place:
    """Look at a page.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: it cannot be seen.
    """
    name, number = written.relation.name, written.page
    inspect = lookout.seen.extensions["pageinspect"]
    header = (await lookout.ask(_PAGE.format(schema=inspect), name, number))[0]
    rows = await lookout.ask(_ITEMS.format(schema=inspect), name, number)
    items = tuple(Item(row["line"], row["offset"], row["length"]) for row in rows)
    page = Page(header["lower"], header["upper"], header["pagesize"], items)
    free = await _mapped(lookout, name, number) if mapped else None
    file = written.relation.file
    return Place(name, file, number, line, page.upper - page.lower, len(items), picture(page, line), free)


async def _mapped(lookout: Lookout, name: str, number: int) -> int:
    """What the free space map says of a page."""
    rows = await lookout.ask(_FREE.format(schema=lookout.seen.extensions["pg_freespacemap"]), name, number)
    return int(rows[0]["free"])


def picture(page: Page, line: int) -> str:
    """The page as characters: ``h`` header, ``l`` line pointers, ``.`` free, ``r`` rows, ``*`` the row of this line."""
    return "".join(_cell(page, line, start) for start in range(0, page.size, CELL))


def _cell(page: Page, line: int, start: int) -> str:
    end = start + CELL
    if any(item.line == line and item.offset < end and start < item.offset + item.length for item in page.items):
        return "*"
    if start < HEADER:
        return "h"
    if start < page.lower:
        return "l"
    return "r" if end > page.upper else "."
