"""Throws away what is over: sessions, tokens, challenges and counters that have expired, factors that were never proved, old events."""

from sqlalchemy import text

from pellucid.auth.options import AccountOptions
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.lifecycle import Background

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


class Housekeeper(Background):
    """Cleans once an hour, one worker for all."""

    pause = PAUSE
    trouble = "What is over could not be thrown away."

    def __init__(self, database: Database, options: AccountOptions) -> None:
        super().__init__()
        self._database = database
        self._audit_days = max(1, options.audit_days)

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
            await super()._start()

    async def _work(self) -> None:
        await self.clean()
