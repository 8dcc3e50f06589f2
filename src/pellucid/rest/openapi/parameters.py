"""Parameters: those that every table has, and the filters of each column."""

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.database.catalog.model import Column, Table
from pellucid.rest.grammar.query import filter_key
from pellucid.rest.openapi.names import Components, placeholder, plain
from pellucid.rest.openapi.values import in_query

Json = dict[str, Any]


_TEXT: Json = {"type": "string"}
_WHOLE: Json = {"type": "integer", "minimum": 0}


def _parameter(name: str, description: str, place: str = "query", schema: Json = _TEXT) -> Json:
    return {"name": name, "in": place, "description": description, "schema": schema}


_EVERY_WRITE = (
    "`return=minimal` answers without rows, `return=headers-only` with headers alone; `missing=null` and `missing=default` say what a key"
    " means that only some rows have; `max-affected=10` refuses to touch more rows; `timezone=Europe/Paris` shows"
    " times of that place; `handling=strict` refuses preferences that nobody knows."
)
SHARED: Json = {
    "select": _parameter(
        "select",
        "What to answer: columns, renamed and cast (`id,full:name,age::text`), parts of JSON (`meta->>colour`), related tables"
        " (`*,city(name)`, `*,...city(country)`), rows taken together (`city,age.avg()`). The schema shows what comes without it.",
    ),
    "order": _parameter("order", "Order, such as `age.desc,name.asc.nullslast`, or by a related row: `city(name).asc`."),
    "limit": _parameter("limit", "How many rows at most.", schema=_WHOLE),
    "offset": _parameter("offset", "How many rows to skip.", schema=_WHOLE),
    "and": _parameter("and", "Conditions that must all hold: `(age.gte.18,or(name.like.A*,name.is.null))`."),
    "or": _parameter("or", "Conditions of which one must hold: `(age.lt.18,age.gt.65)`. `not.or` and `not.and` turn them round."),
    "columns": _parameter("columns", "The only keys of the body that count, such as `name,age`."),
    "on_conflict": _parameter(
        "on_conflict", "The unique columns that tell which row is there already; the primary key by default."
    ),
    "range": _parameter(
        "Range", "The first and the last row, counted from 0: `0-9`.", "header", {"type": "string", "pattern": "^[0-9]+-[0-9]*$"}
    ),
    "preferRead": _parameter(
        "Prefer",
        "`count=exact`, `count=planned` or `count=estimated` tells the number of all rows in Content-Range; `timezone=Europe/Paris` shows"
        " times of that place; `handling=strict` refuses preferences that nobody knows.",
        "header",
    ),
    "preferWrite": _parameter("Prefer", _EVERY_WRITE, "header"),
    "preferInsert": _parameter(
        "Prefer",
        "`resolution=merge-duplicates` changes rows that are there already, `resolution=ignore-duplicates` passes over them; "
        + _EVERY_WRITE,
        "header",
    ),
}  # fmt: skip


def shared(*names: str) -> list[Json]:
    """References to parameters that many operations have."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


PAGES = shared("select", "order", "limit", "offset", "or", "and")
READ = (*PAGES, *shared("range", "preferRead"))
READ_ONE = shared("select", "preferRead")
INSERT = shared("select", "order", "columns", "on_conflict", "preferInsert")
CHANGE = shared("select", "order", "columns", "preferWrite")
REPLACE = shared("select", "preferWrite")
DELETE = shared("select", "order", "preferWrite")


def filters(table: Table, components: Components) -> list[Json]:
    """A filter for each column, computed ones too. Columns that are alike share one."""
    columns = (*table.columns.values(), *table.computed.values())
    return [components.parameter(f"{plain(column.name)}.{plain(column.base)}", _filter(column)) for column in columns]


def keys(table: Table, components: Components) -> list[Json]:
    """The parts of the primary key, which the path holds."""
    return [_key(table.columns[name], components) for name in table.primary_key]


def _key(column: Column, components: Components) -> Json:
    parameter = {
        "name": placeholder(column.name),
        "in": "path",
        "required": True,
        "description": f"The row's {column.name} ({column.type}).",
        "schema": in_query(column),
    }
    return components.parameter(f"key.{plain(column.name)}.{plain(column.base)}", parameter)


def _filter(column: Column) -> Json:
    operators, example = _operators(column)
    text = (
        f"{column.name} ({column.type}): a value, or {' '.join(f'`{each}`' for each in operators)} with a dot and a value, such as"
        f" `{example}`; `not.` before it turns it round."
    )
    return _parameter(filter_key(column.name), f"{text} {column.comment}" if column.comment else text)


_ANY = ("eq", "neq", "in", "is", "isdistinct")
_ORDERED = ("eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "isdistinct")
_SEARCH = ("fts", "plfts", "phfts", "wfts")
_SETS = ("cs", "cd", "ov")
_PATTERNS = ("like", "ilike", "match", "imatch")


_NUMBER, _DAY, _WORD = (
    (_ORDERED, "gte.18"),
    (_ORDERED, "gte.2026-01-01"),
    ((*_ORDERED, *_PATTERNS, *_SEARCH), "like.A*"),
)
_OPERATORS: Mapping[str, tuple[Sequence[str], str]] = {
    **dict.fromkeys(("int2", "int4", "int8", "numeric", "float4", "float8"), _NUMBER),
    **dict.fromkeys(("date", "timestamp", "timestamptz"), _DAY),
    **dict.fromkeys(("text", "varchar", "bpchar", "citext"), _WORD),
    **dict.fromkeys(("json", "jsonb"), ((*_ANY, "cs", "cd"), 'cs.{"a":1}')),
    "bool": (_ANY, "is.true"),
    "tsvector": ((*_SEARCH, "is"), "fts.word"),
}
"""The operators that make sense for a type, and an example."""


def _operators(column: Column) -> tuple[Sequence[str], str]:
    if column.array:
        return (*_ANY, *_SETS), "cs.{a,b}"
    if column.base.endswith("range"):
        return (*_ANY, *_SETS, "sl", "sr", "nxl", "nxr", "adj"), "cs.5"
    return _OPERATORS.get(column.base, (_ORDERED, f"eq.{column.enum[0]}" if column.enum else "not.is.null"))
