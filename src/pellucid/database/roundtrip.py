"""A function call that is a whole transaction: no BEGIN, no COMMIT, one round trip."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import asyncpg

from pellucid.database.driver import Connection
from pellucid.database.lease import Lease
from pellucid.database.opening import Opening
from pellucid.database.sqlstate import STALE, disconnected, in_doubt
from pellucid.errors import PellucidError

MOST_KNOWN = 1000
"""Statements that one connection keeps prepared in this way. One for a row by its key takes some 50 KiB of its PostgreSQL process."""
_FORGOTTEN = 50
"""How many go at once when there are more: it takes a round trip."""
NOT_THERE = "26000"
"""SQLSTATE: there is no prepared statement of that name (PostgreSQL, appendix A)."""

Stop = Callable[[int], None]
"""Has PostgreSQL end what its process of this number is doing. It returns at once."""


class Trip(NamedTuple):
    """A call.

    ``call`` is the statement that calls the function, and ``args`` tells its arguments, from the names of those of ``statements`` (texts by
    their names) that this connection has not prepared yet. The records that come back are of the statements in ``turns``. ``opening`` tells
    with whose eyes errors are read. After ``limit`` seconds PostgreSQL is asked to stop. ``quiet`` tells that the function leaves nothing
    in the session but what sequences remember, and ``reads`` that it does not even use these. ``late`` is told when PostgreSQL has worked
    on it for ``patience`` seconds.
    """

    call: str
    statements: Mapping[str, str]
    args: Callable[[Sequence[str]], Sequence[Any]]
    turns: Sequence[str]
    opening: Opening
    limit: float
    quiet: bool
    reads: bool
    patience: float = 0.0
    late: Callable[[], None] | None = None


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
        loop, trip = asyncio.get_running_loop(), self._trip
        timers = [loop.call_later(trip.limit, self._end, driver)]
        if trip.late is not None:
            timers.append(loop.call_later(trip.patience, trip.late))
        try:
            return await self._called(driver)
        finally:
            for timer in timers:
                timer.cancel()

    def _end(self, driver: Connection) -> None:
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
            for name in self._trip.statements:
                driver.known.pop(name, None)
            return await self._fetch(driver)

    async def _fetch(self, driver: Connection) -> list[asyncpg.Record]:
        trip = self._trip
        missing = [name for name in trip.statements if name not in driver.known]
        records: list[asyncpg.Record] = await self._lease.run(driver.fetch(trip.call, *trip.args(missing)))
        _learn(driver.known, trip.turns, records)
        return records


def _learn(known: dict[str, None], turns: Sequence[str], records: Sequence[asyncpg.Record]) -> None:
    """Remember which statements are prepared now. Those used last go to the end."""
    for name in dict.fromkeys(turns[: len(records)]):
        known.pop(name, None)
        known[name] = None
    for name, record in zip(turns, records, strict=False):
        if not record["done"] and record["status"] == NOT_THERE:
            known.pop(name, None)


async def _forget(driver: Connection) -> None:
    """Let the oldest prepared statements go, once there are many."""
    if len(driver.known) <= MOST_KNOWN:
        return
    oldest = list(driver.known)[:_FORGOTTEN]
    for name in oldest:
        del driver.known[name]
    await driver.execute("; ".join(f'DEALLOCATE "{name}"' for name in oldest))
