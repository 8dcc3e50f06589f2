"""What the role that logs in may do beyond what requests need. It is told at the start; `pellucid doctor` tells more."""

import asyncpg

from pellucid.database.driver import connect
from pellucid.database.place import unreachable

WAIT_SECONDS = 10.0
LOGIN = "select rolname as name, rolsuper as superuser, rolbypassrls as bypass from pg_catalog.pg_roles where rolname = session_user"


async def cautions(dsn: str) -> tuple[str, ...]:
    """Sentences about a role with too many rights; none about one that has only what it needs.

    Args:
        dsn: logs in as requests do.

    Raises:
        StartupError: the database cannot be reached.
    """
    try:
        connection = await connect(dsn, application_name="pellucid start", within=WAIT_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as fault:
        raise unreachable(dsn, fault) from fault
    try:
        login = await connection.fetchrow(LOGIN)
    finally:
        connection.terminate()
    return (
        () if login is None else tuple(_cautions(login["name"], superuser=login["superuser"], bypass=login["bypass"]))
    )


def _cautions(name: str, *, superuser: bool, bypass: bool) -> list[str]:
    way_out = "log in with a role that has no rights of its own, such as authenticator"
    if superuser:
        return [f"requests log in as {name}, a superuser, whom nothing in PostgreSQL stops: {way_out}"]
    if bypass:
        return [f"requests log in as {name}, whom row level security does not stop: {way_out}"]
    return []
