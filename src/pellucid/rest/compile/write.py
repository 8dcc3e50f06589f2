"""Inserts, updates and deletes. What is written hands on the columns that its answer needs, and no others, so that column grants hold."""

from collections.abc import Sequence, Set

from msgspec import Struct
from msgspec.structs import replace

from pellucid.database.catalog.model import Column, Table
from pellucid.rest.compile.conditions import where
from pellucid.rest.compile.writer import Parameters, identifier, relation
from pellucid.rest.plan.model import Delete, Group, Insert, OnConflict, Operand, Read, Sort, Update
from pellucid.rest.plan.read import needed

_REPLACED = "coalesce(nullif(current_setting('pellucid.replaced', true), ''), '0')::int8"
"""How many rows this transaction has replaced. A setting counts them, for no column that ``RETURNING`` may read tells an inserted row
from a replaced one in every kind of table, and to every role (PostgreSQL 18 has ``OLD`` for it)."""


class Written(Struct, frozen=True):
    """A write as common table expressions, of which the last is ``w``: the rows written, in the order of the body.

    ``key`` writes the primary key of one of them, where it is to be told. ``place`` is the column of ``w`` that keeps this order through
    joins, where there are any.
    """

    ctes: str
    key: str | None = None
    replaced: str = "0::int8"
    place: Column | None = None

    def in_order(self, answer: Read) -> Read:
        """The same read, with its rows in the order in which they were written unless it says otherwise."""
        if self.place is None:
            return answer
        return replace(answer, order=(*answer.order, Sort(Operand(self.place), descending=False, nulls_first=None)))


def insert(plan: Insert, parameters: Parameters) -> Written:
    """New rows."""
    columns = _wanted(plan.answer, plan.table if plan.located else None)
    key = _key(plan.table) if plan.located else None
    if not plan.groups:
        nothing = f"INSERT INTO {relation(plan.table.name)} AS t SELECT WHERE false RETURNING {handed_on(columns, 't')}"
        return Written(f"w AS ({nothing})", key)
    rows = parameters.bind(plan.rows, "json")
    sources = [
        f"{_insertion(plan, each, rows, parameters)} RETURNING {handed_on(columns, 't')}" for each in plan.groups
    ]
    replaced = _REPLACED if plan.conflict is OnConflict.MERGE else "0::int8"
    joined = plan.answer is not None and bool(plan.answer.embeds) and not plan.answer.grouped
    if len(sources) == 1 and not joined:
        return Written(f"w AS ({sources[0]})", key, replaced)
    place = Column(_unlike("place", {column.name for column in columns}), "bigint", "int8", cast="pg_catalog.int8")
    ctes = [f"w{number} AS ({source})" for number, source in enumerate(sources)]
    ctes.append(f"w AS ({_in_place(plan.groups, place, parameters)})")
    return Written(", ".join(ctes), key, replaced, place if joined else None)


def update(plan: Update, parameters: Parameters) -> Written:
    """Changed rows."""
    table, returned = f"{relation(plan.table.name)} AS t", handed_on(_wanted(plan.answer), "t")
    sets = [f"{identifier(column.name)} = {_value(column)}" for column in plan.columns]
    sets += [f"{identifier(column.name)} = NULL" for column in plan.nulled]
    sets += [f"{identifier(column.name)} = DEFAULT" for column in plan.defaulted]
    if not sets:
        return Written(f"w AS (SELECT {returned} FROM {table} WHERE false)")
    body = ""
    if plan.columns:
        rows = f"json_to_recordset({parameters.bind(plan.row, 'json')}) AS b({_types(plan.columns)})"
        body = f" FROM (SELECT * FROM {rows} LIMIT 1) AS b"
    change = f"UPDATE {table} SET {', '.join(sets)}{body}{where(plan.where, parameters)}"
    return Written(f"w AS ({change} RETURNING {returned})")


def delete(plan: Delete, parameters: Parameters) -> Written:
    """Removed rows."""
    removal = f"DELETE FROM {relation(plan.table.name)} AS t{where(plan.where, parameters)}"
    return Written(f"w AS ({removal} RETURNING {handed_on(_wanted(plan.answer), 't')})")


# -- what is handed on ------------------------------------------------------------------------------------------------


def handed_on(columns: Sequence[Column], alias: str) -> str:
    """The columns of rows ``alias`` as the list of a SELECT or RETURNING; something in any case."""
    return ", ".join(f"{alias}.{identifier(column.name)}" for column in columns) or "1 AS one"


