"""One SQLAlchemy engine a process, over asyncpg: the one place where connections are made and counted."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from pellucid.database.driver import Connection, connect
from pellucid.database.options import DatabaseOptions
from pellucid.database.pool import FairPool
from pellucid.database.sqlstate import condition, translate
from pellucid.observe import Span, Stage, observe


def create_engine(options: DatabaseOptions) -> AsyncEngine:
    """Make the engine. Nothing is opened yet."""

    async def creator() -> Connection:
        connection: Connection = await connect(
            options.dsn,
            application_name=options.application_name,
            within=options.connect_timeout,
            kind=Connection,
            session=options.session,
        )
        return connection

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=creator,
        poolclass=FairPool,
        pool_size=options.pool_size,
        pool_timeout=options.pool_timeout,
        hide_parameters=True,  # errors of SQLAlchemy go to the log, and what was bound may be a secret
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    event.listen(engine.sync_engine, "before_cursor_execute", _statement_begins)
    event.listen(engine.sync_engine, "after_cursor_execute", _statement_ended)
    event.listen(engine.sync_engine, "handle_error", _statement_failed)
    return engine


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Make the pool replace a connection whose server is gone. asyncpg knows already, so this asks nobody."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _statement_begins(_c: Any, _cursor: Any, _sql: str, _args: Any, context: Any, _many: bool) -> None:
    stage = context.execution_options.get("stage", Stage.EXECUTE)
    context.observed = observe(stage)
    context.observed.__enter__()


def _statement_ended(connection: Any, cursor: Any, sql: str, args: Any, context: Any, many: bool) -> None:  # noqa: PLR0917 - SQLAlchemy's
    observed: Span = context.observed
    observed.__exit__(None, None, None)
    if observed.depth and observed.stage is Stage.EXECUTE:
        observed.note(sql=sql, rows=max(cursor.rowcount, 0), times=len(args) if many and args else 1)
    attending = connection.connection.driver_connection.attending
    if attending is not None and context.execution_options.get("stage", Stage.EXECUTE) is Stage.EXECUTE:
        first = args[0] if many and args else args
        await_only(attending.stated(sql, tuple(first or ()), cursor.rowcount if cursor.rowcount >= 0 else None))


def _statement_failed(failure: Any) -> Exception | None:
    """End the observation. A connection that breaks may raise an OSError, which SQLAlchemy does not know for a disconnection."""
    observed: Span | None = getattr(failure.execution_context, "observed", None)
    if observed is not None:
        observed.__exit__(None, None, None)
        _tell_failed(failure, observed)
    if not isinstance(failure.original_exception, OSError):
        return None
    failure.is_disconnect = True
    return translate(failure.original_exception)


def _tell_failed(failure: Any, observed: Span) -> None:
    """Note which statement failed, and tell whoever looks on."""
    if failure.execution_context.execution_options.get("stage", Stage.EXECUTE) is not Stage.EXECUTE:
        return
    sql, fault = str(failure.statement), failure.original_exception
    if observed.depth:
        observed.note(sql=sql, failed=condition(fault))
    driver = failure.connection.connection.driver_connection if failure.connection is not None else None
    if driver is not None and driver.attending is not None and not driver.is_closed():
        await_only(driver.attending.failed(sql, tuple(failure.parameters or ()), fault))


def pool_of(engine: AsyncEngine) -> FairPool:
    """The engine's pool."""
    pool = engine.pool
    assert isinstance(pool, FairPool)  # noqa: S101 - `create_engine` gave it this one
    return pool
