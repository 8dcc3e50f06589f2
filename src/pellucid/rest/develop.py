"""Development mode: a table that is not there is made from the JSON that was sent, and grows with it.

Such a table has row level security on and one policy, `OPEN_POLICY`, that lets everybody in. The policy is the mark: replace it with
your own and the table stops growing by itself, which is how it is made ready for production.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from pellucid.database.catalog.model import Catalog, Table
from pellucid.database.change import Change
from pellucid.database.core import Database
from pellucid.database.opening import Beginning
from pellucid.database.transaction import Transaction
from pellucid.errors import DatabaseError, Fault, InvalidFields, MalformedQuery, PellucidError
from pellucid.observe import Stage, observe
from pellucid.rest.aside import aside
from pellucid.rest.numbering import moved
from pellucid.rest.open_table import OPEN_POLICY, additions, creation, new_table, one_at_a_time, wider
from pellucid.rest.request import RestRequest

T = TypeVar("T")
_NAME = re.compile(r"[^\W\d]\w*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TEXTS: Sequence[tuple[re.Pattern[str], Callable[[str], object], str]] = (
    (_UUID, UUID, "uuid"),
    (_DATE, date.fromisoformat, "date"),
    (_TIMESTAMP, datetime.fromisoformat, "timestamptz"),
)
_THERE_ALREADY = frozenset({"42P07", "42701", "23505"})
"""duplicate_table, duplicate_column and unique_violation: what a change that lost a race ends with."""
_TRIES = 3
MAX_TABLES = 1000
"""How many tables development makes in one database."""
MAX_COLUMNS = 500
"""How many columns a table made in development has at most."""
RESERVED_TABLES = frozenset({"rpc", "console", "batch"})
"""Names that are, or will be, the addresses of something else."""
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Every table has these already (PostgreSQL, 5.6)."""
_NUMBERS = ("bigint", "numeric", "double precision")


class Ground(Struct, frozen=True):
    """On what a request is judged: the catalog with all that it needs, and the change that makes what is not there yet."""

    catalog: Catalog
    change: Change | None = None


class Overtaken(Exception):
    """Somebody else made the same at the same moment. ``fault`` is what PostgreSQL said."""

    def __init__(self, fault: DatabaseError) -> None:
        super().__init__(fault)
        self.fault = fault


class Grower:
    """Makes what a write needs, one change at a time.

    ``claimed`` are paths that the application answers itself: a POST that it does not take is a mistake, not a wish for a table.
    """

    def __init__(self, database: Database, claimed: frozenset[str] = frozenset()) -> None:
        self._database = database
        self._claimed = claimed
        self._turn = asyncio.Lock()

    async def serve(self, asked: RestRequest, work: Callable[[Ground], Awaitable[T]]) -> T:
        """Do a request's work on the ground that it needs.

        Only a native write makes anything. The work judges the request against the tables and columns as they will be, and makes them in
        the transaction of the write itself (`changing`): what is refused, or rolled back, leaves nothing behind. A read that misses its
        table, and a call that misses its function, look at the database once more, since they may have been made a moment ago.

        Raises:
            InvalidFields, MalformedQuery: a name cannot be a table's or a column's, or there are too many of them.
        """
        catalog = self._database.catalog
        if not await aside(_size(asked), _lacks, catalog, asked):
            return await work(await aside(_size(asked), _standing, asked, catalog))
        for tries in range(_TRIES, 0, -1):
            async with self._turn:
                ground = await self._ground(asked)
                if ground.change is not None and ground.change.what:
                    try:
                        return await self._grown(ground, ground.change, work)
                    except Overtaken as overtaken:
                        if tries == 1:
                            raise overtaken.fault from overtaken
                        continue
            break
        return await work(ground)

    async def _grown(self, ground: Ground, change: Change, work: Callable[[Ground], Awaitable[T]]) -> T:
        """Whoever asks next finds in the catalog what was made."""
        answer = await work(ground)
        # All is done. If this look fails, the catalog looks again by itself.
        with suppress(PellucidError), observe(Stage.VALIDATE, made=change.what):
            await self._database.refresh()
        return answer

    async def _ground(self, asked: RestRequest) -> Ground:
        """Other workers may be at the same table: whoever comes second looks again at what there is by then."""
        with observe(Stage.VALIDATE) as span:
            catalog = await self._database.refresh()
            ground = await aside(_size(asked), self._needed, asked, catalog)
            if ground.change is not None and ground.change.what:
                span.note(made=ground.change.what)
        return ground

    def _needed(self, asked: RestRequest, catalog: Catalog) -> Ground:
        grows = _lacks(catalog, asked) and self._may_grow(asked, catalog)
        return growth(asked, catalog) if grows else _standing(asked, catalog)

    def _may_grow(self, asked: RestRequest, catalog: Catalog) -> bool:
        """Any write may add columns; only a POST makes a table, for it alone brings a row that has no address yet."""
        if not asked.profile.grows or asked.reads or asked.call or asked.root:
            return False
        return asked.name in catalog.tables or (
            asked.method == "POST" and asked.key is None and asked.table not in self._claimed
        )


@asynccontextmanager
async def changing(
    database: Database, beginning: Beginning, change: Change, *, within: bool
) -> AsyncIterator[Transaction]:
    """A transaction in which the change has been made: ``within`` it, or in one of its own before.

    Raises:
        Overtaken: somebody else made the same at the same moment.
    """
    async with AsyncExitStack() as stack:
        try:
            if not within:
                await database.change_first(change)
            begun = database.change(beginning, change) if within else database.begin(beginning)
            transaction = await stack.enter_async_context(begun)
        except DatabaseError as fault:
            if change.what and fault.sqlstate in _THERE_ALREADY:
                raise Overtaken(fault) from fault
            raise
        yield transaction


