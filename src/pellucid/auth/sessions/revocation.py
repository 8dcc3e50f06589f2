"""Which sessions have ended before the access tokens that they gave: known to every worker of every node.

PostgreSQL notifies on a channel when a session ends; besides, what ended lately is read again every two seconds, so that a notification
that got lost costs no more than that. Asking is a look into a set.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg

from pellucid.database.caller import ACCOUNTS_ROLE
from pellucid.database.catalog.line import Line
from pellucid.database.core import Database
from pellucid.lifecycle import Lifecycle

CHANNEL = "pellucid_sessions"
LOOK = 2.0
"""Seconds between two looks. A revoked session is refused everywhere within five, a reconnection included."""
OVERLAP = timedelta(minutes=2)
"""How far each look goes back: a transaction commits later than the moment it wrote down, but not by so much."""
LOOKS_BETWEEN_ALL = 300
"""Looks until everything is read once more, so that what is old is forgotten."""

ENDED = "select id::text from auth.revoked_sessions where revoked_at > clock_timestamp() - $1::interval"
NO_LISTENING = (
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.FeatureNotSupportedError,
    asyncpg.ReadOnlySQLTransactionError,
)
"""What a standby says."""
log = logging.getLogger(__name__)


class Revocations(Lifecycle):
    """The sessions that have ended. It is a `pellucid.auth.identifier.Refusing`."""

    def __init__(self, database: Database, keep: int) -> None:
        """Prepare it.

        Args:
            database: where sessions are.
            keep: seconds for which an access token may outlive its session: its lifetime and the leeway of clocks.
        """
        super().__init__()
        self._database = database
        self._keep = timedelta(seconds=keep)
        self._ended: set[str] = set()
        self._heard: set[str] = set()
        self._line = Line(database.options, self._opened, "sessions")
        self._fresh = True
        self._looks = 0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def refuses(self, claims: Mapping[str, Any]) -> bool:
        """Whether these claims are those of a session that has ended, or of an API key that was revoked. Tokens without either are none of
        its business."""
        for name in ("session_id", "key_id"):
            proof = claims.get(name)
            if isinstance(proof, str) and proof in self._ended:
                return True
        return False

    def add(self, ended: Iterable[UUID]) -> None:
        """Refuse these from now on; others will be told by the database."""
        for session_id in ended:
            self._hear(str(session_id))

    async def look(self) -> None:
        """Read what has ended."""
        everything = self._fresh or self._looks % LOOKS_BETWEEN_ALL == 0
        self._heard = set()
        async with self._line.use() as connection:
            if self._fresh:
                await self._prepare(connection)
            rows = await connection.fetch(ENDED, self._keep if everything else OVERLAP)
        found = {row[0] for row in rows}
        self._ended = (set() if everything else self._ended) | found | self._heard
        self._looks += 1

    async def _start(self) -> None:
        if self._database.capabilities.accounts is not None:
            return
        await self.look()
        self._task = asyncio.create_task(self._watch())

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        await self._line.close()

    async def _watch(self) -> None:
        well = True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.look()
                well = True
            except Exception as fault:
                if well:
                    log.warning("Which sessions have ended cannot be read just now.", exc_info=fault)
                well = False
                await asyncio.sleep(LOOK / 10)

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        await connection.execute(f"set role {ACCOUNTS_ROLE}")
        with suppress(*NO_LISTENING):
            await connection.add_listener(CHANNEL, self._told)
        self._fresh = False

    def _opened(self, connection: asyncpg.Connection) -> None:
        self._fresh = True
        connection.add_termination_listener(self._lost)

    def _lost(self, _connection: Any) -> None:
        self._fresh = True
        self._woken.set()

    def _told(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self._hear(str(payload))

    def _hear(self, session_id: str) -> None:
        self._ended.add(session_id)
        self._heard.add(session_id)
