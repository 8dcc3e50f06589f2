"""From rows to one frozen `Catalog`. No I/O: it runs in a thread while the event loop goes on answering."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from pellucid.database.caller import INTERNAL_ROLES
from pellucid.database.catalog.found import Found, Row, Rows
from pellucid.database.catalog.functions import build_functions
from pellucid.database.catalog.model import Catalog, Column, Fill, ForeignKey, Privilege, Table, TableName
from pellucid.database.catalog.origins import origins
from pellucid.database.catalog.relationships import Places, View, build_relationships, view_keys
from pellucid.database.catalog.rights import Rights
from pellucid.database.catalog.types import Types

Kind = Literal["table", "partitioned", "view", "materialized", "foreign"]

KINDS: Mapping[str, Kind] = {"r": "table", "p": "partitioned", "v": "view", "m": "materialized", "f": "foreign"}
LOOKS = 3
"""Where in a column's row that begins which makes the `Column`; before it stand table, number and access list."""

UPDATE, INSERT, DELETE = 1 << 2, 1 << 3, 1 << 4
"""The bits of ``pg_relation_is_updatable``."""


def build(found: Found, schemas: tuple[str, ...], version: int) -> Catalog:
    """Put the catalog together."""
    roles = {row["name"]: row for row in found.roles if _requestable(row)}
    rights = Rights(roles, found.acls, found.schemas)
    builder = _Tables(found, rights)
    tables = builder.build()
    ways = build_relationships(found.keys, builder.places, tables, ())
    return Catalog(
        schemas=schemas,
        tables=MappingProxyType(tables),
        functions=MappingProxyType(build_functions(found, rights)),
        roles=frozenset(roles),
        role_settings=MappingProxyType(_settings(found.settings, roles)),
        version=version,
        relationships=MappingProxyType(ways),
    )


def _requestable(role: Row) -> bool:
    """Whether a token may name the role. The role that logs in and superusers are never among them."""
    return role["takable"] and not role["superuser"] and not role["login"] and role["name"] not in INTERNAL_ROLES


