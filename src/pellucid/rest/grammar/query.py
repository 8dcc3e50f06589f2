"""The whole query string, read into one value."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from pellucid.errors import BeyondLimit, MalformedQuery
from pellucid.rest.grammar.conditions import Tally, parse_comparison, parse_logic
from pellucid.rest.grammar.fields import Field, scan_name, scan_place
from pellucid.rest.grammar.filters import Condition, Filter, Operator
from pellucid.rest.grammar.order import Term, parse_order
from pellucid.rest.grammar.parameters import split_query
from pellucid.rest.grammar.scanner import Scanner, comma, delimiter
from pellucid.rest.grammar.select import EVERYTHING, SelectItem, parse_select

_JUNCTIONS = frozenset({"and", "or"})
_BOUNDS = frozenset({"order", "limit", "offset"})
_ANYWHERE = _BOUNDS | _JUNCTIONS
"""What may be said of embedded tables too: the last part of the parameter's name."""
_RESERVED = frozenset({"select", "columns", "on_conflict"}) | _ANYWHERE
_Path = tuple[str, ...]
MAX_NAMES = 1600
"""How many names ``columns`` and ``on_conflict`` may have: no table has more columns (PostgreSQL, appendix K)."""
MAX_SHOWN = 80
"""How much of a name an error shows."""
MAX_PARAMETERS = 1000
"""How many parameters one query string may have."""


class Part(Struct, frozen=True):
    """What a query says of one embedded table: ``other.age=gt.3``, ``other.order=age``, ``other.limit=1``."""

    conditions: tuple[Condition, ...] = ()
    order: tuple[Term, ...] = ()
    limit: str | None = None
    offset: str | None = None


class Query(Struct, frozen=True):
    """What the query string asks for, not yet judged.

    ``limit`` and ``offset`` are still text: a header has a say in them. ``embedded`` holds what is said of embedded tables, by the path of
    the names they are known as. ``arguments`` are the parameters that may be arguments of a function: those that are no filters, and have a
    plain name. ``pairs`` are all parameters as they came, decoded.
    """

    select: tuple[SelectItem, ...] = EVERYTHING
    conditions: tuple[Condition, ...] = ()
    order: tuple[Term, ...] = ()
    limit: str | None = None
    offset: str | None = None
    columns: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    embedded: Mapping[tuple[str, ...], Part] = field(default_factory=lambda: MappingProxyType({}))
    arguments: tuple[tuple[str, str], ...] = ()


def parse_query(text: str, *, native: bool, call: bool = False) -> Query:
    """Read a query string (the part after ``?``, percent-encoded).

    Args:
        text: the query string.
        native: ``age=20`` means ``age=eq.20``, and what follows a whole part is an error; else it is as in PostgREST.
        call: it is the address of a function that is called by it: what is no filter is an argument.

    Raises:
        MalformedQuery: a part cannot be read, or there is too much of it.
    """
    pairs = _pairs(text, native=native)
    if native:
        _check_plain(pairs)
    said = [(name, value) for name, value in pairs if value is not None]
    if not said:
        return Query(pairs=tuple((name, "") for name, _ in pairs))
    reader = _Reader(said, native=native, call=call)
    orders, logics = reader.orders(), reader.logics()
    columns, select = reader.names("columns"), reader.select()
    filters = reader.filters()
    parts = _parts(orders, [*logics, *filters], reader.bounds("limit"), reader.bounds("offset"))
    whole = parts.pop((), Part())
    return Query(
        select=select,
        conditions=whole.conditions,
        order=whole.order,
        limit=whole.limit,
        offset=whole.offset,
        columns=columns,
        on_conflict=reader.names("on_conflict"),
        pairs=tuple((name, value or "") for name, value in pairs),
        embedded=MappingProxyType(parts),
        arguments=tuple(reader.arguments),
    )


def filter_key(column: str) -> str:
    """How a filter on this column is written: quoted where the name would mean something else."""
    return f'"{column}"' if column in _RESERVED else str(Field(column))


