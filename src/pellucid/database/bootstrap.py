"""Readies a database: roles, schemas, time limits, event triggers, extensions. Safe when several nodes start at once, and cheap when
everything is there already."""

import logging
from collections.abc import Iterable, Sequence

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from pellucid.database import provisions
from pellucid.database.capabilities import Capabilities, Feature, Missing
from pellucid.database.driver import connect
from pellucid.database.migrations import REVISIONS, SCHEMA, TABLE
from pellucid.database.place import unreachable
from pellucid.database.provisions import Provision, Server
from pellucid.database.sqlstate import translate
from pellucid.errors import StartupError
from pellucid.later import at_once

OLDEST = 15
"""The oldest major version of PostgreSQL that is supported."""

TURN = 0x70656C6C
"""The advisory lock that lets one node at a time ready a database."""

WAIT_SECONDS = 10.0
TURN_SECONDS = 60
ATTEMPTS = 5
"""Roles are shared by all databases of a cluster, so another one may be readied at the same moment."""

CROSSED = (asyncpg.InternalServerError, asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError)
REFUSALS = (
    *CROSSED,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.FeatureNotSupportedError,
    asyncpg.UndefinedFileError,
    asyncpg.UndefinedObjectError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)
"""What PostgreSQL says when the role may not, or when something this builds on could not be made."""

MIGRATED = """select exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'pellucid' and p.proname = 'tell_ddl')"""
"""Whether the functions that the event triggers call are there; asked of the catalog, where a role that may do nothing may look too."""

log = logging.getLogger(__name__)


async def bootstrap(admin_dsn: str, *, schemas: Sequence[str] = ("public",)) -> Capabilities:
    """Ready the database behind ``admin_dsn`` as far as its role may, and tell what is missing.

    Args:
        admin_dsn: logs in with the role that may do most.
        schemas: the exposed ones. They are not made here, but for ``public`` they belong to whoever wrote the application.

    Raises:
        StartupError: the database cannot be reached, is too old, was readied by a newer Pellucid, or lacks an exposed schema.
    """
    connection = await _connect(admin_dsn)
    try:
        version = check_version(int(await connection.fetchval("show server_version_num")))
        await _take_turn(connection)
        await _check_schemas(connection, schemas)
        missing = await _ready(connection, admin_dsn)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
        reason = str(fault).partition("\n")[0] or type(fault).__name__
        raise StartupError(
            f"The database could not be readied: {reason}.", hint="The log of PostgreSQL tells more."
        ) from fault
    finally:
        connection.terminate()
    return Capabilities(version, tuple(missing))


async def _connect(dsn: str) -> asyncpg.Connection:
    try:
        return await connect(dsn, application_name="pellucid bootstrap", within=WAIT_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as fault:
        raise unreachable(dsn, fault) from fault


def check_version(number: int) -> int:
    """The server's number, such as 180001, when it is supported.

    Raises:
        StartupError: it is too old.
    """
    if number < OLDEST * 10000:
        raise StartupError(
            f"PostgreSQL {number // 10000} is too old.",
            hint=f"Pellucid needs PostgreSQL {OLDEST} or newer: upgrade the server.",
        )
    return number


async def _take_turn(connection: asyncpg.Connection) -> None:
    """Wait until no other node readies this database. The lock is released with the connection."""
    await connection.execute(f"set lock_timeout = '{TURN_SECONDS}s'")
    try:
        await connection.execute("select pg_advisory_lock($1)", TURN)
    except asyncpg.LockNotAvailableError as fault:
        raise StartupError(
            "Another node has been readying this database for a minute.",
            hint="See what it waits for in pg_stat_activity.",
        ) from fault


async def _check_schemas(connection: asyncpg.Connection, schemas: Sequence[str]) -> None:
    known = await connection.fetchval("select array_agg(nspname::text) from pg_namespace")
    for schema in schemas:
        if schema not in known:
            raise StartupError(
                f'The database has no schema "{schema}".', hint=f"Create it, or leave {schema} out of the schemas."
            )


async def _ready(connection: asyncpg.Connection, dsn: str) -> list[Missing]:
    server = Server(
        major=connection.get_server_version().major,
        role=await connection.fetchval("select quote_ident(current_user)"),
        database=await connection.fetchval("select quote_ident(current_database())"),
    )
    missing = await _provide(connection, provisions.before_migrations(server))
    missing += await _migrate(connection, dsn, server, missing)
    migrated = await connection.fetchval(MIGRATED)
    return missing + await _provide(connection, provisions.after_migrations(server, migrated=migrated))


# -- provisions -----------------------------------------------------------------------------------------------------


async def _provide(connection: asyncpg.Connection, wanted: Iterable[Provision]) -> list[Missing]:
    missing: list[Missing] = []
    for provision in wanted:
        if not await _there(connection, provision):
            missing += [Missing(provision.what, provision.sql, off) for off in provision.off]
    return missing


async def _there(connection: asyncpg.Connection, provision: Provision) -> bool:
    """Whether it is there, after an attempt to make it."""
    for _ in range(ATTEMPTS):
        if await connection.fetchval(provision.check):
            return True
        if not provision.own:
            return False
        try:
            async with connection.transaction():
                await connection.execute(provision.sql)
        except REFUSALS as fault:
            log.debug("Could not make %s: %s", provision.what, fault)  # what is missing in the end is told by `Missing`
            if not isinstance(fault, CROSSED):
                break
    return bool(await connection.fetchval(provision.check))


# -- migrations -----------------------------------------------------------------------------------------------------


async def _migrate(
    connection: asyncpg.Connection, dsn: str, server: Server, lacking: Sequence[Missing]
) -> list[Missing]:
    """Bring Pellucid's own schemas up to date, as far as that goes with what is lacking already."""
    if hidden := await _provide(connection, provisions.to_see_the_version(server)):
        return hidden
    revision = await _revision(connection)
    if revision == REVISIONS[-1]:
        return []
    missing = await _provide(connection, provisions.for_migrations(server))
    if not await connection.fetchval("select to_regnamespace('pellucid') is not null"):
        return missing
    off = {item.off for item in (*lacking, *missing)}
    target = REVISIONS[0] if Feature.ACCOUNTS in off else REVISIONS[-1]
    if revision is None:
        await _provide(connection, provisions.once())
    if revision is None or revision < target:
        await _upgrade(dsn, target)
    return missing


async def _revision(connection: asyncpg.Connection) -> str | None:
    if await connection.fetchval("select to_regclass($1)", f"{SCHEMA}.{TABLE}") is None:
        return None
    revision: str | None = await connection.fetchval(f"select version_num from {SCHEMA}.{TABLE}")
    if revision is not None and revision not in REVISIONS:
        raise StartupError(
            "The database was readied by a newer Pellucid.",
            hint="Install that version, or restore an older backup of the database.",
        )
    return revision


async def _upgrade(dsn: str, target: str) -> None:
    """Run Alembic. It is imported here and not above, since that costs more than all the rest of a start."""
    upgrade = at_once("pellucid.database.migrations.upgrade")
    try:
        await upgrade.run(dsn, target)
    except SQLAlchemyError as fault:
        reason = translate(fault).message
        raise StartupError(
            f"A migration failed: {reason}.", hint="The log of PostgreSQL names the statement."
        ) from fault
