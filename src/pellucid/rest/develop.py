"""Development mode: a table that is not there is made from the JSON that was sent, and grows with it.

Such a table has row level security on and one policy, `OPEN_POLICY`, that lets everybody in. The policy is the mark: replace it with
your own and the table stops growing by itself, which is how it is made ready for production.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pellucid.database.catalog.model import Catalog, Table, TableName
from pellucid.database.core import Database
from pellucid.errors import DatabaseError, Fault, InvalidFields, MalformedQuery
from pellucid.observe import Stage, remark
from pellucid.rest.aside import aside
from pellucid.rest.compile.writer import identifier, relation
from pellucid.rest.plan.build import check_meaning
from pellucid.rest.request import RestRequest

OPEN_POLICY = "development: everybody may do everything"
_NAME = re.compile(r"[^\W\d]\w*")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}(:?\d{2})?)?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TEXTS: Sequence[tuple[re.Pattern[str], Callable[[str], object], str]] = (
    (_UUID, UUID, "uuid"),
    (_DATE, date.fromisoformat, "date"),
    (_TIMESTAMP, datetime.fromisoformat, "timestamptz"),
)
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('pellucid: growth', 0))"
_THERE_ALREADY = frozenset({"42P07", "42701", "23505"})
"""duplicate_table, duplicate_column and unique_violation: what a statement that lost a race ends with."""
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


class Grower:
    """Makes what a write needs, one change at a time.

    ``claimed`` are paths that the application answers itself: a POST that it does not take is a mistake, not a wish for a table.
    """

    def __init__(self, database: Database, claimed: frozenset[str] = frozenset()) -> None:
        self._database = database
        self._claimed = claimed
        self._turn = asyncio.Lock()

    async def catalog_for(self, asked: RestRequest) -> Catalog:
        """The catalog in which this request's table and columns are, made where they are not.

        Only a native write makes anything. A read that misses its table, and a call that misses its function, look at the database once
        more, since they may have been made a moment ago.

        Raises:
            InvalidFields, MalformedQuery: a name cannot be a table's or a column's, or there are too many of them.
        """
        if not await aside(_size(asked), _lacks, self._database.catalog, asked):
            return self._database.catalog
        async with self._turn:
            return await self._grown(asked)

    async def _grown(self, asked: RestRequest) -> Catalog:
        """Other workers may be at the same table: whoever comes second looks again at what there is by then."""
        for _ in range(_TRIES):
            catalog = await self._database.refresh()
            if not await aside(_size(asked), _lacks, catalog, asked) or not self._may_grow(asked, catalog):
                return catalog
            ddl = await aside(_size(asked), _growth, asked, catalog)
            try:
                await self._database.administer([_ONE_AT_A_TIME, *ddl])
                remark(Stage.VALIDATE, made=_made(asked, catalog))
            except DatabaseError as fault:
                if fault.sqlstate not in _THERE_ALREADY:
                    raise
        return await self._database.refresh()

    def _may_grow(self, asked: RestRequest, catalog: Catalog) -> bool:
        """Any write may add columns; only a POST makes a table, for it alone brings a row that has no address yet."""
        if not asked.profile.grows or asked.reads or asked.call or asked.root:
            return False
        return asked.name in catalog.tables or (
            asked.method == "POST" and asked.key is None and asked.table not in self._claimed
        )


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


def _growth(asked: RestRequest, catalog: Catalog) -> Sequence[str]:
    check_meaning(asked)  # what is refused leaves nothing behind
    _check_room(asked, catalog)
    return statements(asked, catalog.tables.get(asked.name))


def statements(asked: RestRequest, table: Table | None) -> Sequence[str]:
    """The DDL that gives this request its table or its columns."""
    rows = _rows(asked)
    if table is None:
        _check_names([asked.table], "table")
        return _creation(asked.name, _columns(rows, _keys(rows)))
    added = _columns(rows, _new_keys(table, rows))
    return [
        f"ALTER TABLE {relation(asked.name)} ADD COLUMN IF NOT EXISTS {identifier(key)} {kind}"
        for key, kind in added.items()
    ]


def _creation(name: TableName, columns: Mapping[str, str]) -> list[str]:
    table = relation(name)
    key = columns.get("id", "bigint")
    identity = (
        " DEFAULT pellucid.uuid_v7()"
        if key == "uuid"
        else " GENERATED BY DEFAULT AS IDENTITY"
        if key == "bigint"
        else ""
    )
    listed = [
        f"id {key}{identity} PRIMARY KEY",
        *(f"{identifier(name)} {kind}" for name, kind in columns.items() if name != "id"),
    ]
    if "created_at" not in columns:
        listed.append("created_at timestamptz NOT NULL DEFAULT now()")
    policy = identifier(OPEN_POLICY)
    return [
        f"CREATE TABLE {table} ({', '.join(listed)})",
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY {policy} ON {table} USING (true) WITH CHECK (true)",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO anon, authenticated, service_role",
    ]


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
