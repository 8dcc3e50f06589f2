"""Functions that take a row: computed columns, and computed relationships (PostgreSQL, 8.16.5)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from pellucid.database.catalog.columns import Columns
from pellucid.database.catalog.found import Row, Rows
from pellucid.database.catalog.model import Cardinality, Column, Relationship, TableName
from pellucid.database.catalog.types import Types

Named = Mapping[int, tuple[TableName, Mapping[int, str]]]


def computed_columns(
    functions: Rows, named: Named, path: Sequence[str], columns: Columns
) -> dict[int, Mapping[str, Column]]:
    """What functions make of a row of each table, by the table's oid and the function's name.

    Where several have the same name, that in the table's own schema wins, and then the first in the search path; a column wins over all.

    Args:
        functions: rows of ``pg_proc``.
        named: the exposed tables by oid: their names, and their columns' by number.
        path: the extra search path.
        columns: makes the columns.
    """
    candidates: dict[int, list[tuple[int, Row]]] = defaultdict(list)
    for function in functions:
        if function["row"] in named and not function["returns_set"]:
            schema, own = function["schema_name"], named[function["row"]][0].schema
            places = [place for place, name in enumerate((own, *path)) if name == schema]
            if places:
                candidates[function["row"]].append((places[0], function))
    return {oid: _columns(each, named[oid][1], columns) for oid, each in candidates.items()}


def _columns(candidates: list[tuple[int, Row]], own: Mapping[int, str], columns: Columns) -> Mapping[str, Column]:
    taken = set(own.values())
    made: dict[str, Column] = {}
    for _, row in sorted(candidates, key=lambda each: (each[0], each[1]["name"])):
        if row["name"] not in taken and row["name"] not in made:
            made[row["name"]] = columns.made(row["name"], row["result"], TableName(row["schema_name"], row["name"]))
    return MappingProxyType(made)


def computed_relationships(functions: Rows, named: Named, types: Types) -> Iterator[Relationship]:
    """Functions in a table's own schema that make rows of another one of a row of it."""
    for row in functions:
        under = types.row(row["result"]) if row["row"] in named and not types.is_domain(row["result"]) else None
        if under is not None and under["relation"] in named:
            origin, target = named[row["row"]][0], named[under["relation"]][0]
            if origin.schema == row["schema_name"]:
                cardinality = Cardinality.MANY_TO_ONE if row["single"] else Cardinality.ONE_TO_MANY
                yield Relationship(origin, target, cardinality, function=TableName(row["schema_name"], row["name"]))
