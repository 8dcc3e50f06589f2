"""What is told at the start about the role that logs in: rights that requests do not need, settings that have no effect here, and what
settings name that is not there for it."""

import asyncpg

from pellucid.database.driver import connect
from pellucid.database.named import Named, absent
from pellucid.database.place import unreachable

WAIT_SECONDS = 10.0
LOGIN = """\
select rolname as name, rolsuper as superuser, rolbypassrls as bypass, array(
  select distinct split_part(each, '=', 1)
  from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) as each
  where s.setrole = r.oid and each like 'pgrst.%'
    and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
  order by 1
) as idle
from pg_catalog.pg_roles r where rolname = session_user"""
"""The role, and the settings of PostgREST that somebody gave it."""


async def cautions(dsn: str, *, production: bool, named: Named = Named()) -> tuple[str, ...]:  # noqa: B008 - a frozen value
    """Sentences about the role; none where there is nothing to say.

    Args:
        dsn: logs in as requests do.
        production: whether strangers can reach the server, so that too many rights matter.
        named: what settings name in the database.

    Raises:
        StartupError: the database cannot be reached.
    """
    try:
        login, missing = await _look(dsn, named)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as fault:
        raise unreachable(dsn, fault) from fault
    if login is None:
        return missing
    rights = excess(login["name"], superuser=login["superuser"], bypass=login["bypass"]) if production else ()
    return (*rights, *idle(login["name"], login["idle"]), *missing)


async def _look(dsn: str, named: Named) -> tuple[asyncpg.Record | None, tuple[str, ...]]:
    connection = await connect(dsn, application_name="pellucid start", within=WAIT_SECONDS)
    try:
        return await connection.fetchrow(LOGIN), await absent(connection, named)
    finally:
        connection.terminate()


def excess(name: str, *, superuser: bool, bypass: bool) -> tuple[str, ...]:
    """What is said of a role with too many rights."""
    way_out = "log in with a role that has no rights of its own, such as authenticator"
    if superuser:
        return (f"requests log in as {name}, a superuser, whom nothing in PostgreSQL stops: {way_out}",)
    if bypass:
        return (f"requests log in as {name}, whom row level security does not stop: {way_out}",)
    return ()


def idle(name: str, settings: list[str]) -> tuple[str, ...]:
    """What is said of PostgREST's settings inside the database."""
    if not settings:
        return ()
    named = ", ".join(settings)
    way_out = "give them to the server's environment, under names such as PGRST_DB_SCHEMAS"
    return (f"the role {name} has {named} in the database, which have no effect here: {way_out}",)