def _wanted(answer: Read | None, keyed: Table | None = None) -> tuple[Column, ...]:
    """The columns that the answer reads, and the key where it is told."""
    columns = needed(answer) if answer else ()
    keys = tuple(keyed.columns[name] for name in keyed.primary_key) if keyed else ()
    return tuple(dict.fromkeys(columns + keys))


def _key(table: Table) -> str:
    """The key of a row of ``w``, each part as JSON writes it."""
    parts = ", ".join(f"to_json(w.{identifier(name)}) #>> '{{}}'" for name in table.primary_key)
    return f"json_build_array({parts})::text"


def _in_place(groups: Sequence[Group], place: Column, parameters: Parameters) -> str:
    """The rows of all groups with their places in the body: rows come back in the order in which they were written."""
    name = identifier(place.name)
    if len(groups) == 1:
        return f"SELECT t.*, row_number() OVER () AS {name} FROM w0 AS t"
    placed = " UNION ALL ".join(
        f"SELECT t.*, ({_places(group, parameters)})[row_number() OVER ()] AS {name} FROM w{number} AS t"
        for number, group in enumerate(groups)
    )
    return f"SELECT t.* FROM ({placed}) AS t ORDER BY t.{name}"


def _unlike(name: str, names: Set[str]) -> str:
    """A name that none of these is."""
    while name in names:
        name += "_"
    return name


def _places(group: Group, parameters: Parameters) -> str:
    """Positions in the body, counted from 1. A text, for the driver has to ask the database what some arrays are."""
    return parameters.bind(f"{{{','.join(str(place + 1) for place in group.places or ())}}}", "text") + "::int8[]"


# -- the rows of a body -----------------------------------------------------------------------------------------------


def _insertion(plan: Insert, group: Group, rows: str, parameters: Parameters) -> str:
    into = f"INSERT INTO {relation(plan.table.name)} AS t "
    return into + _values(plan, group, rows, parameters) + _on_conflict(plan, group)


def _values(plan: Insert, group: Group, rows: str, parameters: Parameters) -> str:
    """The rows of one group. A row that fills no column takes every default."""
    names = ", ".join(identifier(column.name) for column in group.columns)
    values = ", ".join(_value(column) for column in group.columns)
    if group.places is None and group.columns:
        source = f"json_to_recordset({rows}) AS b({_types(group.columns)})"
        if plan.where:
            named = ", ".join(f"{_value(column)} AS {identifier(column.name)}" for column in group.columns)
            return f"({names}) SELECT t.* FROM (SELECT {named} FROM {source}) AS t{where(plan.where, parameters)}"
        return f"({names}) SELECT {values} FROM {source}"
    elements = f"json_array_elements({rows}) WITH ORDINALITY AS e(element, place)"
    places = "" if group.places is None else f" WHERE e.place = ANY ({_places(group, parameters)})"
    if not group.columns:
        return f"SELECT FROM {elements}{places}"
    record = f"json_to_record(e.element) AS b({_types(group.columns)})"
    return f"({names}) SELECT {values} FROM {elements}, {record}{places} ORDER BY e.place"


def _types(columns: Sequence[Column]) -> str:
    """What PostgreSQL reads each key of a row as. It judges a length when it stores the value."""
    return ", ".join(f"{identifier(column.name)} {'json' if _reader(column) else column.cast}" for column in columns)


def _value(column: Column) -> str:
    reader = _reader(column)
    return f"{reader}(b.{identifier(column.name)})" if reader else f"b.{identifier(column.name)}"


def _reader(column: Column) -> str | None:
    """The function that makes the column's domain of JSON."""
    if column.representation is None or column.representation.from_json is None:
        return None
    return relation(column.representation.from_json)


def _on_conflict(plan: Insert, group: Group) -> str:
    if plan.conflict is None:
        return ""
    target = ", ".join(identifier(name) for name in plan.target)
    if plan.conflict is OnConflict.IGNORE or not group.columns:
        return f" ON CONFLICT ({target}) DO NOTHING"
    columns = dict.fromkeys(column.name for column in (*group.columns, *plan.reset))
    changed = [identifier(name) for name in columns if name not in plan.target]
    # A row that is only its key changes nothing, and is still answered.
    sets = changed or [identifier(plan.target[0])]
    merged = ", ".join(f"{name} = EXCLUDED.{name}" for name in sets)
    counted = f"set_config('pellucid.replaced', ({_REPLACED} + 1)::text, true) <> ''"
    return f" ON CONFLICT ({target}) DO UPDATE SET {merged} WHERE {counted}"
