"""Throws away what is over: sessions, tokens, challenges and counters that have expired, factors that were never proved, old events, and
anonymous accounts that nobody comes back to.

The session is all that proves an anonymous account. When it has ended, nobody can come back, unless with a passkey or an API key of the
account; after some days without any of them the account is erased, like a person who asks for it. Its sessions are kept so long.
"""

import logging
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import TextClause, text

from pellucid.auth.admin.personal import Personal
from pellucid.auth.options import AccountOptions
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import PellucidError
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
        "delete from auth.one_time_tokens where expires_at < now() - make_interval(days => :days)",
        "delete from auth.challenges where expires_at < now() - make_interval(days => :days)",
        "delete from auth.factors where verified_at is null and created_at < now() - make_interval(days => :days)",
        "delete from auth.flow_states where expires_at < now() - make_interval(days => :days)",
        "delete from auth.attempts where last_at < now() - make_interval(days => :days)",
        "delete from auth.revoked_sessions where revoked_at < now() - make_interval(days => :days)",
    )
)
ENDED = text("""
delete from auth.sessions s using auth.users u where u.id = s.user_id
  and least(s.idle_ends_at, s.ends_at, s.revoked_at)
    < now() - make_interval(days =>
      greatest(cast(:days as int), case when u.is_anonymous then cast(:anonymous_days as int) end))
""")
NOBODY_COMES = """
u.is_anonymous and u.phone_verified_at is null and u.created_at < now() - make_interval(days => :anonymous_days)
and not exists (select from auth.sessions s where s.user_id = u.id
  and least(s.idle_ends_at, s.ends_at, s.revoked_at) > now() - make_interval(days => :anonymous_days))
and not exists (select from auth.factors f where f.user_id = u.id and f.kind = 'webauthn' and f.verified_at is not null)
and not exists (select from auth.api_keys k where k.user_id = u.id and k.revoked_at is null
  and (k.expires_at is null or k.expires_at > now() - make_interval(days => :anonymous_days)))
"""
ABANDONED = text(f"select u.id from auth.users u where u.id > :after and {NOBODY_COMES} order by u.id limit 500")
STILL = text(f"select exists (select from auth.users u where u.id = :user_id and {NOBODY_COMES})")
OLD_EVENTS = text("delete from auth.audit_log where at < now() - make_interval(days => :days)")
OLD_MAILS = text("delete from auth.inbox where id not in (select id from auth.inbox order by id desc limit :kept)")
log = logging.getLogger(__name__)


class Housekeeper(Background):
    """Cleans once an hour, one worker for all."""

    pause = PAUSE
    trouble = "What is over could not be thrown away."

    def __init__(self, database: Database, options: AccountOptions, personal: Personal) -> None:
        super().__init__()
        self._personal = personal
        self._anonymous_days = options.anonymous_days
        self._database = database
        self._audit_days = max(1, options.audit_days)

    async def clean(self) -> None:
        """Throw away what is over, unless another worker does so at this moment."""
        async with self._database.write(ACCOUNTS) as writing:
            if not await writing.scalar(MINE, {"turn": TURN}):
                return
            await writing.execute(ENDED, {"days": KEPT_DAYS, "anonymous_days": self._anonymous_days})
            for statement in EXPIRED:
                await writing.execute(statement, {"days": KEPT_DAYS})
            await writing.execute(OLD_EVENTS, {"days": self._audit_days})
            await writing.execute(OLD_MAILS, {"kept": INBOX})

    async def erase_abandoned(self) -> int:
        """Erase the anonymous accounts that nobody comes back to; tells how many. One that rows of the application refer to is left."""
        count, after = 0, UUID(int=0)
        while self._anonymous_days and (found := await self._abandoned(after)):
            for user_id in found:
                try:
                    count += await self._personal.erase(user_id, reason="abandoned", provided=self._still(user_id))
                except PellucidError as fault:
                    log.warning("The abandoned account %s could not be erased: %s", user_id, fault.message)
            after = found[-1]
        return count

    async def _abandoned(self, after: UUID) -> Sequence[UUID]:
        values = {"after": after, "anonymous_days": self._anonymous_days}
        async with self._database.read(ACCOUNTS) as reading:
            return (await reading.scalars(ABANDONED, values)).all()

    def _still(self, user_id: UUID) -> TextClause:
        return STILL.bindparams(user_id=user_id, anonymous_days=self._anonymous_days)

    async def _start(self) -> None:
        if self._database.capabilities.accounts is None:
            await super()._start()

    async def _work(self) -> None:
        await self.clean()
        await self.erase_abandoned()
