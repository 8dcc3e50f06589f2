"""Runs Alembic on a connection, with neither an ini file nor an env.py."""

from pathlib import Path
from typing import Any

import sqlalchemy
from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from pellucid.database.driver import Connection, connect
from pellucid.database.migrations import SCHEMA, TABLE


def scripts() -> ScriptDirectory:
    """The revisions as Alembic knows them."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


async def run(dsn: str, revision: str) -> None:
    """Bring the database behind ``dsn`` to ``revision``.

    Raises:
        sqlalchemy.exc.DBAPIError: PostgreSQL refused a step; the steps before it stand.
    """

    async def creator() -> Connection:
        opened: Connection = await connect(dsn, application_name="pellucid migrations", within=10.0, kind=Connection)
        return opened

    engine = create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(upgrade, revision)
    finally:
        await engine.dispose()


def upgrade(connection: sqlalchemy.Connection, revision: str) -> None:
    """Bring the database to ``revision``, one transaction a step. The caller sees to it that nobody else does the same just now."""
    directory = scripts()

    def steps(current: Any, _context: MigrationContext) -> Any:
        return directory._upgrade_revs(revision, current)  # noqa: SLF001 - as Alembic's own commands do

    context = MigrationContext.configure(
        connection,
        opts={"fn": steps, "version_table": TABLE, "version_table_schema": SCHEMA, "transaction_per_migration": True},
    )
    with Operations.context(context):
        context.run_migrations()
