"""Throws away what is over: sessions, tokens, challenges and counters that have expired, factors that were never proved, old events."""

import asyncio
import logging
from contextlib import suppress

from sqlalchemy import text

from pellucid.auth.options import AccountOptions
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.lifecycle import Lifecycle

PAUSE = 3600.0
TURN = 0x70656C6D
"""The advisory lock that lets one worker of all nodes clean at a time."""
KEPT_DAYS = 7
"""How long what has ended is kept, for whoever wonders why."""
INBOX = 200
"""Mails that the inbox page keeps."""

MINE = text("select pg_try_advisory_xact_lock(:turn)")
EXPIRED = tuple(
    text(statement)
    for statement in (
        "delete from auth.sessions where least(idle_ends_at, ends_at, revoked_at) < now() - make_interval(days => :days)",
        "delete from auth.one_time_tokens where expires_at < now() - make_interval(days => :days)",
        "delete from auth.challenges where expires_at < now() - make_interval(days => :days)",
        "delete from auth.factors where verified_at is null and created_at < now() - make_interval(days => :days)",
        "delete from auth.flow_states where expires_at < now() - make_interval(days => :days)",
        "delete from auth.attempts where last_at < now() - make_interval(days => :days)",
        "delete from auth.revoked_sessions where revoked_at < now() - make_interval(days => :days)",
    )
)
OLD_EVENTS = text("delete from auth.audit_log where at < now() - make_interval(days => :days)")
OLD_MAILS = text("delete from auth.inbox where id not in (select id from auth.inbox order by id desc limit :kept)")
log = logging.getLogger(__name__)


class Housekeeper(Lifecycle):
    """Cleans once an hour, one worker for all."""

    def __init__(self, database: Database, options: AccountOptions) -> None:
        super().__init__()
        self._database = database
        self._audit_days = max(1, options.audit_days)
        self._task: asyncio.Task[None] | None = None

    async def clean(self) -> None:
        """Throw away what is over, unless another worker does so at this moment."""
        async with self._database.write(ACCOUNTS) as writing:
            if not await writing.scalar(MINE, {"turn": TURN}):
                return
            for statement in EXPIRED:
                await writing.execute(statement, {"days": KEPT_DAYS})
            await writing.execute(OLD_EVENTS, {"days": self._audit_days})
            await writing.execute(OLD_MAILS, {"kept": INBOX})

    async def _start(self) -> None:
        if self._database.capabilities.accounts is None:
            self._task = asyncio.create_task(self._work())

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await self.clean()
            except Exception as fault:
                log.warning("What is over could not be thrown away.", exc_info=fault)
