"""Whether the database answers, asked once however many want to know at the same moment."""

import asyncio

from pellucid.database.core import Database
from pellucid.errors import PellucidError

SECONDS = 2.0
"""More than this, and a load balancer would have stopped waiting."""


class Pulse:
    """Feels the database's pulse. Those who ask while a question is under way get its answer: a flood of them costs one."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[bool] | None = None

    async def beats(self, database: Database) -> bool:
        """Whether the database answers within `SECONDS`."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(_ask(database))
        return await asyncio.shield(self._asking)


async def _ask(database: Database) -> bool:
    """Ask beside the pool: a node whose connections are all at work is not ill."""
    try:
        async with asyncio.timeout(SECONDS):
            await database.ping()
    except (PellucidError, TimeoutError):
        return False
    return True
