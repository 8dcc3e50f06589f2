"""How often somebody may try: counted for each account and each address, in PostgreSQL, so that all workers and nodes count together.

Nobody is locked out. The first attempts are free; each further one must wait longer, up to a bound. An attempt is counted before
it is known how it ends, in one statement, so that a thousand at once are a thousand. What is counted is what was typed, so that
accounts that do not exist are counted like others. A success takes the count of the account back.
"""

import math

from msgspec import Struct
from sqlalchemy import text

from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import Client
from pellucid.auth.opaque import digest
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import WriteSession
from pellucid.errors import TooManyAttempts

COUNT = text("""
with counted as (
  insert into auth.attempts as a (subject, count, free_at, last_at)
  values (:subject, 1, clock_timestamp(), clock_timestamp())
  on conflict (subject) do update set
    count = case when a.last_at < clock_timestamp() - make_interval(secs => :memory) then 1 else a.count + 1 end,
    free_at = clock_timestamp() + make_interval(secs => case
      when a.last_at < clock_timestamp() - make_interval(secs => :memory) or a.count + 1 < :free then 0
      else least(:longest, power(2, least(a.count + 1 - :free, 30))) end),
    last_at = clock_timestamp()
  where a.free_at <= clock_timestamp()
  returning free_at > last_at as waits
)
select case when exists (select from counted) then 0 else coalesce(
  (select greatest(extract(epoch from free_at - clock_timestamp()), 1) from auth.attempts where subject = :subject), 1)
end::float8 as wait, exists (select from counted where waits) as limited
""")
"""Counts where no wait is due, and tells the wait in seconds where one is: one statement, which looks and counts at once. It also tells
whether the attempt that it has counted makes the next one wait."""
FORGIVE = text("delete from auth.attempts where subject = :subject")


class Rule(Struct, frozen=True):
    """How often is free, and how the wait grows: doubled with each further attempt, from one second up to ``longest``.

    All is forgotten ``memory`` seconds after the last attempt.
    """

    free: int
    longest: float = 60.0
    memory: float = 900.0


class Kind(Struct, frozen=True):
    """Something that is counted by itself: a rule for one account, and one for one address (a network, `Client.network`)."""

    name: str
    account: Rule
    address: Rule


class Counted(Struct, frozen=True):
    """One thing that an attempt counts for: what was tried, by whom it is counted, under which name, and by which rule."""

    kind: str
    by: str
    subject: str
    rule: Rule


ACCOUNT, ADDRESS = "account", "address"
SIGN_IN = Kind("sign_in", Rule(30), Rule(300))
SIGN_UP = Kind("sign_up", Rule(20), Rule(60))
MAIL = Kind("mail", Rule(5, longest=900, memory=3600), Rule(60, longest=300))
TEXT = Kind("text", Rule(5, longest=3600, memory=86400), Rule(20, longest=900, memory=3600))
"""Text messages, which cost whoever runs this server."""
CODE = Kind("code", Rule(10, longest=3600, memory=86400), Rule(60))
"""Codes that were mailed. They are short: what is forgotten too soon lets somebody patient try many of them."""
REFRESH = Kind("refresh", Rule(300), Rule(300))
"""Refresh tokens from one address without one among them that was good."""
FACTOR = Kind("factor", Rule(10, longest=3600, memory=86400), Rule(100))
"""Attempts to prove a second factor."""
ENROL = Kind("enrol", Rule(30, longest=300), Rule(300))
"""Factors that are begun."""
PASSKEY = Kind("passkey", Rule(10, longest=300), Rule(100))
"""Attempts to sign in with a passkey alone."""


class Limits:
    """Counts attempts."""

    def __init__(self, database: Database, audit: Audit, *, addresses: bool = True) -> None:
        """Count in this database, and tell this log of waits; count by address too where ``addresses`` says so."""
        self.database = database
        self.audit = audit
        self.addresses = addresses

    async def admit(self, kind: Kind, account: str | None, client: Client) -> None:
        """Count an attempt, for the account and for the address, in one transaction of its own.

        Args:
            kind: what is tried.
            account: whose account, as it was typed and brought to one spelling; None where it is not known.
            client: who tries.

        Raises:
            TooManyAttempts: a wait is due; it carries ``Retry-After``.
        """
        wait = 0.0
        counted = self._counted(kind, account, client)
        if counted:
            async with self.database.write(ACCOUNTS) as writing:
                for each in counted:
                    wait = wait or await self._count(writing, each, client)
        if wait > 0:
            raise TooManyAttempts(
                "There were too many attempts just now.", headers={"Retry-After": str(max(1, math.ceil(wait)))}
            )

    async def forgive_address(self, writing: WriteSession, kind: Kind, client: Client) -> None:
        """Take the count of an address back, within a transaction: for what only failures count."""
        if client.network is not None and self.addresses:
            await writing.execute(FORGIVE, {"subject": _subject(kind, ADDRESS, client.network)})

    async def forgive(self, writing: WriteSession, kind: Kind, account: str) -> None:
        """Take the count of an account back, within a transaction: whoever it was has proved it."""
        await writing.execute(FORGIVE, {"subject": _subject(kind, ACCOUNT, account)})

    def _counted(self, kind: Kind, account: str | None, client: Client) -> list[Counted]:
        """What an attempt counts for: the account first, always in this order, so that no two wait for each other."""
        counted = (
            [] if account is None else [Counted(kind.name, ACCOUNT, _subject(kind, ACCOUNT, account), kind.account)]
        )
        if client.network is not None and self.addresses:
            counted.append(Counted(kind.name, ADDRESS, _subject(kind, ADDRESS, client.network), kind.address))
        return counted

    async def _count(self, writing: WriteSession, counted: Counted, client: Client) -> float:
        """Count an attempt; tells the seconds to wait. The log hears of each that makes the next one wait: of no more than waits allow."""
        rule = counted.rule
        values = {"subject": counted.subject, "free": rule.free, "longest": rule.longest, "memory": rule.memory}
        found = (await writing.execute(COUNT, values)).one()
        if found.limited:
            details = {"kind": counted.kind, "by": counted.by}
            await self.audit.note(writing, Event.LIMITED, client=client, details=details)
        return float(found.wait)


def _subject(kind: Kind, whose: str, name: str) -> str:
    """What is stored: a hash, for neither addresses nor people are anybody's business here."""
    return digest(name, kind.name, whose).hex()