class _Reader:
    """Reads the parameters family by family, in PostgREST's order, so that of several errors the same one is told."""

    def __init__(self, pairs: Sequence[tuple[str, str]], *, native: bool, call: bool) -> None:
        self.native = native
        self.call = call
        self.arguments: list[tuple[str, str]] = []
        self._tally = Tally()
        self._first: dict[str, str] = {}
        self._families: dict[str, list[tuple[str, str]]] = {}
        for name, value in pairs:
            self._first.setdefault(name, value)
            last = name.rpartition(".")[2]
            family = last if last in _ANYWHERE else "" if name not in _RESERVED else name
            self._families.setdefault(family, []).append((name, value))

    def orders(self) -> list[tuple[_Path, tuple[Term, ...]]]:
        strict = self.native
        return [(self._path(name), parse_order(value, strict=strict)) for name, value in self._of("order")]

    def logics(self) -> list[tuple[_Path, Condition]]:
        trees: list[tuple[_Path, Condition]] = []
        for name, value in (*self._of("and"), *self._of("or")):
            *path, word = self._scan_path(name, f"logic path ({name})")
            key = f"not.{word}" if "not" in path else word
            tree = parse_logic(key, value, strict=self.native, tally=self._tally)
            trees.append((tuple(step for step in path if step != "not"), tree))
        return trees

    def names(self, key: str) -> tuple[str, ...] | None:
        """A list of column names: ``columns=name,"full name"``."""
        text = self._first.get(key)
        if text is None:
            return None
        scanner = Scanner(text, f"{key} parameter ({text})")
        return tuple(scanner.whole(partial(_scan_names, key=key), finish=self.native))

    def select(self) -> tuple[SelectItem, ...]:
        return parse_select(self._first.get("select", ""), strict=self.native)

    def filters(self) -> list[tuple[_Path, Condition]]:
        read = partial(parse_comparison, strict=self.native, bare=self.native or self.call)
        conditions: list[tuple[_Path, Condition]] = []
        for name, value in self._of(""):
            path, target = Scanner(name, f"tree path ({name})").whole(scan_place, finish=self.native)
            comparison = read(value)
            if comparison is None and self.call:
                self.arguments.append((target.name, value))
                continue
            self._tally.add()
            conditions.append((path, comparison.of(target) if comparison else Filter(target, Operator.EQ, (value,))))
        return conditions

    def bounds(self, word: str) -> dict[_Path, str]:
        return {self._path(name): value for name, value in self._of(word)}

    def _of(self, family: str) -> Sequence[tuple[str, str]]:
        return self._families.get(family, ())

    def _path(self, name: str) -> _Path:
        return tuple(self._scan_path(name, f"tree path ({name})")[:-1]) if "." in name else ()

    def _scan_path(self, name: str, what: str) -> list[str]:
        if "." not in name:
            return [name]
        return Scanner(name, what).whole(_scan_path, finish=True)


def _scan_names(scanner: Scanner, *, key: str) -> list[str]:
    """Read a list of column names: ``name,"full name"``."""
    names = scanner.several(scan_name, comma, MAX_NAMES)
    if len(names) > MAX_NAMES:
        raise BeyondLimit(f'"{key}" has more than {MAX_NAMES} names.', hint="No table has as many columns.")
    return names


def _scan_path(scanner: Scanner) -> list[str]:
    return scanner.several(scan_name, delimiter)


def _parts(
    orders: Iterable[tuple[_Path, tuple[Term, ...]]],
    conditions: Sequence[tuple[_Path, Condition]],
    limits: Mapping[_Path, str],
    offsets: Mapping[_Path, str],
) -> dict[_Path, Part]:
    """What is said of each table. Of several orders the first counts, of several limits the last, as in PostgREST."""
    parts: dict[_Path, Part] = {}
    for path, order in orders:
        parts.setdefault(path, Part(order=order))
    for path in (*(path for path, _ in conditions), *limits, *offsets):
        parts.setdefault(path, Part())
    grouped: dict[_Path, list[Condition]] = {}
    for path, condition in conditions:
        grouped.setdefault(path, []).append(condition)
    return {
        path: replace(part, conditions=tuple(grouped.get(path, ())), limit=limits.get(path), offset=offsets.get(path))
        for path, part in parts.items()
    }


def _check_plain(pairs: Sequence[tuple[str, str | None]]) -> None:
    """Refuse what PostgREST passes over: parameters without a value, and a second value where one counts."""
    seen: set[str] = set()
    for name, value in pairs:
        if value is None:
            shown = name[:MAX_SHOWN]
            raise MalformedQuery(
                f"The parameter {shown} has no value.",
                hint=f"Write {shown}=value; {shown}=is.null finds the rows that have none.",
            )
        if name in seen and (name in _RESERVED or name.rpartition(".")[2] in _BOUNDS):
            raise MalformedQuery(f'"{name}" is given twice.', hint="Give it once; a list has commas between its parts.")
        if name not in _JUNCTIONS:
            seen.add(name)


def _pairs(text: str, *, native: bool) -> tuple[tuple[str, str | None], ...]:
    if not text:
        return ()
    try:
        pairs = split_query(text, MAX_PARAMETERS, semicolons=not native)
    except UnicodeError:
        raise MalformedQuery("The query string is not UTF-8.", hint="Percent-encode it as UTF-8.") from None
    if pairs is None:
        raise BeyondLimit(f"The query string has more than {MAX_PARAMETERS} parameters.", hint="Ask for less at once.")
    if any("\0" in name or (value is not None and "\0" in value) for name, value in pairs):
        raise MalformedQuery(
            "The query string holds a NUL character.", hint="PostgreSQL has no such text; leave it out."
        )
    return pairs
