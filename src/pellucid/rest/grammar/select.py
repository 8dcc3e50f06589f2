"""The select list: ``select=id,full:name,age::text,address->>city,author:people!writer(name)``."""

import re
from enum import StrEnum
from functools import lru_cache, partial

from msgspec import Struct
from msgspec.structs import replace

from pellucid.errors import BeyondLimit
from pellucid.rest.grammar.fields import MAX_STEPS, Field, in_quotes, quoted, scan_field, scan_name, usual_path
from pellucid.rest.grammar.scanner import MAX_NAME, Scanner, Unfit, comma

MAX_ITEMS = 1000
"""How many items one select list may have, those of embedded tables included."""
MAX_EMBEDS = 100
"""How many tables one select list may embed."""
MAX_EMBED_DEPTH = 20
"""How deep embedded tables may nest."""
_COLUMN = re.compile(r"([A-Za-z_]\w{0,60}+)[ \t]*+(?=,|\Z)", re.ASCII)
_INNER_COLUMN = re.compile(r"([A-Za-z_]\w{0,60}+)[ \t]*+(?=[,)])", re.ASCII)
_WRITTEN = rf'[A-Za-z_]\w{{0,60}}+|"[^"\\]{{1,{MAX_NAME}}}"'
_PLAIN_TYPE = r"[A-Za-z]\w{0,60}+"
_USUAL = (
    rf"(?:({_WRITTEN}):(?!:))?"
    rf"(?:({_WRITTEN})((?:->>?(?:{_WRITTEN}|[0-9]{{1,9}}+)){{0,{MAX_STEPS}}}+)(?:::({_PLAIN_TYPE}))?(?:\.(sum|avg|count|max|min)\(\))?"
    r"|(count)\(\)|(\*))"
    rf"(?:(?<=\))::({_PLAIN_TYPE}))?"
)
_ITEM = re.compile(rf"{_USUAL}(?=,|\Z)", re.ASCII)
_INNER_ITEM = re.compile(rf"{_USUAL}(?=[,)])", re.ASCII)
"""Most items, read at once; what they do not match is read part by part."""
_AGGREGATE = re.compile(r"(sum|avg|count|max|min)\(\)")
_JOIN = re.compile(r"(?:left|inner)(?=[!(])")
_TYPE = re.compile(r"[\w $]+(?:\(\d{1,9}(?:, ?\d{1,9})?\)[\w $]*)?(?:\[\])*")


class Everything(Struct, frozen=True):
    """``*``: all columns of the table."""

    def __str__(self) -> str:
        """A star."""
        return "*"


