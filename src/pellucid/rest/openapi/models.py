"""The schemas of a table: a row as it is answered, a new row, a change of one, and a row that replaces another."""

from collections.abc import Callable, Mapping
from typing import Any

from pellucid.database.catalog.model import Catalog, Column, Fill, Relationship, Table, TableName
from pellucid.rest.openapi.names import Components, plain, schema_of
from pellucid.rest.openapi.values import answered, default, given, sample

Json = dict[str, Any]

_PARTS = {"insert": "new", "update": "change", "put": "replacement"}
"""How the schemas of what is sent are told from that of a row, where titles stand in a list."""


class Models:
    """Describes tables as far as one role sees them. A table is described when it is first asked for."""

    def __init__(self, catalog: Catalog, role: str, seen: Mapping[TableName, Table], components: Components) -> None:
        """Prepare it.

        Args:
            catalog: what the database holds.
            role: whose view this is.
            seen: the tables that this role may use.
            components: where the schemas go.
        """
        self._catalog = catalog
        self._role = role
        self._seen = seen
        self._components = components

    def row(self, table: Table) -> Json:
        """A row with the columns that the role may read."""
        name = f"{plain(table.name.name)}.row"
        if name not in self._components.schemas:
            readable = table.readable.get(self._role, table.columns)
            columns = [column for column in table.columns.values() if column.name in readable]
            self._components.schema(name, _row(columns, table.name.name, table.comment))
        return schema_of(name)

    def answer(self, table: Table) -> Json:
        """A row, and what else can be selected with it: related tables and computed columns."""
        name = f"{plain(table.name.name)}.answer"
        if name in self._components.schemas:
            return schema_of(name)
        row, more = self.row(table), self._selectable(table)
        title = f"{table.name.name} · with more"
        return self._components.schema(name, {"title": title, "allOf": [row], "properties": more}) if more else row

    def insert(self, table: Table) -> Json:
        """A new row."""
        return self._written(table, "insert", needs_value)

    def update(self, table: Table) -> Json:
        """A change of a row: any of its columns."""
        return self._written(table, "update", lambda _: False, minProperties=1)

    def put(self, table: Table) -> Json:
        """A row in the place of another: what it leaves out becomes null or keeps what the database gave it; the address has the key."""
        if not any(needs_value(table.columns[name]) for name in table.primary_key):
            return self.insert(table)
        return self._written(table, "put", lambda column: needs_value(column) and column.name not in table.primary_key)

    def _written(self, table: Table, part: str, required: Callable[[Column], bool], **limits: Any) -> Json:
        columns = [column for column in table.columns.values() if may_be_given(column)]
        needed = [column.name for column in columns if required(column)]
        filled = part == "insert"
        schema = {
            "title": f"{table.name.name} · {_PARTS[part]}",
            "type": "object",
            "properties": {column.name: _property(column, filled=filled) for column in columns},
            "additionalProperties": False,
            **limits,
        }
        name = f"{plain(table.name.name)}.{part}"
        return self._components.schema(name, schema | ({"required": needed} if needed else {}))

    def _selectable(self, table: Table) -> Json:
        related: dict[str, list[Json]] = {}
        for way in self._ways(table):
            schema = self._related(way)
            if schema not in related.setdefault(way.target.name, []):
                related[way.target.name].append(schema)
        more = {name: each[0] if len(each) == 1 else {"anyOf": each} for name, each in related.items()}
        more |= {name.name: schema for name, schema in self._computed_ways(table)}
        more |= {name: _described(answered(column), column) for name, column in table.computed.items()}
        return {name: schema for name, schema in more.items() if name not in table.columns}

    def _ways(self, table: Table) -> list[Relationship]:
        """The ways to tables that this role may use, which are embedded by the table's name; of a table to itself the one to many rows."""
        return [
            way
            for way in self._catalog.relationships.get(table.name, ())
            if way.function is None
            and not (way.reflexive and way.to_one)
            and way.target in self._seen
            and (way.junction is None or way.junction.table in self._seen)
        ]

    def _computed_ways(self, table: Table) -> list[tuple[TableName, Json]]:
        return [
            (way.function, self._related(way))
            for way in self._catalog.relationships.get(table.name, ())
            if way.function is not None and way.target in self._seen
        ]

    def _related(self, way: Relationship) -> Json:
        row = self.row(self._seen[way.target])
        return {"anyOf": [row, {"type": "null"}]} if way.to_one else {"type": "array", "items": row}


def may_be_given(column: Column) -> bool:
    """Whether a client may give this column a value."""
    return column.fill is not Fill.ALWAYS


def needs_value(column: Column) -> bool:
    """Whether a new row must give this column a value."""
    return not column.nullable and column.fill is Fill.NOTHING


def result(columns: Mapping[str, Column], name: str) -> Json:
    """The rows of a function that are no table's."""
    return _row(columns.values(), name, None)


def example(table: Table) -> Json:
    """A new row to begin with: what the database fills in by itself is left to it."""
    return {column.name: sample(column) for column in table.columns.values() if column.fill is Fill.NOTHING}


def _row(columns: Any, title: str, comment: str | None) -> Json:
    schema = {
        "title": title,
        "type": "object",
        "properties": {column.name: _described(answered(column), column) for column in columns},
        "required": [column.name for column in columns],
    }
    return schema | ({"description": comment} if comment else {})


def _property(column: Column, *, filled: bool) -> Json:
    schema = _described(given(column), column)
    return {**schema, **default(column)} if filled else schema


def _described(schema: Json, column: Column) -> Json:
    return {**schema, "description": column.comment} if column.comment else schema
