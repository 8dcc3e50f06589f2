"""What settings name and the database does not have: a role, a function. It is told at the start and stops nothing, for either may be made
while the server runs, and is then used. Until then the requests that need it are refused."""

from collections.abc import Mapping

import asyncpg
from msgspec import Struct

from pellucid.database.catalog.model import TableName
from pellucid.database.provisions import REQUEST_ROLES

ROLE = """\
select r.rolname is not null as known, pg_catalog.quote_ident($1) as quoted, pg_catalog.quote_ident(session_user) as login,
  r.rolname = session_user or coalesce(pg_catalog.pg_has_role(session_user, r.oid, {right}), false) as takable
from (values ($1)) as wanted(name) left join pg_catalog.pg_roles r on r.rolname = wanted.name"""

FUNCTION = """\
select exists (
  select from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname = any ($1::text[]) and p.proname = $2 and p.prokind = 'f'
    and (p.pronargs = p.pronargdefaults or p.provariadic <> 0 and p.pronargs = p.pronargdefaults + 1))"""
"""Whether a function can be called without arguments (PostgreSQL, 10.3)."""


class Named(Struct, frozen=True):
    """What settings name.

    Attributes:
        anon_role: the role of requests without a token; empty where there is none.
        functions: by the settings that name them.
        searched: the schemas in which a function without one is looked for.
    """

    anon_role: str = ""
    functions: Mapping[str, TableName] = {}
    searched: tuple[str, ...] = ()


async def absent(connection: asyncpg.Connection, named: Named) -> tuple[str, ...]:
    """A sentence for each thing that requests cannot use, with the way out. Nothing is asked where nothing was chosen.

    Args:
        connection: of the role that requests log in with.
        named: what is looked for. Of Pellucid's own roles `Capabilities` tells.
    """
    said = [] if named.anon_role in ("", *REQUEST_ROLES) else [await _role(connection, named.anon_role)]
    said += [await _function(connection, setting, name, named.searched) for setting, name in named.functions.items()]
    return tuple(filter(None, said))


async def _role(connection: asyncpg.Connection, name: str) -> str:
    right = "'SET'" if connection.get_server_version().major >= 16 else "'MEMBER'"
    role = await connection.fetchrow(ROLE.format(right=right), name)
    grant = f"grant {role['quoted']} to {role['login']}"
    if not role["known"]:
        return (
            f'anon_role names "{name}", a role that the database does not have, so whoever sends no token is refused: '
            f"create role {role['quoted']} nologin; {grant}; or name another one, such as anon"
        )
    if not role["takable"]:
        return f'anon_role names "{name}", a role that requests may not act as, so whoever sends no token is refused: {grant}'
    return ""


async def _function(connection: asyncpg.Connection, setting: str, name: TableName, searched: tuple[str, ...]) -> str:
    schemas = [name.schema] if name.schema else [*searched, "pg_catalog"]
    if await connection.fetchval(FUNCTION, schemas, name.name):
        return ""
    whole = f"{name.schema}.{name.name}" if name.schema else name.name
    return (
        f"{setting} names {whole}(), a function that the database does not have, so the requests that call it fail: "
        f"create it, or correct {setting}"
    )
