"""Keeps the history of statements while a server runs."""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from pellucid.database.capabilities import Feature
from pellucid.database.core import Database
from pellucid.later import later
from pellucid.lifecycle import Lifecycle
from pellucid.trace.witness.lookout import BROKEN, Lookout

if TYPE_CHECKING:
    from pellucid.trace import statements
else:
    statements = later("pellucid.trace.statements")

EVERY = 600.0
"""Seconds between two snapshots: a day is some 150 of them, and each is one statement of some milliseconds."""

FIRST = 30.0
"""Seconds before the first one: a start has other things to do."""

log = logging.getLogger(__name__)


def historian_of(database: Database, admin_dsn: str | None) -> "Historian | None":
    """What keeps the history of a worker's database; None where there are no statistics, or no place for a history."""
    lacking = database.capabilities.lacking
    if lacking(Feature.STATISTICS) is not None or lacking(Feature.HISTORY) is not None:
        return None
    return Historian(Lookout(database.options, admin_dsn, database.capabilities))


class Historian(Lifecycle):
    """Takes snapshots. Each worker has one, and whoever comes first takes the turn; the others find the work done.

    It connects for a snapshot, and not in between.
    """

    def __init__(self, lookout: Lookout, *, every: float = EVERY, first: float = FIRST) -> None:
        """Prepare it.

        Args:
            lookout: of its own, with the rights to write the history.
            every: seconds between two snapshots.
            first: seconds before the first one.
        """
        super().__init__()
        self._lookout = lookout
        self._every = every
        self._first = first
        self._task: asyncio.Task[None] | None = None

    async def _start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self._lookout.close()

    async def _keep(self) -> None:
        await asyncio.sleep(self._first)
        while True:
            try:
                await self._remember()
            except BROKEN as fault:  # the history has a hole then, and nobody waits for it
                log.debug("no snapshot of the statements: %s", fault)
            await asyncio.sleep(self._every)

    async def _remember(self) -> None:
        async with self._lookout.use() as connection:
            schema = await statements.schema_of(connection)
            if schema is not None and not await connection.fetchval("select pg_is_in_recovery()"):
                await statements.remember(connection, schema)
        await self._lookout.close()