def _settings(rows: Iterable[Row], roles: Iterable[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    settings: dict[str, dict[str, str]] = {role: {} for role in (*roles, *INTERNAL_ROLES)}
    for row in rows:
        if row["role"] in settings:
            settings[row["role"]][row["name"]] = row["value"]
    return {role: tuple(pairs.items()) for role, pairs in settings.items() if pairs}


class _Tables:
    """The tables, with what belongs to each gathered beforehand."""

    def __init__(self, found: Found, rights: Rights) -> None:
        self.rows: Sequence[Row] = found.tables
        self.rights = rights
        self.types = Types(found.types)
        self.schemas = {row["oid"]: row["name"] for row in found.schemas}
        self.alike: dict[tuple[object, ...], Column] = {}
        self.columns = _by_table(found.columns)
        self.keys = _by_table(found.keys)
        self.indexes = _by_table(found.indexes)
        self.named = {row["oid"]: (self._name(row), self._numbered(row)) for row in found.tables}
        views = self._views(found.rules)
        self.places = Places(self.named, views)
        self.view_keys = view_keys(found.keys, self.places, views)

    def build(self) -> dict[TableName, Table]:
        tables = (self._table(row) for row in self.rows)
        return {table.name: table for table in tables}

    def _name(self, row: Row) -> TableName:
        return TableName(self.schemas[row["schema"]], row["name"])

    def _numbered(self, row: Row) -> Mapping[int, str]:
        return {column["number"]: column["name"] for column in self.columns[row["oid"]]}

    def _views(self, rules: Rows) -> list[View]:
        shown = origins(rules)
        return [View(*self.named[oid], shown[oid]) for oid in shown if oid in self.named]

    def _table(self, row: Row) -> Table:
        columns = self.columns[row["oid"]]
        name, names = self.named[row["oid"]]
        keys = self.keys[row["oid"]]
        primary = next((_named(key["columns"], names) for key in keys if key["kind"] == "p"), ())
        return Table(
            name=name,
            kind=KINDS[row["kind"]],
            columns=MappingProxyType({column["name"]: self._column(column) for column in columns}),
            primary_key=primary or self.view_keys.get(name, ()),
            unique=self._unique(row, names),
            foreign_keys=tuple(self._foreign_key(key, names) for key in keys if _is_foreign(key)),
            constraints=MappingProxyType(self._constraints(row, names)),
            row_security=row["row_security"],
            policies=tuple(row["policies"]),
            security_invoker=_invoker(row["options"]),
            insertable=bool(row["updatable"] & INSERT),
            updatable=bool(row["updatable"] & UPDATE),
            deletable=bool(row["updatable"] & DELETE),
            privileges=self._privileges(row, columns),
            comment=row["comment"],
        )

    def _foreign_key(self, key: Row, names: Mapping[int, str]) -> ForeignKey:
        """The key; where its target is exposed, that table's names stand for it and for its columns."""
        target, theirs = self.named.get(key["target_oid"]) or (TableName(key["target_schema"], key["target"]), {})
        target_columns = tuple(key["target_names"] or ()) or _named(key["target_columns"], theirs)
        return ForeignKey(key["name"], _named(key["columns"], names), target, target_columns)

    def _column(self, row: Row) -> Column:
        """The column; the same value for all that look alike, for ``id`` and ``created_at`` are in every other table."""
        likeness = tuple(row.values())[LOOKS:]
        column = self.alike.get(likeness)
        if column is None:
            column = self.alike[likeness] = self._new_column(row)
        return column

    def _new_column(self, row: Row) -> Column:
        kind = self.types.resolve(row["type"], row["modifier"])
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
        )

    def _unique(self, row: Row, names: Mapping[int, str]) -> tuple[tuple[str, ...], ...]:
        """Unique constraints, and the unique indexes that serve as well: whole columns, every row."""
        constraints = (key["columns"] for key in self.keys[row["oid"]] if key["kind"] == "u")
        indexes = (index["columns"] for index in self.indexes[row["oid"]] if index["whole"])
        return tuple(dict.fromkeys(_named(columns, names) for columns in (*constraints, *indexes)))

    def _constraints(self, row: Row, names: Mapping[int, str]) -> dict[str, tuple[str, ...]]:
        named = (*self.keys[row["oid"]], *self.indexes[row["oid"]])
        return {each["name"]: _named(each["columns"] or (), names) for each in named}

    def _privileges(self, row: Row, columns: Iterable[Row]) -> Mapping[str, frozenset[Privilege]]:
        lists = frozenset(column["acl"] for column in columns if column["acl"]) | {row["acl"]}
        return self.rights.on_table(row["schema"], lists)


def _by_table(rows: Iterable[Row]) -> Mapping[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["table"]].append(row)
    return grouped


def _named(numbers: Iterable[int], names: Mapping[int, str]) -> tuple[str, ...]:
    """The columns' names; an expression has the number 0 and no name."""
    return tuple(names[number] for number in numbers if number in names)


def _is_foreign(key: Row) -> bool:
    """Whether it is a foreign key that somebody wrote."""
    return key["kind"] == "f" and not key["inherited"]


def _fill(row: Row) -> Fill:
    if row["generated"] or row["identity"] == "a":
        return Fill.ALWAYS
    if row["identity"] == "d":
        return Fill.IDENTITY
    return Fill.DEFAULT if row["filled"] else Fill.NOTHING


def _invoker(options: str | None) -> bool:
    """Whether a view runs with the rights of whoever asks (PostgreSQL, CREATE VIEW, ``security_invoker``)."""
    pairs = (option.partition("=") for option in (options or "").split(","))
    return any(
        name == "security_invoker" and value.lower() in ("true", "on", "yes", "1", "") for name, _, value in pairs
    )
