"""Types as columns have them, resolved down to what lies under domains and arrays."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

CHARACTERS = frozenset({"varchar", "bpchar"})
HEADER = 4
"""PostgreSQL stores the length of ``varchar(20)`` as 24."""


class Kind(Struct, frozen=True):
    """One type, resolved. ``cast`` is its own qualified name, not that of its base; ``required`` tells that a domain forbids null."""

    base: str
    cast: str = "pg_catalog.text"
    array: bool = False
    required: bool = False
    enum: tuple[str, ...] = ()
    max_length: int | None = None


class Types:
    """All types of the database, by oid."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = {row["oid"]: row for row in rows}
        self.resolve = cache(self._resolve)

    def declared(self, oid: int) -> str:
        """The type as ``format_type`` prints it."""
        row = self._rows.get(oid)
        return str(row["declared"]) if row else "record"

    def named(self, oid: int) -> str:
        """The type's own name, in whatever schema."""
        row = self._rows.get(oid)
        return str(row["name"]) if row else "record"

    def is_domain(self, oid: int) -> bool:
        """Whether it is a domain."""
        row = self._rows.get(oid)
        return row is not None and row["kind"] == "d"

    def row(self, oid: int) -> Mapping[str, Any] | None:
        """What ``pg_type`` tells of the composite type that this is, or that lies under it; None when there is none."""
        row = self._rows.get(oid)
        while row is not None and row["kind"] == "d":
            row = self._rows.get(row["base"])
        return row if row is not None and row["relation"] else None

    def _resolve(self, oid: int, modifier: int) -> Kind:
        row = self._rows.get(oid)
        if row is None:
            return Kind("record")
        if row["kind"] == "d":
            under = self.resolve(row["base"], modifier if modifier >= 0 else row["modifier"])
            return replace(under, cast=row["qualified"], required=row["required"] or under.required)
        if row["array"] and row["element"]:
            element = self.resolve(row["element"], modifier)
            return replace(element, cast=f"{element.cast}[]", array=True, required=False)
        limit = modifier - HEADER if row["name"] in CHARACTERS and modifier >= HEADER else None
        return Kind(row["name"], row["qualified"], enum=tuple(row["labels"]), max_length=limit)
