"""The data path: one transaction on the driver's own connection, in as few round trips as the driver allows."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Self, TypeVar

import asyncpg
from sqlalchemy.pool import ConnectionPoolEntry

from pellucid.database.driver import Connection
from pellucid.database.opening import OPENING, Opening
from pellucid.database.pool import FairPool, driver_of
from pellucid.database.sqlstate import RETRY, STALE, answered, disconnected, in_doubt
from pellucid.errors import Unavailable
from pellucid.observe import Stage, observe

T = TypeVar("T")

CLOSING_SECONDS = 2.0
"""How long a connection may take to cancel its statement and to say goodbye."""


class Transaction:
    """One transaction of a caller. Use it as ``async with database.transaction(caller, read_only=True) as transaction``.

    BEGIN, one statement for role, claims and settings, the statements of `fetch`, COMMIT. Leaving the block commits, before anything
    is sent to the client; an exception rolls back. After a cancellation, or whenever it is not certain what state the connection is
    in, the connection is closed and its place in the pool is free again.

    Raises:
        PellucidError: every error of PostgreSQL and of the way to it, translated.
    """

    __slots__ = ("_closing", "_driver", "_entry", "_fetched", "_opening", "_pool", "_rollback", "_sound")

    def __init__(self, pool: FairPool, opening: Opening, closing: set[asyncio.Task[None]]) -> None:
        """Prepare it; nothing is asked of the pool before the block is entered.

        Args:
            pool: where the connection comes from.
            opening: role, claims, settings and kind.
            closing: where connections that are being closed are kept, so that stopping can wait for them.
        """
        self._pool = pool
        self._opening = opening
        self._closing = closing
        self._entry: ConnectionPoolEntry
        self._driver: Connection
        self._sound = True
        self._fetched = False
        self._rollback = False

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement and return its rows. ``args`` are bound to ``$1``, ``$2``, … JSON comes as text, as PostgreSQL wrote it."""
        with observe(Stage.EXECUTE):
            try:
                rows = await self._fetch(sql, args)
            except Exception as fault:
                raise self._opening.translated(fault) from fault
        self._fetched = True
        return rows

    def rollback_only(self) -> None:
        """Let the transaction end with a rollback, whatever happens. Deferred constraints are checked all the same."""
        self._rollback = True

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except Exception as fault:
            raise self._opening.translated(fault) from fault
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._sound or not (fault is None or isinstance(fault, Exception)):
            await self._discard()
            if fault is None:
                raise Unavailable("The connection to the database broke, and the transaction with it.", headers=RETRY)
            return
        try:
            await self._end(failed=fault is not None)
        except Exception as inner:
            raise self._opening.translated(inner) from inner

    # -- the beginning ------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Take a connection and open the transaction; once more when the server had gone, for nothing has been asked of it yet."""
        try:
            await self._take()
        except Exception as fault:
            if not disconnected(fault):
                raise
            self._sound = True
            await self._take()

    async def _take(self) -> None:
        self._entry = await self._pool.take()
        self._driver = driver_of(self._entry)
        self._driver.verbatim = True
        try:
            await self._open()
        except Exception:
            await (self._end(failed=True) if self._sound else self._discard())
            raise
        except BaseException:
            await self._discard()
            raise

    async def _open(self) -> None:
        await self._run(self._driver.execute(self._opening.begin))
        with observe(Stage.SESSION):
            if self._opening.names:
                await self._run(self._driver.fetch(OPENING, self._opening.names, self._opening.values))
            if self._opening.first is not None:
                await self._run(self._driver.fetch(self._opening.first))

    # -- the statements -----------------------------------------------------------------------------------------------

    async def _fetch(self, sql: str, args: tuple[Any, ...]) -> list[asyncpg.Record]:
        """Run a statement; when it was prepared for an older schema and is the first one, open anew and run it again."""
        try:
            return await self._run(self._driver.fetch(sql, *args))
        except STALE:
            if self._fetched:
                raise
            await self._run(self._driver.execute("ROLLBACK"))
            await self._open()
            return await self._run(self._driver.fetch(sql, *args))

    async def _run(self, work: Awaitable[T]) -> T:
        """Wait for the driver. Whatever is not PostgreSQL's plain answer leaves the connection in doubt."""
        try:
            return await work
        except BaseException as fault:
            self._sound = self._sound and answered(fault) and not self._driver.is_closed()
            raise

    # -- the end ------------------------------------------------------------------------------------------------------

    async def _end(self, *, failed: bool) -> None:
        """Commit or roll back, and give the connection back."""
        try:
            if failed:
                await self._run(self._driver.execute("ROLLBACK"))
            elif self._rollback:
                await self._run(self._driver.execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK"))
            else:
                await self._commit()
        finally:
            await self._release()

    async def _commit(self) -> None:
        try:
            await self._run(self._driver.execute("COMMIT"))
        except Exception as fault:
            if not disconnected(fault):
                raise
            raise in_doubt() from fault

    async def _release(self) -> None:
        """Give the connection back if it is certainly idle; else close it."""
        self._driver.verbatim = False
        if self._sound and not self._driver.is_closed() and not self._driver.is_in_transaction():
            self._pool.give_back(self._entry)
        else:
            await self._discard()

    async def _discard(self) -> None:
        """Close the connection and free its place. It goes on in the background when the caller is cancelled once more."""
        task = asyncio.create_task(_close(self._pool, self._entry, self._driver))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)


async def _close(pool: FairPool, entry: ConnectionPoolEntry, driver: Connection) -> None:
    """Close a connection so that PostgreSQL stops what it does for it, then tell the pool."""
    try:
        await driver.close(timeout=CLOSING_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        driver.terminate()
    finally:
        pool.give_up(entry)
