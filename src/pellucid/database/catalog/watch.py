"""Hears of schema changes and has the catalog read again, within a second of each."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Any

import asyncpg

from pellucid.database.catalog import queries
from pellucid.database.catalog.line import Line
from pellucid.database.catalog.store import CatalogStore
from pellucid.database.options import DatabaseOptions
from pellucid.lifecycle import Lifecycle

CHANNEL = "pellucid"
"""Ours, which the event triggers use; the one of the options is for migrations of PostgREST's users."""

PAYLOADS = ("", "reload schema", "reload config")
GATHER = 0.05
"""Seconds to wait after the first word of a change: a migration says many."""

LOOK = 0.5
"""Seconds between two looks at what nobody tells us."""

SHARE = 20
"""A look that takes long is taken more seldom: it may use one part in so many of the time."""

PATIENCE = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts to reach a database that is gone; the last one is repeated."""

BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
log = logging.getLogger(__name__)


class Watch(Lifecycle):
    """Listens for notifications, and looks for itself where there are none.

    Event triggers tell every change inside the database; roles, their memberships and their settings belong to the whole cluster and
    are looked at twice a second. Where there are no event triggers, or the server cannot be listened to (a standby), the exposed
    schemas are looked at as well.
    """

    def __init__(self, options: DatabaseOptions) -> None:
        super().__init__()
        self.line = Line(options, self._opened)
        self.store = CatalogStore(self.line, options.schemas, options.extra_search_path)
        self._channel = options.channel
        self._schemas = list(options.schemas)
        self._extra = list(options.extra_search_path)
        self._woken = asyncio.Event()
        self._fresh = True
        self._listening = False
        self._mark: tuple[Any, ...] | None = None
        self._task: asyncio.Task[None] | None = None

    async def _start(self) -> None:
        await self._look()
        await self.store.refresh()
        self._task = asyncio.create_task(self._watch())

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.store.stop()
        await self.line.close()

    async def _watch(self) -> None:
        failures = 0
        pause = LOOK
        while True:
            try:
                if await self._word_within(pause):
                    await asyncio.sleep(GATHER)
                    self._woken.clear()
                    await self.store.refresh()
                began = time.monotonic()
                if await self._look():
                    await self.store.refresh()
                pause = max(LOOK, SHARE * (time.monotonic() - began))
                failures = 0
            except Exception as fault:
                if failures == 0:
                    log.warning(
                        "The catalog cannot be read just now.", exc_info=None if isinstance(fault, BROKEN) else fault
                    )
                pause = PATIENCE[min(failures, len(PATIENCE) - 1)]
                failures += 1
                self._mark = None

    async def _word_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self._woken.wait()
        return False

    async def _look(self) -> bool:
        """Look at the marks. True when they differ from those of the last look, and after every new connection."""
        async with self.line.use() as connection:
            if self._fresh:
                await self._listen(connection)
            shared = tuple(await connection.fetchrow(queries.SHARED_MARK))
            told = shared[-1] and self._listening
            local = () if told else tuple(await connection.fetch(queries.LOCAL_MARK, self._schemas, self._extra))
        mark = (shared, local)
        changed, self._mark = mark != self._mark, mark
        return changed

    async def _listen(self, connection: asyncpg.Connection) -> None:
        try:
            for channel in {CHANNEL, self._channel}:
                await connection.add_listener(channel, self._heard)
            self._listening = True
        except (
            asyncpg.ObjectNotInPrerequisiteStateError,
            asyncpg.FeatureNotSupportedError,
            asyncpg.ReadOnlySQLTransactionError,
        ):
            self._listening = False
        self._fresh = False
        self._mark = None

    def _opened(self, connection: asyncpg.Connection) -> None:
        self._fresh = True
        self._woken.clear()
        connection.add_termination_listener(self._lost)

    def _lost(self, _connection: Any) -> None:
        self._fresh = True
        self._woken.set()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        if payload in PAYLOADS:
            self._woken.set()
