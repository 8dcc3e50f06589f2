"""The one door into a session, whatever proved who asks: bans, verification, hooks, the session, the audit log, in this order."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select, text, update

from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.hooks import Hooks, SignInEntry
from pellucid.auth.limits import Kind, Limits
from pellucid.auth.options import AccountOptions
from pellucid.auth.sessions.browsers import Browsers
from pellucid.auth.sessions.service import Granted, Sessions
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import WriteSession
from pellucid.errors import Banned, PellucidError, Unverified, WrongCredentials

PASSWORD = "password"  # noqa: S105 - the name of a method
HASH = text("select hash from auth.passwords where user_id = :user_id")


class Door(Struct, frozen=True):
    """Lets people in."""

    database: Database
    sessions: Sessions
    browsers: Browsers
    audit: Audit
    limits: Limits
    hooks: Hooks
    options: AccountOptions

    async def let_in(
        self,
        user: User,
        *methods: str,
        client: Client = NOBODY,
        cookie: bool = False,
        forgive: tuple[Kind, str] | None = None,
        strong: bool = False,
        hashed: str | None = None,
        using: Callable[[WriteSession], Awaitable[None]] | None = None,
    ) -> Granted:
        """Open a session for an account that has proved itself.

        Args:
            user: the account.
            methods: what was proved, as ``amr`` names it: ``password``, ``otp``, ``oauth``, ``totp``, ``webauthn``, ``anonymous``, …
                Two of them are two factors.
            client: from where.
            cookie: whether a browser's cookie is to prove the session; otherwise access and refresh tokens do.
            forgive: the attempts that are taken back: what was tried, and the account as it was counted.
            strong: whether one method proved two factors at once, as a passkey does that makes sure of its owner.
            hashed: the hash that a password was compared with; it must be the stored one still.
            using: uses up what was proved, in the transaction that opens the session; what it raises lets nobody in.

        Raises:
            Banned: the account is.
            Unverified: its address is not verified, it must be, and a password was all that was proved.
            WrongCredentials: it is gone, or has another password by now.
            PellucidError: a hook of the application refused.
        """
        async with self._told(user, methods, client):
            check_ban(user)
            self._require_verified(user, methods)
            await self.hooks.signing_in(SignInEntry(user, methods[0], client))
            async with self.database.write(ACCOUNTS) as writing:
                known = await self._still(writing, user, hashed)
                if using is not None:
                    await using(writing)
                opened = await self.sessions.open(writing, known, *methods, client=client, cookie=cookie, strong=strong)
                about: dict[str, Any] = {"user_id": user.id, "session_id": opened.session.id, "client": client}
                await self.audit.note(writing, Event.SIGNED_IN, **about, details={"methods": list(methods)})
                if forgive is not None:
                    await self.limits.forgive(writing, *forgive)
        granted = await self.sessions.grant(opened)
        await self.hooks.signed_in(SignInEntry(known, methods[0], client))
        return granted

    async def failed(self, user_id: UUID | None, *methods: str, client: Client, reason: str | None = None) -> None:
        """Write down that somebody was not let in. ``user_id`` is None where what was tried belongs to no account."""
        details = {"methods": list(methods), "reason": reason or WrongCredentials.code}
        await self.audit.record(Event.SIGN_IN_FAILED, user_id=user_id, client=client, details=details)

    @asynccontextmanager
    async def _told(self, user: User, methods: Sequence[str], client: Client) -> AsyncIterator[None]:
        """Write a refusal down, outside of the transaction that it ends."""
        try:
            yield
        except PellucidError as fault:
            if fault.status < 500:
                await self.failed(user.id, *methods, client=client, reason=fault.code)
            raise

    def _require_verified(self, user: User, methods: Sequence[str]) -> None:
        if self.options.verify_email and methods == (PASSWORD,) and user.email and user.email_verified_at is None:
            raise Unverified("The e-mail address of this account is not verified yet.")

    async def _still(self, writing: WriteSession, user: User, hashed: str | None) -> User:
        """The account as it is now, locked from here on: neither deleted, nor with another password, nor banned since it was looked up."""
        noted = update(User).where(User.id == user.id).values(last_sign_in_at=func.now()).returning(User)
        known = (await writing.scalars(noted, execution_options={"populate_existing": True})).one_or_none()
        if known is None or (hashed is not None and hashed != await writing.scalar(HASH, {"user_id": user.id})):
            raise wrong()
        check_ban(known)
        return known

    async def step_up(self, session_id: UUID, method: str, client: Client = NOBODY) -> Granted:
        """Raise a session to aal2: another factor was proved. Its cookie or its refresh token is a new one from now on.

        Raises:
            SessionEnded: it is not alive.
        """
        async with self.database.write(ACCOUNTS) as writing:
            opened = await self.sessions.step_up(writing, session_id, method, client)
        self.browsers.forget(session_id)
        return await self.sessions.grant(opened)

    async def user(self, user_id: UUID) -> User:
        """An account by its id.

        Raises:
            WrongCredentials: it is gone.
        """
        async with self.database.read(ACCOUNTS) as reading:
            user = (await reading.scalars(select(User).where(User.id == user_id))).one_or_none()
        if user is None:
            raise wrong()
        return user


def check_ban(user: User) -> None:
    """Go on only with an account that is not banned.

    Raises:
        Banned: it is.
    """
    until = user.banned_until
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=UTC)  # PostgreSQL's infinity, which the driver tells without a zone
    if until is not None and until > datetime.now(UTC):
        raise Banned("This account is banned.")


def wrong() -> WrongCredentials:
    """The one refusal of whatever does not belong together."""
    return WrongCredentials("The e-mail address and the password do not belong together.")
