"""Sign-up: making an account, with the same statements and the same answer whether the address has one or not."""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.credentials import SET_PASSWORD
from pellucid.auth.door import PASSWORD
from pellucid.auth.firstproof import BOND, bond
from pellucid.auth.hooks import Hooks, SignUpEntry
from pellucid.auth.limits import MAIL, SIGN_UP, Limits
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.onetime import Purpose
from pellucid.auth.options import AccountOptions
from pellucid.auth.passwords import Passwords
from pellucid.auth.schemas import SignUp
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import WriteSession
from pellucid.errors import Duplicate, Fault

MAKE = text("""
insert into auth.users (email, metadata) values (:email, cast(:metadata as jsonb))
on conflict (lower(email)) do nothing
returning id
""")
"""Make an account. One that is there is left as it is, verified or not: who signs up a second time need not be who did the first time."""
NO_ONE = UUID(int=0)
"""The id of no account."""


class Registration:
    """Makes accounts for those who ask for one."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        *,
        audit: Audit,
        limits: Limits,
        hooks: Hooks,
        outbox: Outbox,
        options: AccountOptions,
    ) -> None:
        self.database = database
        self.passwords = passwords
        self.audit = audit
        self.limits = limits
        self.hooks = hooks
        self.outbox = outbox
        self.options = options
        self._telling: set[asyncio.Task[None]] = set()

    async def sign_up(
        self, entry: SignUp, client: Client = NOBODY, data: Mapping[str, Any] | None = None
    ) -> User | None:
        """Make an account.

        Args:
            entry: the address and the password, and what the account says of itself.
            client: from where.
            data: for the mail; see `pellucid.auth.mailed.Mailed.ask`.

        Returns:
            The account. None where addresses are verified and this one has an account already: show the same as for a new one.

        Raises:
            Duplicate: the address has an account already, and addresses are not verified.
            TooManyAttempts: too often.
            PellucidError: a hook of the application refused.
        """
        await self.limits.admit(SIGN_UP, entry.email, client)
        if self.options.verify_email:
            await self.limits.admit(MAIL, entry.email, client)
        await self.hooks.signing_up(SignUpEntry(entry.email, PASSWORD, client, entry.metadata))
        hashed = await self.passwords.hash(entry.password.get_secret_value())
        async with self.database.write(ACCOUNTS) as writing:
            user = await self._made(writing, entry, hashed)
            details = {"method": PASSWORD, "new": user is not None}
            await self.audit.note(
                writing, Event.SIGNED_UP, user_id=user.id if user else None, client=client, details=details
            )
            if self.options.verify_email:
                mail = dict(data or {}) | {"sign_up": True, BOND: bond(hashed)}
                await self.outbox.put(writing, Purpose.VERIFY, entry.email, data=mail)
        if user is None and not self.options.verify_email:
            raise _taken()
        if user is not None:
            self._tell(self.hooks.signed_up(user))
        return user

    async def _made(self, writing: WriteSession, entry: SignUp, hashed: str) -> User | None:
        """The new account, after the same statements whether it is new or not."""
        values = {"email": entry.email, "metadata": json.dumps(entry.metadata)}
        user_id = await writing.scalar(MAKE, values) or NO_ONE
        await writing.execute(SET_PASSWORD, {"user_id": user_id, "hash": hashed})
        return (await writing.scalars(select(User).where(User.id == user_id))).one_or_none()

    def _tell(self, telling: Coroutine[Any, Any, None]) -> None:
        """Tell hooks of what has happened without having the caller wait: how long it takes tells whether there was an account."""
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def _taken() -> Duplicate:
    fault = Fault("email", "This e-mail address has an account already.", "Sign in at /login instead.")
    return Duplicate(fault.message, sqlstate="23505", hint=fault.hint, faults=(fault,))
