"""Functions that can be called, from the rows of ``pg_proc``."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from msgspec.structs import replace

from pellucid.database.catalog.columns import Columns
from pellucid.database.catalog.found import Found, Row
from pellucid.database.catalog.media import media_type
from pellucid.database.catalog.model import Column, Function, Parameter, Privilege, Table, TableName
from pellucid.database.catalog.rights import Rights
from pellucid.database.catalog.tables import by_table
from pellucid.database.catalog.types import Types

Volatility = Literal["immutable", "stable", "volatile"]
VOLATILITY: Mapping[str, Volatility] = {"i": "immutable", "s": "stable", "v": "volatile"}
INPUT = ("i", "b", "v")
"""The modes of parameters that a caller gives: IN, INOUT, VARIADIC."""
OUTPUT = ("o", "b", "t")
"""The modes of parameters that come back: OUT, INOUT, TABLE."""
WHOLE = ("bytea", "json", "jsonb", "text", "xml")
"""The types of which one parameter without a name takes the whole body."""


class Functions:
    """The functions of the exposed schemas."""

    def __init__(
        self, found: Found, rights: Rights, types: Types, columns: Columns, tables: Mapping[int, Table]
    ) -> None:
        """Prepare it.

        Args:
            found: what was found.
            rights: who may do what.
            types: all types.
            columns: makes the columns of what functions answer with.
            tables: the exposed tables by oid.
        """
        self._rows = found.functions
        self._rights = rights
        self._types = types
        self._columns = columns
        self._tables = tables
        self._composites = by_table(found.rows)
        self._readers = MappingProxyType(dict.fromkeys(rights.roles, frozenset({Privilege.SELECT})))

    def build(self) -> dict[TableName, tuple[Function, ...]]:
        """All by name, the overloaded ones together, those with fewer parameters first."""
        functions: dict[TableName, list[Function]] = defaultdict(list)
        for row in self._rows:
            name = TableName(row["schema_name"], row["name"])
            if row["exposed"] and _callable(parameters := self._parameters(row)):
                functions[name].append(self._function(name, row, parameters))
        return {name: tuple(sorted(overloaded, key=_order)) for name, overloaded in functions.items()}

    def _function(self, name: TableName, row: Row, parameters: tuple[Parameter, ...]) -> Function:
        result = self._result(name, row)
        return Function(
            name=name,
            parameters=parameters,
            returns=self._types.declared(row["result"]),
            returns_set=row["returns_set"],
            returns_table=result.name if result and result.kind != "composite" else None,
            volatility=VOLATILITY[row["volatility"]],
            executable_by=self._rights.on_function(row["schema"], row["acl"]),
            comment=row["comment"],
            result=result,
            media=self._media(row),
            settings=tuple(_setting(pair) for pair in row["settings"] or ()),
        )

    def _parameters(self, row: Row) -> tuple[Parameter, ...]:
        """The input parameters. Defaults belong to the last ones (PostgreSQL, CREATE FUNCTION)."""
        given = [each for each in _declared(row) if each[2] in INPUT]
        required = len(given) - row["defaults"]
        return tuple(
            Parameter(
                name=name,
                type=self._types.declared(type_),
                required=place < required,
                variadic=mode == "v",
                cast=self._types.resolve(type_, -1).cast,
            )
            for place, (name, type_, mode) in enumerate(given)
        )

    def _result(self, name: TableName, row: Row) -> Table | None:
        """What the rows look like that it answers with; one OUT parameter alone makes a row as well."""
        answered = [(name_, type_) for name_, type_, mode in _declared(row) if mode in OUTPUT]
        if answered:
            names = _answered_names(name, [name_ for name_, _ in answered])
            pairs = zip(names, answered, strict=True)
            return self._composite(name, {each: self._columns.made(each, type_) for each, (_, type_) in pairs})
        under = self._types.row(row["result"])
        if under is None:
            return None
        if (table := self._tables.get(under["relation"])) is not None:
            return table
        columns = map(self._columns.stored, self._composites[under["relation"]])
        plain = {column.name: replace(column, representation=None) for column in columns}
        return self._composite(TableName(under["schema"], under["relation_name"]), plain)

    def _composite(self, name: TableName, columns: Mapping[str, Column]) -> Table:
        return Table(name, "composite", MappingProxyType(dict(columns)), privileges=self._readers)

    def _media(self, row: Row) -> str | None:
        plain = row["returns_set"] or not self._types.is_domain(row["result"])
        return None if plain else media_type(self._types.named(row["result"]))


def _declared(row: Row) -> Iterator[tuple[str, int, str]]:
    """All parameters: name, type and mode."""
    types = row["types"]
    modes = row["modes"] or ["i"] * len(types)
    names = row["names"] or [""] * len(types)
    return zip(names, types, modes, strict=True)


def _answered_names(function: TableName, names: list[str]) -> list[str]:
    """PostgreSQL's own names for parameters that have none."""
    if len(names) == 1:
        return [names[0] or function.name]
    return [name or f"column{place}" for place, name in enumerate(names, start=1)]


def _callable(parameters: tuple[Parameter, ...]) -> bool:
    """Whether a request can give it what it takes: every parameter by its name, or the only one as the body."""
    nameless = sum(not parameter.name for parameter in parameters)
    return nameless == 0 or (nameless == 1 and parameters[0].type in WHOLE)


def _setting(pair: str) -> tuple[str, str]:
    name, _, value = pair.partition("=")
    return name, value


def _order(function: Function) -> tuple[object, ...]:
    parameters = [(each.name, each.type, each.required, each.variadic) for each in function.parameters]
    return len(parameters), function.comment or "", parameters
