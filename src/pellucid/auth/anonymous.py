"""Accounts of people who say nothing of themselves, and how such an account becomes a real one and stays the same."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import insert, update

from pellucid.auth.assurance import require_account
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.credentials import SET_PASSWORD
from pellucid.auth.door import PASSWORD, Door
from pellucid.auth.hooks import Hooks, SignUpEntry
from pellucid.auth.limits import SIGN_UP, Kind, Limits, Rule
from pellucid.auth.mailed import Mailed
from pellucid.auth.options import AccountOptions
from pellucid.auth.passwords import Passwords
from pellucid.auth.schemas import SignUp
from pellucid.auth.sessions.service import Granted
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import FeatureOff, Forbidden
from pellucid.web.identity import Identity

METHOD = "anonymous"
ANONYMOUS = Kind("anonymous", Rule(30), Rule(30, longest=3600, memory=3600))
"""Anonymous accounts made from one address."""


class Anonymous(Struct, frozen=True):
    """Makes anonymous accounts."""

    database: Database
    door: Door
    audit: Audit
    limits: Limits
    hooks: Hooks
    options: AccountOptions
    passwords: Passwords
    mailed: Mailed

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

    async def become(self, identity: Identity, entry: SignUp, client: Client = NOBODY) -> User | None:
        """Give an anonymous account an address and a password; it keeps its id, its sessions and all that belongs to it.

        Returns:
            The account. None where addresses are verified: it is real once the mail that follows has been answered.

        Raises:
            Forbidden: the account is no anonymous one.
            Duplicate: the address has an account already, and addresses are not verified.
            TooManyAttempts: too often.
            PellucidError: a hook of the application refused.
        """
        user_id = require_account(identity)
        await self.limits.admit(SIGN_UP, entry.email, client)
        if not (await self.door.user(user_id)).is_anonymous:
            raise _not_anonymous()
        await self.hooks.signing_up(SignUpEntry(entry.email, PASSWORD, client, entry.metadata))
        hashed = await self.passwords.hash(entry.password.get_secret_value())
        if self.options.verify_email:
            async with self.database.write(ACCOUNTS) as writing:
                await writing.execute(SET_PASSWORD, {"user_id": user_id, "hash": hashed})
            await self.mailed.ask_change(user_id, entry.email, client)
            return None
        async with self.database.write(ACCOUNTS) as writing:
            real = update(User).where(User.id == user_id, User.is_anonymous)
            told = {
                "email": entry.email,
                "is_anonymous": False,
                "user_metadata": User.user_metadata.concat(entry.metadata),
            }
            user = (await writing.scalars(real.values(told).returning(User))).one_or_none()
            if user is None:
                raise _not_anonymous()
            await writing.execute(SET_PASSWORD, {"user_id": user_id, "hash": hashed})
            details = {"method": PASSWORD}
            await self.audit.note(writing, Event.ANONYMOUS_MADE_REAL, user_id=user_id, client=client, details=details)
        return user


def _not_anonymous() -> Forbidden:
    return Forbidden(
        "This account is no anonymous one.", hint="Change its address with PUT /email, its password with PUT /password."
    )
