"""Tables and views, from the rows of ``pg_class`` and what belongs to them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from pellucid.database.catalog.columns import Columns
from pellucid.database.catalog.found import Found, Row, Rows
from pellucid.database.catalog.model import Column, ForeignKey, Privilege, Table, TableName
from pellucid.database.catalog.origins import origins
from pellucid.database.catalog.relationships import Places, View, view_keys
from pellucid.database.catalog.rights import NOTHING, Rights

Kind = Literal["table", "partitioned", "view", "materialized", "foreign"]
Made = Mapping[int, Mapping[str, Column]]
Keyed = tuple[Row, tuple[str, ...]]
"""A constraint or an index, and the names of its columns."""

KINDS: Mapping[str, Kind] = {"r": "table", "p": "partitioned", "v": "view", "m": "materialized", "f": "foreign"}
UPDATE, INSERT, DELETE = 1 << 2, 1 << 3, 1 << 4
"""The bits of ``pg_relation_is_updatable``."""
NONE: Mapping[str, Column] = MappingProxyType({})


class Tables:
    """The exposed tables, with what belongs to each gathered beforehand.

    ``named`` tells by oid the name of each and the names of its columns by number, ``places`` where the columns of keys can be seen.
    """

    def __init__(self, found: Found, rights: Rights, columns: Columns) -> None:
        self._rows = found.tables
        self._rights = rights
        self._make = columns
        self._columns = by_table(found.columns)
        self._keys = by_table(found.keys)
        self._indexes = by_table(found.indexes)
        self._hooked = {row["oid"] for row in found.hooked}
        self._talkative = {row["oid"] for row in found.talkative}
        schemas = {row["oid"]: row["name"] for row in found.schemas}
        self.named = {
            row["oid"]: (TableName(schemas[row["schema"]], row["name"]), self._numbered(row)) for row in found.tables
        }
        views = self._views(found.rules)
        self.places = Places(self.named, views)
        self._view_keys = view_keys(found.keys, self.places, views)

    def build(self, computed: Made) -> dict[int, Table]:
        """All of them by oid, with these computed columns."""
        return {row["oid"]: self._table(row, computed.get(row["oid"], NONE)) for row in self._rows}

    def _numbered(self, row: Row) -> Mapping[int, str]:
        return {column["number"]: column["name"] for column in self._columns[row["oid"]]}

    def _views(self, rules: Rows) -> list[View]:
        shown = origins(rules)
        return [View(*self.named[oid], shown[oid]) for oid in shown if oid in self.named]

    def _table(self, row: Row, computed: Mapping[str, Column]) -> Table:
        columns = self._columns[row["oid"]]
        name, names = self.named[row["oid"]]
        keys = [(key, _named(key["columns"], names)) for key in self._keys.get(row["oid"], ())]
        indexes = [(index, _named(index["columns"], names)) for index in self._indexes.get(row["oid"], ())]
        primary = next((named for key, named in keys if key["kind"] == "p"), ())
        return Table(
            name=name,
            kind=KINDS[row["kind"]],
            columns=MappingProxyType({column["name"]: self._make.stored(column) for column in columns}),
            primary_key=primary or self._view_keys.get(name, ()),
            unique=_unique(keys, indexes),
            foreign_keys=tuple([self._foreign_key(key, named) for key, named in keys if _is_foreign(key)]),
            constraints=MappingProxyType({key["name"]: named for key, named in (*keys, *indexes)}),
            row_security=row["row_security"],
            policies=tuple(row["policies"]),
            security_invoker=_invoker(row["options"]),
            insertable=bool(row["updatable"] & INSERT),
            updatable=bool(row["updatable"] & UPDATE),
            deletable=bool(row["updatable"] & DELETE),
            privileges=self._privileges(row, columns),
            comment=row["comment"],
            computed=computed,
            readable=self._readable(row, columns),
            hooked=row["oid"] in self._hooked,
            quiet=row["kind"] == "r" and row["oid"] not in self._talkative,
        )

    def _foreign_key(self, key: Row, columns: tuple[str, ...]) -> ForeignKey:
        """The key; the columns of a target that is not exposed come with the row itself."""
        target, theirs = self.named.get(key["target_oid"]) or (TableName(key["target_schema"], key["target"]), {})
        target_columns = tuple(key["target_names"] or ()) or _named(key["target_columns"], theirs)
        return ForeignKey(key["name"], columns, target, target_columns)

    def _privileges(self, row: Row, columns: Iterable[Row]) -> Mapping[str, frozenset[Privilege]]:
        lists = frozenset(column["acl"] for column in columns if column["acl"]) | {row["acl"]}
        return self._rights.on_table(row["schema"], lists)

    def _readable(self, row: Row, columns: Iterable[Row]) -> Mapping[str, frozenset[str]]:
        lists = tuple((column["name"], column["acl"]) for column in columns if column["acl"])
        return self._rights.on_columns(row["schema"], row["acl"], lists) if lists else NOTHING


def by_table(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    """The rows by the table that they belong to."""
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["table"]].append(row)
    return grouped


def _named(numbers: Iterable[int] | None, names: Mapping[int, str]) -> tuple[str, ...]:
    """The columns' names; an expression has the number 0 and no name."""
    return tuple([names[number] for number in numbers or () if number in names])


def _unique(keys: Sequence[Keyed], indexes: Sequence[Keyed]) -> tuple[tuple[str, ...], ...]:
    """Unique constraints, and the unique indexes that serve as well: whole columns, every row."""
    constraints = [named for key, named in keys if key["kind"] == "u"]
    return tuple(dict.fromkeys([*constraints, *[named for index, named in indexes if index["whole"]]]))


def _is_foreign(key: Row) -> bool:
    """Whether it is a foreign key that somebody wrote."""
    return key["kind"] == "f" and not key["inherited"]


def _invoker(options: str | None) -> bool:
    """Whether a view runs with the rights of whoever asks (PostgreSQL, CREATE VIEW, ``security_invoker``)."""
    pairs = (option.partition("=") for option in (options or "").split(","))
    return any(
        name == "security_invoker" and value.lower() in ("true", "on", "yes", "1", "") for name, _, value in pairs
    )
