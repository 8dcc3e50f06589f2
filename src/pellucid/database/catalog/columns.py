"""Columns, from the rows of ``pg_attribute`` and from what functions answer with."""

from collections.abc import Mapping

from pellucid.database.catalog.found import Row
from pellucid.database.catalog.model import Column, Fill, Representation, TableName
from pellucid.database.catalog.types import Types

LOOKS = 3
"""Where in a column's row that begins which makes the `Column`; before it stand table, number and access list."""


class Columns:
    """Makes columns."""

    def __init__(self, types: Types, representations: Mapping[int, Representation]) -> None:
        """Prepare it.

        Args:
            types: all types.
            representations: how domains are shown and read, by oid.
        """
        self._types = types
        self._representations = representations
        self._alike: dict[tuple[object, ...], Column] = {}

    def stored(self, row: Row) -> Column:
        """The column; the same value for all that look alike, for ``id`` and ``created_at`` are in every other table."""
        likeness = tuple(row.values())[LOOKS:]
        column = self._alike.get(likeness)
        if column is None:
            column = self._alike[likeness] = self._stored(row)
        return column

    def made(self, name: str, type_: int, function: TableName | None = None) -> Column:
        """A column that no table has: of this type, which may be null."""
        kind = self._types.resolve(type_, -1)
        return Column(
            name=name,
            type=self._types.declared(type_),
            base=kind.base,
            array=kind.array,
            cast=kind.cast,
            enum=kind.enum,
            max_length=kind.max_length,
            function=function,
        )

    def _stored(self, row: Row) -> Column:
        kind = self._types.resolve(row["type"], row["modifier"])
        return Column(
            name=row["name"],
            type=row["declared"],
            base=kind.base,
            array=kind.array,
            cast=kind.cast,
            nullable=not (row["required"] or kind.required),
            fill=_fill(row),
            enum=kind.enum,
            max_length=kind.max_length,
            comment=row["comment"],
            default=row["default"],
            representation=self._representations.get(row["type"]),
        )


def _fill(row: Row) -> Fill:
    if row["generated"] or row["identity"] == "a":
        return Fill.ALWAYS
    if row["identity"] == "d":
        return Fill.IDENTITY
    return Fill.DEFAULT if row["filled"] else Fill.NOTHING
