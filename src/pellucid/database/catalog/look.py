"""Looks at the database: a handful of queries in one snapshot."""

from collections.abc import Sequence

import asyncpg

from pellucid.database.catalog import queries
from pellucid.database.catalog.found import Found


async def look(
    connection: asyncpg.Connection, schemas: Sequence[str], extra_search_path: Sequence[str] = ("public",)
) -> Found:
    """Look at the exposed schemas as they are now, all queries in one snapshot.

    Args:
        connection: idle; logged in as the role that requests start from, for it decides which roles they may take.
        schemas: the exposed ones; those that do not exist are left out.
        extra_search_path: schemas whose functions make computed columns, and whose views are seen through, without being exposed.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _find(connection, schemas, extra_search_path)


async def _find(connection: asyncpg.Connection, schemas: Sequence[str], extra: Sequence[str]) -> Found:
    exposed = await connection.fetch(queries.SCHEMAS, list(schemas))
    within = [row["oid"] for row in exposed]
    besides = [row["oid"] for row in await connection.fetch(queries.SCHEMAS, list(extra))]
    rules = await connection.fetch(queries.RULES, within + besides)
    beneath = {oid for rule in rules for oid in rule["beneath"]}
    functions = await connection.fetch(queries.FUNCTIONS, within, besides)
    columns = await connection.fetch(queries.COLUMNS, within)
    rows = await connection.fetch(queries.ROWS, [row["result"] for row in functions])
    used = {oid for row in functions for oid in (*row["types"], row["result"])}
    used.update(row["type"] for row in (*columns, *rows))
    right = "'SET'" if connection.get_server_version().major >= 16 else "'MEMBER'"
    return Found(
        roles=await connection.fetch(queries.ROLES.format(right=right)),
        settings=await connection.fetch(queries.SETTINGS),
        schemas=exposed,
        types=await connection.fetch(queries.TYPES, list(used)),
        acls=await connection.fetch(queries.ACLS, within),
        tables=await connection.fetch(queries.TABLES, within),
        columns=columns,
        keys=await connection.fetch(queries.KEYS, within, list(beneath)),
        indexes=await connection.fetch(queries.UNIQUE_INDEXES, within),
        functions=functions,
        rules=rules,
        rows=rows,
        casts=await connection.fetch(queries.CASTS),
        aggregates=await connection.fetch(queries.AGGREGATES, within),
        extensions=await connection.fetch(queries.EXTENSIONS),
        hooked=await connection.fetch(queries.HOOKED, within),
        talkative=await connection.fetch(queries.TALKATIVE, within),
    )
