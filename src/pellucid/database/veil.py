"""Errors must not tell of tables that the caller may not see: a broken foreign key names the table at its other end."""

import copy
from collections.abc import Iterator

import asyncpg

from pellucid.database.catalog.model import Catalog, Table, TableName

BROKEN_KEYS = frozenset({"23001", "23503"})
"""restrict_violation and foreign_key_violation (PostgreSQL, appendix A)."""


def veiled(fault: asyncpg.PostgresError, catalog: Catalog, role: str | None) -> asyncpg.PostgresError:
    """The same error, without the names of tables on which the role has no right. ``role`` of None may know all."""
    if role is None or fault.sqlstate not in BROKEN_KEYS or not fault.table_name:
        return fault
    owner = TableName(fault.schema_name or "", fault.table_name)
    table = catalog.tables.get(owner)
    names = [name for name in _ends(owner, table, fault.constraint_name) if not _seen(name, catalog, role)]
    if not names:
        return fault
    told = copy.copy(fault)
    told.message, told.detail = (_without(text, names) for text in (fault.message, fault.detail))
    if owner in names and fault.constraint_name:
        told.message = told.message.replace(
            f'foreign key constraint "{fault.constraint_name}"', "a foreign key constraint"
        )
        told.table_name = told.constraint_name = None
    return told


def _ends(owner: TableName, table: Table | None, constraint: str | None) -> Iterator[TableName]:
    """The table that holds the foreign key, and the one that it points at."""
    yield owner
    for key in table.foreign_keys if table else ():
        if key.name == constraint:
            yield key.target


def _seen(name: TableName, catalog: Catalog, role: str) -> bool:
    table = catalog.tables.get(name)
    return table is not None and bool(table.privileges.get(role))


def _without(text: str | None, names: list[TableName]) -> str | None:
    for name in names if text else ():
        text = (text or "").replace(f'table "{name.name}"', "another table")
    return text
