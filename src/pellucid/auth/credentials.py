"""Passwords of accounts: signing in with one, changing it, and setting another. A connection is never held while one is hashed."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select, text, update

from pellucid.auth import firstproof, onetime
from pellucid.auth.addresses import sought
from pellucid.auth.assurance import require_account, require_assurance
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.door import PASSWORD, Door, wrong
from pellucid.auth.limits import SIGN_IN, Limits
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.mailed import Mailed
from pellucid.auth.onetime import Purpose, Taken
from pellucid.auth.options import AccountOptions
from pellucid.auth.passwords import Passwords, resembles, weakness
from pellucid.auth.schemas import SignIn
from pellucid.auth.sessions.service import Granted, Sessions
from pellucid.auth.tables import Password, User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import Fault, InvalidFields
from pellucid.web.identity import Identity

SET_PASSWORD = text("""
insert into auth.passwords (user_id, hash) select u.id, :hash from auth.users u where u.id = :user_id
on conflict (user_id) do update set hash = excluded.hash
""")

KINDS = text("""
with recursive kinds as (
  (select auth.password_kind(hash) as kind from auth.passwords order by 1 limit 1)
  union all
  select (select auth.password_kind(hash) from auth.passwords where auth.password_kind(hash) > kinds.kind order by 1 limit 1)
  from kinds where kinds.kind is not null
)
select kind from kinds where kind is not null limit 100
""")
"""What hashes there are, each cost once: some steps through an index, however many accounts there are."""


class Credentials(Struct, frozen=True):
    """The passwords of accounts."""

    database: Database
    passwords: Passwords
    door: Door
    sessions: Sessions
    mailed: Mailed
    outbox: Outbox
    audit: Audit
    limits: Limits
    options: AccountOptions

    async def sign_in(self, entry: SignIn, client: Client = NOBODY, *, cookie: bool = False) -> Granted:
        """Let somebody in who knows the password. An unknown address costs the same work as a wrong password, and so does an account
        whose hash was made elsewhere or long ago (`pellucid.auth.effort`).

        Raises:
            WrongCredentials: the two do not belong together.
            TooManyAttempts: too often, for this address or from this client.
            Banned, Unverified, PellucidError: see `pellucid.auth.door.Door.let_in`.
        """
        address, password = sought(entry.email), entry.password.get_secret_value()
        await self.limits.admit(SIGN_IN, address, client)
        user, hashed, others = await self._found(address)
        fits = await self.passwords.verify(password, hashed, others)
        if not fits or user is None or hashed is None:
            await self.door.failed(user.id if user else None, PASSWORD, client=client)
            raise wrong()
        if self.passwords.outdated(hashed):
            hashed = await self._renewed(user.id, hashed, password)
        return await self.door.let_in(
            user, PASSWORD, client=client, cookie=cookie, forgive=(SIGN_IN, address), hashed=hashed
        )

    async def of(self, address: str) -> tuple[User | None, str | None]:
        """The account of an address in its one spelling that has a password, and the hash; None for both where there is none."""
        user, hashed, _ = await self._found(address)
        return user, hashed

    async def _found(self, address: str) -> tuple[User | None, str | None, Sequence[str]]:
        """The same, and what hashes accounts have (`KINDS`)."""
        async with self.database.read(ACCOUNTS) as session:
            wanted = select(User, Password.hash).join(Password.user).where(func.lower(User.email) == address)
            found = (await session.execute(wanted)).one_or_none()
            kinds = (await session.scalars(KINDS)).all()
        return (None, None, kinds) if found is None else (found[0], found[1], kinds)

    async def replace(self, user_id: UUID, old: str, new: str) -> str | None:
        """Store a stronger hash of the same password, unless another was stored meanwhile. Returns the one that is stored now."""
        stronger = update(Password).where(Password.user_id == user_id, Password.hash == old).values(hash=new)
        async with self.database.write(ACCOUNTS) as session:
            await session.execute(stronger)
            stored: str | None = await session.scalar(select(Password.hash).where(Password.user_id == user_id))
        return stored

    async def _renewed(self, user_id: UUID, old: str, password: str) -> str:
        """The hash of a password that was just found right, stored anew. Of two at once, the second finds that of the first."""
        new = await self.passwords.hash(password)
        stored = await self.replace(user_id, old, new)
        if stored is None or (stored != new and not await self.passwords.verify(password, stored)):
            raise wrong()
        return stored

    async def change_password(self, identity: Identity, old: str | None, new: str, client: Client = NOBODY) -> None:
        """Replace a password by another; all other sessions of the account end.

        Args:
            identity: who asks, with a session.
            old: the present password; None only where the account has none.
            new: the one to come.
            client: from where.

        Raises:
            WrongCredentials: the present password is another one.
            StepUpRequired: the account has a second factor, and the session has not proved it.
            InvalidFields: the new one is too weak.
            TooManyAttempts: too often.
        """
        user_id = require_account(identity)
        await self.limits.admit(SIGN_IN, str(user_id), client)
        await require_assurance(self.database, identity)
        user = await self.door.user(user_id)
        require_fit(new, user.email)
        async with self.database.read(ACCOUNTS) as reading:
            hashed = await reading.scalar(select(Password.hash).where(Password.user_id == user_id))
        if hashed is not None and not await self.passwords.verify(old or "", hashed):
            await self.door.failed(user_id, PASSWORD, client=client)
            raise wrong()
        await self.set_password(user, new, Event.PASSWORD_CHANGED, client, but=identity.session_id)

    async def reset_password(self, taken: Taken, new: str, client: Client = NOBODY) -> User:
        """Replace a forgotten password, on the strength of a mail (`Purpose.RECOVER`); all sessions end. It signs nobody in, so that a
        second factor is still asked for.

        Raises:
            ProofRefused: the account is gone.
            InvalidFields: the new one is too weak. Check with `require_fit` before the proof is used up.
        """
        user = await self.mailed.verified(taken, client)
        require_fit(new, user.email)
        await self.set_password(user, new, Event.PASSWORD_RESET, client)
        return user

    async def set_password(
        self, user: User, new: str, event: Event, client: Client = NOBODY, *, but: UUID | None = None
    ) -> None:
        """Store a new password, end all sessions ``but`` one, drop a change of address that is under way, and tell the account by mail
        where that goes. The account is locked meanwhile, so that nobody is let in with the old password from then on."""
        hashed = await self.passwords.hash(new)
        async with self.database.write(ACCOUNTS) as writing:
            await writing.get(User, user.id, with_for_update=True)
            await writing.execute(SET_PASSWORD, {"user_id": user.id, "hash": hashed})
            gone = await self.sessions.end(writing, user.id, but=but)
            await onetime.drop(writing, user.id, Purpose.RECOVER)
            await firstproof.drop_changes(writing, user.id)
            await self.audit.note(writing, event, user_id=user.id, client=client)
            if user.email:
                await self.limits.forgive(writing, SIGN_IN, user.email)
                if self.options.mails:
                    notice = {"what": "The password of your account was changed"}
                    await self.outbox.put(writing, "notice", user.email, data=notice)
        self.sessions.revocations.add(gone)


def require_fit(password: str, email: str | None) -> None:
    """Go on only with a password that is fit for an account.

    Raises:
        InvalidFields: it is not; the error names the field ``password``.
    """
    reason = weakness(password)
    if reason is None and email and resembles(password, email):
        reason = "The password is the e-mail address; choose another one"
    if reason is not None:
        raise InvalidFields(f"{reason}.", faults=(Fault("password", f"{reason}."),))
