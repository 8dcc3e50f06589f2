"""Accounts of people who say nothing of themselves, and how such an account becomes a real one and stays the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.door import Door
from pellucid.auth.hooks import Hooks, SignUpEntry
from pellucid.auth.limits import Kind, Limits, Rule
from pellucid.auth.options import AccountOptions
from pellucid.auth.sessions.service import Granted
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import FeatureOff

METHOD = "anonymous"
ANONYMOUS = Kind("anonymous", Rule(30), Rule(30, longest=3600, memory=3600))
"""Anonymous accounts made from one address."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Makes anonymous accounts."""

    database: Database
    door: Door
    audit: Audit
    limits: Limits
    hooks: Hooks
    options: AccountOptions

    async def sign_up(
        self, client: Client = NOBODY, metadata: Mapping[str, Any] | None = None, *, cookie: bool = False
    ) -> Granted:
        """Make an account that nobody has said anything about, and let it in. Its session is all that proves it.

        Raises:
            FeatureOff: there are no anonymous accounts here.
            TooManyAttempts: too many from this address.
            PellucidError: a hook of the application refused.
        """
        if not self.options.anonymous:
            raise FeatureOff(
                "There are no anonymous accounts here.", hint="Let whoever runs this server turn on anonymous."
            )
        await self.limits.admit(ANONYMOUS, None, client)
        await self.hooks.signing_up(SignUpEntry(None, METHOD, client, metadata or {}))
        async with self.database.write(ACCOUNTS) as writing:
            made = insert(User).values(is_anonymous=True, user_metadata=dict(metadata or {}))
            user = (await writing.scalars(made.returning(User))).one()
            details = {"method": METHOD, "new": True}
            await self.audit.note(writing, Event.SIGNED_UP, user_id=user.id, client=client, details=details)
        await self.hooks.signed_up(user)
        return await self.door.let_in(user, METHOD, client=client, cookie=cookie)
