"""A connection of the pool in somebody's hands: how it is taken, when it can be trusted, and how it comes back."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import asyncpg
from sqlalchemy.pool import ConnectionPoolEntry

from pellucid.database.driver import Connection
from pellucid.database.pool import FairPool, driver_of
from pellucid.database.sqlstate import answered

T = TypeVar("T")

CLOSING_SECONDS = 2.0
"""How long a connection may take to cancel its statement and to say goodbye."""


class Lease:
    """One connection, from `take` to `release` or `discard`.

    Whenever it is not certain what state the connection is in (``sound`` is False), it is closed and its place in the pool is free again.
    """

    __slots__ = ("_closing", "_entry", "_pool", "driver", "sound")

    def __init__(self, pool: FairPool, closing: set[asyncio.Task[None]]) -> None:
        """Prepare it; nothing is asked of the pool yet.

        Args:
            pool: where the connection comes from.
            closing: where connections that are being closed are kept, so that stopping can wait for them.
        """
        self._pool = pool
        self._closing = closing
        self._entry: ConnectionPoolEntry
        self.driver: Connection
        self.sound = True

    async def take(self) -> Connection:
        """Take a connection.

        Raises:
            PoolExhausted, Unavailable: as `FairPool.take`.
        """
        self._entry = await self._pool.take()
        self.sound = True
        self.driver = driver_of(self._entry)
        self.driver.verbatim = True
        return self.driver

    async def run(self, work: Awaitable[T]) -> T:
        """Wait for the driver. Whatever is not PostgreSQL's plain answer leaves the connection in doubt."""
        try:
            return await work
        except BaseException as fault:
            self.sound = self.sound and answered(fault) and not self.driver.is_closed()
            raise

    async def release(self) -> None:
        """Give the connection back if it is certainly idle; else close it."""
        self.driver.verbatim = False
        if self.sound and not self.driver.is_closed() and not self.driver.is_in_transaction():
            self._pool.give_back(self._entry)
        else:
            await self.discard()

    async def discard(self) -> None:
        """Close the connection and free its place. It goes on in the background when the caller is cancelled once more."""
        task = asyncio.create_task(_close(self._pool, self._entry, self.driver))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)


async def _close(pool: FairPool, entry: ConnectionPoolEntry, driver: Connection) -> None:
    """Close a connection so that PostgreSQL stops what it does for it, then tell the pool."""
    try:
        await hang_up(driver)
    finally:
        pool.give_up(entry)


async def hang_up(driver: Connection) -> None:
    """Close a connection so that PostgreSQL stops what it does for it."""
    try:
        await driver.close(timeout=CLOSING_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        driver.terminate()
