"""Functions, from the rows of ``pg_proc``."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from pellucid.database.catalog.found import Found, Row
from pellucid.database.catalog.model import Function, Parameter, TableName
from pellucid.database.catalog.rights import Rights

Volatility = Literal["immutable", "stable", "volatile"]
VOLATILITY: Mapping[str, Volatility] = {"i": "immutable", "s": "stable", "v": "volatile"}
INPUT = ("i", "b", "v")
"""The modes of parameters that a caller gives: IN, INOUT, VARIADIC."""


def build_functions(found: Found, rights: Rights) -> dict[TableName, tuple[Function, ...]]:
    """All functions by name, the overloaded ones together."""
    schemas = {row["oid"]: row["name"] for row in found.schemas}
    functions: dict[TableName, list[Function]] = defaultdict(list)
    for row in found.functions:
        name = TableName(schemas[row["schema"]], row["name"])
        functions[name].append(_function(name, row, rights.on_function(row["schema"], row["acl"])))
    return {name: tuple(overloaded) for name, overloaded in functions.items()}


def _function(name: TableName, row: Row, executable_by: frozenset[str]) -> Function:
    return Function(
        name=name,
        parameters=_parameters(row),
        returns=row["returns"],
        returns_set=row["returns_set"],
        returns_table=TableName(row["table_schema"], row["table"]) if row["table"] else None,
        volatility=VOLATILITY[row["volatility"]],
        executable_by=executable_by,
        comment=row["comment"],
    )


def _parameters(row: Row) -> tuple[Parameter, ...]:
    """The input parameters. Defaults belong to the last ones (PostgreSQL, CREATE FUNCTION)."""
    types = row["types"]
    modes = row["modes"] or ["i"] * len(types)
    names = row["names"] or [""] * len(types)
    given = [(name, kind, mode) for name, kind, mode in zip(names, types, modes, strict=True) if mode in INPUT]
    required = len(given) - row["defaults"]
    return tuple(
        Parameter(name, kind, required=place < required, variadic=mode == "v")
        for place, (name, kind, mode) in enumerate(given)
    )
