"""The whole query string, read into one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import parse_qsl

from pellucid.errors import MalformedQuery
from pellucid.rest.grammar.fields import Field, scan_name
from pellucid.rest.grammar.filters import Condition, parse_filter, parse_logic
from pellucid.rest.grammar.order import Term, parse_order
from pellucid.rest.grammar.scanner import Scanner
from pellucid.rest.grammar.select import Everything, SelectItem, parse_select

_LOGIC = frozenset({"and", "or", "not.and", "not.or"})
_RESERVED = frozenset({"select", "order", "limit", "offset", "columns", "on_conflict"}) | _LOGIC
MAX_CONDITIONS = 200
"""How many filters one query may have."""
MAX_PARAMETERS = 1000
"""How many parameters one query string may have."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a query says of one embedded table: ``other.age=gt.3``, ``other.order=age``, ``other.limit=1``."""

    conditions: tuple[Condition, ...] = ()
    order: tuple[Term, ...] = ()
    limit: str | None = None
    offset: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What the query string asks for, not yet judged.

    ``limit`` and ``offset`` are still text: a header has a say in them. ``embedded`` holds what is said of embedded tables, by the path of
    the names they are known as. ``arguments`` are the parameters that may be arguments of a function: those that are no filters, and have a
    plain name. ``pairs`` are all parameters as they came, decoded.
    """

    select: tuple[SelectItem, ...] = (Everything(),)
    conditions: tuple[Condition, ...] = ()
    order: tuple[Term, ...] = ()
    limit: str | None = None
    offset: str | None = None
    columns: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    embedded: Mapping[tuple[str, ...], Part] = field(default_factory=lambda: MappingProxyType({}))
    arguments: tuple[tuple[str, str], ...] = ()


def parse_query(text: str, *, bare_equality: bool) -> Query:
    """Read a query string (the part after ``?``, percent-encoded).

    Raises:
        MalformedQuery: a part cannot be read, or there is too much of it.
    """
    pairs = _pairs(text)
    reserved = {key: value for key, value in pairs if key in _RESERVED}
    return Query(
        select=parse_select(reserved.get("select", "")),
        conditions=_conditions(pairs, bare_equality=bare_equality),
        order=parse_order(reserved.get("order", "")),
        limit=reserved.get("limit"),
        offset=reserved.get("offset"),
        columns=_names("columns", reserved),
        on_conflict=_names("on_conflict", reserved),
        pairs=tuple(pairs),
    )


def filter_key(column: str) -> str:
    """How a filter on this column is written: quoted where the name would mean something else."""
    return f'"{column}"' if column in _RESERVED else str(Field(column))


def _names(key: str, reserved: Mapping[str, str]) -> tuple[str, ...] | None:
    """A list of column names: ``columns=name,"full name"``."""
    text = reserved.get(key)
    if not text:
        return None
    scanner = Scanner(text, f"{key} parameter ({text})")
    names = [scan_name(scanner)]
    while scanner.accept(","):
        names.append(scan_name(scanner))
    scanner.finish()
    return tuple(names)


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except UnicodeDecodeError:
        raise MalformedQuery("The query string is not UTF-8.", hint="Percent-encode it as UTF-8.") from None
    except ValueError:
        raise MalformedQuery(
            f"The query string has more than {MAX_PARAMETERS} parameters.", hint="Ask for less at once."
        ) from None
    if any("\0" in part for pair in pairs for part in pair):
        raise MalformedQuery(
            "The query string holds a NUL character.", hint="PostgreSQL has no such text; leave it out."
        )
    return pairs


def _conditions(pairs: Sequence[tuple[str, str]], *, bare_equality: bool) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    for key, value in pairs:
        if key in _LOGIC:
            conditions.append(parse_logic(key, value))
        elif key not in _RESERVED:
            conditions.append(parse_filter(key, value, bare_equality=bare_equality))
    if sum(_size(condition) for condition in conditions) > MAX_CONDITIONS:
        raise MalformedQuery(f"The query has more than {MAX_CONDITIONS} filters.", hint='Use "in" for lists of values.')
    return tuple(conditions)


def _size(condition: Condition) -> int:
    members = getattr(condition, "members", None)
    return 1 if members is None else sum(_size(member) for member in members)
