"""Looks at the database: a handful of queries in one snapshot."""

from collections.abc import Sequence

import asyncpg

from pellucid.database.catalog import queries
from pellucid.database.catalog.found import Found


async def look(connection: asyncpg.Connection, schemas: Sequence[str]) -> Found:
    """Look at the exposed schemas as they are now, all queries in one snapshot.

    Args:
        connection: idle; logged in as the role that requests start from, for it decides which roles they may take.
        schemas: the exposed ones; those that do not exist are left out.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _find(connection, schemas)


async def _find(connection: asyncpg.Connection, schemas: Sequence[str]) -> Found:
    exposed = await connection.fetch(queries.SCHEMAS, list(schemas))
    within = [row["oid"] for row in exposed]
    right = "'SET'" if connection.get_server_version().major >= 16 else "'MEMBER'"
    return Found(
        roles=await connection.fetch(queries.ROLES.format(right=right)),
        settings=await connection.fetch(queries.SETTINGS),
        schemas=exposed,
        types=await connection.fetch(queries.TYPES),
        acls=await connection.fetch(queries.ACLS, within),
        tables=await connection.fetch(queries.TABLES, within),
        columns=await connection.fetch(queries.COLUMNS, within),
        keys=await connection.fetch(queries.KEYS, within),
        indexes=await connection.fetch(queries.UNIQUE_INDEXES, within),
        functions=await connection.fetch(queries.FUNCTIONS, within),
    )