class Aggregate(StrEnum):
    """What is made of the values of several rows. The value is the word in the query and the default name in the answer."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"


class Item(Struct, frozen=True):
    """One field of the answer: what, under which name, cast to which type.

    ``field`` is None for ``count()``, which counts rows. ``cast`` is applied before the aggregate, ``aggregate_cast`` to what it gives.
    """

    field: Field | None
    alias: str | None = None
    cast: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None

    def __str__(self) -> str:
        """The item as the query writes it."""
        field = "" if self.field is None else f"{self.field}{_cast(self.cast)}."
        what = f"{field}{self.aggregate}()" if self.aggregate else field.removesuffix(".")
        return f"{_alias(self.alias)}{what}{_cast(self.aggregate_cast)}"


class Related(Struct, frozen=True):
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

    def __str__(self) -> str:
        """The embedded table as the query writes it."""
        hint = "" if self.hint is None else f"!{_hint(self.hint)}"
        join = "" if self.inner is None else "!inner" if self.inner else "!left"
        name = in_quotes(self.name) if self.name == "count" else quoted(self.name)
        start = "..." if self.spread else _alias(self.alias)
        return f"{start}{name}{hint}{join}({','.join(map(str, self.select))})"


SelectItem = Everything | Item | Related
EVERYTHING: tuple[SelectItem, ...] = (Everything(),)
"""What an empty list means."""


@lru_cache(maxsize=256)
def parse_select(text: str, *, strict: bool = True) -> tuple[SelectItem, ...]:
    """Read a select list; an empty one is ``*``.

    Args:
        text: the list.
        strict: nothing may follow it; else what follows is passed over, as in PostgREST.

    Raises:
        MalformedQuery: it cannot be read.
        BeyondLimit: it goes beyond `MAX_ITEMS`, `MAX_EMBEDS` or `MAX_EMBED_DEPTH`.
    """
    if not text.strip():
        return EVERYTHING
    scanner = Scanner(text, f"select parameter ({text})")
    items = scanner.whole(partial(_scan_items, sizes=_Sizes(), depth=0), finish=strict)
    return items or EVERYTHING


class _Sizes:
    """How much a list has so far, all levels together."""

    def __init__(self) -> None:
        self.items = 0
        self.embeds = 0

    def add_item(self) -> None:
        self.items += 1
        if self.items > MAX_ITEMS:
            raise BeyondLimit(f"The select list has more than {MAX_ITEMS} items.", hint="Select * instead.")

    def add_embed(self, depth: int) -> None:
        self.embeds += 1
        if self.embeds > MAX_EMBEDS:
            raise BeyondLimit(f"The select list embeds more than {MAX_EMBEDS} tables.", hint="Ask in several requests.")
        if depth > MAX_EMBED_DEPTH:
            raise BeyondLimit(
                f"Tables are embedded more than {MAX_EMBED_DEPTH} levels deep.",
                hint="Begin with a table further inside.",
            )


def _scan_items(scanner: Scanner, *, sizes: _Sizes, depth: int) -> tuple[SelectItem, ...]:
    """Read a list that may be empty: an embedded table of which nothing is answered."""
    start = scanner.at
    read = partial(_scan_item, sizes=sizes, depth=depth)
    try:
        return tuple(scanner.several(read, comma))
    except Unfit:
        if scanner.at != start:
            raise
        return ()


def _scan_item(scanner: Scanner, *, sizes: _Sizes, depth: int) -> SelectItem:
    sizes.add_item()
    if column := scanner.match(_INNER_COLUMN if depth else _COLUMN):
        return Item(Field(column[1]))
    if usual := scanner.match(_INNER_ITEM if depth else _ITEM):
        return _usual_item(usual)
    related = scanner.attempt(_scan_spread) or scanner.attempt(_scan_related)
    if related is None:
        return _scan_column(scanner)
    sizes.add_embed(depth + 1)
    scanner.literal("(")
    items = _scan_items(scanner, sizes=sizes, depth=depth + 1)
    scanner.literal(")")
    return replace(related, select=items)


def _usual_item(found: re.Match[str]) -> SelectItem:
    alias, name, path, cast, aggregate, counts, star, aggregate_cast = found.groups()
    if star:
        return Everything()
    known_as = None if alias is None else alias.strip('"')
    if counts:
        return Item(None, known_as, None, Aggregate.COUNT, aggregate_cast)
    field = Field(name.strip('"'), usual_path(path) if path else ())
    return Item(field, known_as, cast, Aggregate(aggregate) if aggregate else None, aggregate_cast)


def _scan_spread(scanner: Scanner) -> Related:
    scanner.skip_spaces()
    scanner.literal("...")
    return _scan_target(scanner, scan_name(scanner), None, spread=True)


def _scan_related(scanner: Scanner) -> Related:
    scanner.skip_spaces()
    alias = scanner.attempt(_scan_alias)
    quoted_name = scanner.text.startswith('"', scanner.at)
    name = scan_name(scanner)
    if name == "count" and not quoted_name:
        raise Unfit  # count() counts rows
    return _scan_target(scanner, name, alias, spread=False)


def _scan_target(scanner: Scanner, name: str, alias: str | None, *, spread: bool) -> Related:
    """Read what may follow an embedded table's name: a hint, and how to join, in either order."""
    hints: list[str] = []
    joins: list[bool] = []
    for _ in range(2):
        if not scanner.text.startswith("!", scanner.at):
            scanner.note(scanner.at, '"!"')
            break
        scanner.literal("!")
        if join := scanner.match(_JOIN):
            joins.append(join[0] == "inner")
        else:
            hints.append(scan_name(scanner))
    scanner.ahead("(", end=False)
    return Related(name, (), alias, hints[0] if hints else None, joins[0] if joins else None, spread)


def _scan_alias(scanner: Scanner) -> str:
    name = scan_name(scanner)
    scanner.literal(":")
    if scanner.text.startswith(":", scanner.at):
        scanner.unexpected(scanner.at + 1, ":")
        raise Unfit
    return name


def _scan_column(scanner: Scanner) -> Everything | Item:
    scanner.skip_spaces()
    whole = scanner.attempt(_scan_star) or scanner.attempt(_scan_count)
    if whole is not None:
        scanner.skip_spaces()
        return whole
    alias = scanner.attempt(_scan_alias)
    field = scan_field(scanner)
    cast = _scan_cast(scanner)
    aggregate = scanner.attempt(_scan_aggregate)
    aggregate_cast = _scan_cast(scanner) if aggregate else None
    scanner.ahead(")", ",")
    return Item(field, alias, cast, aggregate, aggregate_cast)


def _scan_star(scanner: Scanner) -> Everything:
    scanner.literal("*")
    scanner.ahead(")", ",")
    return Everything()


def _scan_count(scanner: Scanner) -> Item:
    alias = scanner.attempt(_scan_alias)
    scanner.literal("count()")
    cast = _scan_cast(scanner)
    scanner.ahead(")", ",")
    return Item(None, alias, None, Aggregate.COUNT, cast)


def _scan_aggregate(scanner: Scanner) -> Aggregate:
    scanner.literal(".")
    found = scanner.match(_AGGREGATE)
    if found is None:
        for aggregate in Aggregate:
            scanner.attempt(partial(_scan_call, aggregate=aggregate))
        raise Unfit
    return Aggregate(found[1])


def _scan_call(scanner: Scanner, *, aggregate: Aggregate) -> None:
    scanner.literal(aggregate)
    scanner.literal("()")


def _scan_cast(scanner: Scanner) -> str | None:
    if not scanner.text.startswith(":", scanner.at):
        scanner.note(scanner.at, '"::"')
        return None
    scanner.literal("::")
    name = scanner.run(_TYPE, "letter", "digit").strip()
    if len(name) > MAX_NAME:
        raise BeyondLimit(f"The name of a type has more than {MAX_NAME} characters.", hint="Use the type's own name.")
    return name


def _alias(alias: str | None) -> str:
    return "" if alias is None else f"{quoted(alias)}:"


def _hint(hint: str) -> str:
    return in_quotes(hint) if hint in ("left", "inner") else quoted(hint)


def _cast(cast: str | None) -> str:
    return "" if cast is None else f"::{cast}"