def _lacks(catalog: Catalog, asked: RestRequest) -> bool:
    if asked.call or asked.root:
        return asked.call and asked.name not in catalog.functions
    table = catalog.tables.get(asked.name)
    if table is None:
        return True
    return OPEN_POLICY in table.policies and bool(_new_keys(table, _rows(asked)))


def _made(asked: RestRequest, catalog: Catalog) -> str:
    name = ".".join(asked.name)
    return f"columns of {name}" if asked.name in catalog.tables else f"the table {name}"


def _size(asked: RestRequest) -> int:
    return len(asked.payload.raw) if asked.payload else 0


def growth(asked: RestRequest, catalog: Catalog) -> Ground:
    """What there is to be made for a request, and the catalog as it will be.

    Raises:
        InvalidFields, MalformedQuery: a name cannot be a table's or a column's, or there are too many of them.
    """
    _check_room(asked, catalog)
    table, rows = catalog.tables.get(asked.name), _rows(asked)
    if table is None:
        _check_names([asked.table], "table")
    kinds = _columns(rows, _keys(rows) if table is None else _new_keys(table, rows))
    made = new_table(asked.name, kinds) if table is None else wider(table, kinds)
    ddl = creation(asked.name, kinds) if table is None else additions(asked.name, kinds)
    change = Change((one_at_a_time(asked.name), *ddl, *_moved(asked, made)), _made(asked, catalog))
    return Ground(replace(catalog, tables={**catalog.tables, asked.name: made}), change)


def _standing(asked: RestRequest, catalog: Catalog) -> Ground:
    """Where nothing is to be made. Whoever brings keys of its own into a table made in development moves the numbering on."""
    table = catalog.tables.get(asked.name)
    moves = _moved(asked, table) if table is not None and OPEN_POLICY in table.policies else ()
    return Ground(catalog, Change(moves) if moves else None)


def _moved(asked: RestRequest, table: Table) -> tuple[str, ...]:
    return tuple(moved(table, _rows(asked))) if asked.profile.grows and asked.method == "POST" else ()


def _columns(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, str]:
    _check_names(keys, "column")
    return {key: infer(row[key] for row in rows if key in row) for key in keys}


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in rows for key in row))


def _new_keys(table: Table, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [key for key in _keys(rows) if key not in table.columns]


def _rows(asked: RestRequest) -> Sequence[Mapping[str, Any]]:
    """The rows of the body, without what the request does not mean to write."""
    rows = asked.payload.rows if asked.payload is not None else ()
    if asked.query.columns is None:
        return rows
    wanted = frozenset(asked.query.columns)
    return [{key: value for key, value in row.items() if key in wanted} for row in rows]


def _check_room(asked: RestRequest, catalog: Catalog) -> None:
    """Keep a client from filling the database with tables and columns."""
    table = catalog.tables.get(asked.name)
    rows = _rows(asked)
    columns = len(_keys(rows)) if table is None else len(table.columns) + len(_new_keys(table, rows))
    if columns > MAX_COLUMNS:
        raise MalformedQuery(
            f"The table {asked.table} would have {columns} columns.",
            hint=f"Development makes at most {MAX_COLUMNS}; put the rest into one JSON object, or write CREATE TABLE yourself.",
        )
    made = sum(OPEN_POLICY in each.policies for each in catalog.tables.values())
    if table is None and made >= MAX_TABLES:
        raise MalformedQuery(
            f"{made} tables have been made in development, and no more are.",
            hint="Drop those that nobody needs, or write CREATE TABLE yourself.",
        )


_RULE = "A name has letters, digits and underscores, does not begin with a digit, and is at most 63 bytes long."


def _check_names(names: Iterable[str], what: str) -> None:
    taken = RESERVED_TABLES if what == "table" else _SYSTEM_COLUMNS
    bad = [name for name in names if name in taken or not _NAME.fullmatch(name) or len(name.encode()) > 63]
    if not bad:
        return
    rules = [f"{name} is taken; choose another name." if name in taken else _RULE for name in bad]
    if what == "table":
        raise MalformedQuery(f"No table can be made with the name {bad[0][:80]!r}.", hint=rules[0])
    raise InvalidFields(
        "Some keys cannot become columns.",
        faults=tuple(
            Fault(name[:80], "This cannot be a column's name.", rule) for name, rule in zip(bad, rules, strict=True)
        )[:MAX_COLUMNS],
    )


def infer(values: Iterable[Any]) -> str:
    """The SQL type that holds all of these JSON values. Nulls say nothing; what does not fit together is text, or JSONB."""
    kinds = {_kind(value) for value in values if value is not None}
    match sorted(kinds):
        case []:
            return "text"
        case [kind]:
            return kind
        case _ if kinds <= set(_NUMBERS):
            return "numeric" if "numeric" in kinds else "double precision"
        case _ if kinds == {"date", "timestamptz"}:
            return "timestamptz"
        case _ if kinds & {"jsonb", "boolean", *_NUMBERS}:
            return "jsonb"
        case _:
            return "text"


def _kind(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "bigint" if -(2**63) <= value < 2**63 else "numeric"
        case float():
            return "double precision"
        case str():
            return _kind_of_text(value)
        case _:
            return "jsonb"


def _kind_of_text(text: str) -> str:
    """Text that says a date, a time or a UUID is one, if it is a real one (``2026-02-31`` is not)."""
    for pattern, read, kind in _TEXTS:
        if pattern.fullmatch(text):
            try:
                read(text)
            except ValueError:
                return "text"
            return kind
    return "text"
