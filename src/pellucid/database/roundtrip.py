"""A function call that is a whole transaction: no BEGIN, no COMMIT, one round trip."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import asyncpg

from pellucid.database.driver import Connection
from pellucid.database.lease import Lease
from pellucid.database.opening import Opening
from pellucid.database.sqlstate import STALE, disconnected, in_doubt
from pellucid.errors import PellucidError

MOST_KNOWN = 200
"""Statements that one connection keeps prepared in this way."""
_FORGOTTEN = 50
"""How many go at once when there are more: it takes a round trip."""

Stop = Callable[[int], None]
"""Has PostgreSQL end what its process of this number is doing. It returns at once."""


class Trip(NamedTuple):
    """A call.

    ``call`` is the statement that calls the function. Its first two arguments are ``name`` and ``statement``: what the function prepares,
    and under which name; the statement is null where this connection has it prepared already. ``opening`` tells with whose eyes errors
    are read. After ``limit`` seconds PostgreSQL is asked to stop. ``quiet`` tells that the function leaves nothing in the session but
    what sequences remember, and ``reads`` that it does not even use these.
    """

    call: str
    name: str
    statement: str
    args: Sequence[Any]
    opening: Opening
    limit: float
    quiet: bool
    reads: bool


class RoundTrip:
    """One trip under way."""

    __slots__ = ("_lease", "_stop", "_trip")

    def __init__(self, lease: Lease, trip: Trip, stop: Stop) -> None:
        """Prepare it; nothing is asked of the pool yet."""
        self._lease = lease
        self._trip = trip
        self._stop = stop

    async def make(self) -> list[asyncpg.Record]:
        """Go and come back.

        Raises:
            PellucidError: it went wrong. Where the connection broke on the way nobody knows what was committed, and the error says so.
        """
        try:
            return await self._make()
        except PellucidError:
            raise
        except Exception as fault:
            raise self._trip.opening.translated(fault) from fault

    async def _make(self) -> list[asyncpg.Record]:
        driver = await self._ready()
        try:
            records = await self._within(driver)
        except Exception as fault:
            await self._lease.release()
            if disconnected(fault):
                raise in_doubt() from fault
            raise
        except BaseException:
            await self._lease.discard()
            raise
        await self._lease.release()
        return records

    async def _ready(self) -> Connection:
        """A clean connection; another one when the server had gone, for nothing has been asked of it yet."""
        try:
            return await self._taken()
        except Exception as fault:
            if not disconnected(fault):
                raise
            return await self._taken()

    async def _taken(self) -> Connection:
        driver = await self._lease.take()
        try:
            if not (self._trip.quiet and driver.tidy):
                await self._lease.run(driver.make_clean())
            await self._lease.run(_forget(driver))
        except BaseException:
            await self._lease.discard()
            raise
        driver.tidy = self._trip.quiet
        driver.clean = driver.clean and self._trip.quiet and self._trip.reads
        return driver

    async def _within(self, driver: Connection) -> list[asyncpg.Record]:
        timer = asyncio.get_running_loop().call_later(self._trip.limit, self._late, driver)
        try:
            return await self._called(driver)
        finally:
            timer.cancel()

    def _late(self, driver: Connection) -> None:
        """Stop the call, and close the connection afterwards: the word may come late, and stop another."""
        self._lease.sound = False
        self._stop(driver.get_server_pid())

    async def _called(self, driver: Connection) -> list[asyncpg.Record]:
        """Call; once more when the driver or PostgreSQL did not know the statement any more, for then nothing has been done."""
        try:
            return await self._fetch(driver)
        except STALE:
            return await self._fetch(driver)
        except asyncpg.InvalidSQLStatementNameError:
            driver.known.pop(self._trip.name, None)
            return await self._fetch(driver)

    async def _fetch(self, driver: Connection) -> list[asyncpg.Record]:
        trip = self._trip
        text = None if trip.name in driver.known else trip.statement
        records: list[asyncpg.Record] = await self._lease.run(driver.fetch(trip.call, trip.name, text, *trip.args))
        driver.known[trip.name] = None
        return records


async def _forget(driver: Connection) -> None:
    """Let the oldest prepared statements go, once there are many."""
    if len(driver.known) <= MOST_KNOWN:
        return
    oldest = list(driver.known)[:_FORGOTTEN]
    for name in oldest:
        del driver.known[name]
    await driver.execute("; ".join(f'DEALLOCATE "{name}"' for name in oldest))
