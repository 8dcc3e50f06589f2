"""The accounts: sign-up, sign-in, and who may be seen.

What looks at accounts before anybody is known runs as `ACCOUNTS`, the role that owns them; what a signed-in caller asks for runs in the
caller's own session, where row level security decides. A connection is never held while a password is hashed.
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from pellucid.auth import onetime
from pellucid.auth.addresses import sought
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.door import PASSWORD, Door, wrong
from pellucid.auth.hooks import Hooks, SignUpEntry
from pellucid.auth.housekeeping import Housekeeper
from pellucid.auth.letters import Letters
from pellucid.auth.limits import SIGN_IN, SIGN_UP, Limits
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.mail.sender import Inbox, smtp
from pellucid.auth.mail.templates import Templates
from pellucid.auth.mailed import Mailed
from pellucid.auth.onetime import Purpose, Taken
from pellucid.auth.options import AccountOptions
from pellucid.auth.passwords import Passwords, resembles, weakness
from pellucid.auth.schemas import SignIn, SignUp, UserQuery
from pellucid.auth.sessions.browsers import Browsers
from pellucid.auth.sessions.revocation import Revocations
from pellucid.auth.sessions.service import AAL2, Granted, Sessions
from pellucid.auth.tables import Password, User
from pellucid.auth.tokens import Tokens
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import ReadSession, WriteSession
from pellucid.errors import Duplicate, Fault, InvalidFields, RowNotFound, StepUpRequired, Unauthenticated
from pellucid.lifecycle import Stack
from pellucid.web.identity import Identity

MAKE = text("""
insert into auth.users as u (email, metadata) values (:email, cast(:metadata as jsonb))
on conflict (lower(email)) do update set email = excluded.email, metadata = excluded.metadata
where :again and u.email_verified_at is null and u.last_sign_in_at is null and not u.is_anonymous
returning id
""")
"""Make an account. Where addresses are verified, an account that nobody has verified or used yet may be made again."""
SET_PASSWORD = text("""
insert into auth.passwords (user_id, hash) select u.id, :hash from auth.users u where u.id = :user_id
on conflict (user_id) do update set hash = excluded.hash
""")
NO_ONE = UUID(int=0)
"""The id of no account."""
HAS_FACTOR = text("select exists (select from auth.factors where user_id = :user_id and verified_at is not null)")


class Accounts:
    """Makes accounts and lets people in. The one door to all services of the accounts; none of them knows routes.

    ``audit``, ``limits``, ``hooks``, ``sessions``, ``revocations``, ``browsers``, ``outbox``, ``mailed`` and ``door`` are those services.
    """

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        tokens: Tokens,
        options: AccountOptions | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self.database = database
        self.passwords = passwords
        self.tokens = tokens
        self.options = options = options or AccountOptions()
        self.hooks = hooks = hooks or Hooks()
        self.audit = Audit(database)
        self.limits = Limits(database, addresses=options.limit_addresses)
        self.revocations = Revocations(database, tokens.options.lifetime + tokens.options.leeway)
        self.sessions = Sessions(
            database, tokens, audit=self.audit, hooks=hooks, revocations=self.revocations, options=options.sessions
        )
        self.browsers = Browsers(self.sessions)
        self.outbox = open_outbox(database, options)
        self.mailed = Mailed(database, self.outbox, self.audit, self.limits, options)
        self.letters = Letters(options, hooks, self.audit)
        self.letters.register(self.outbox)
        self.door = Door(database, self.sessions, self.browsers, self.audit, self.limits, hooks, options)
        self.life = Stack(self.revocations, self.outbox, Housekeeper(database, options))
        self._telling: set[asyncio.Task[None]] = set()

    # -- sign-up ----------------------------------------------------------------------------------------------------------

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
        await self.hooks.signing_up(SignUpEntry(entry.email, PASSWORD, client, entry.metadata))
        hashed = await self.passwords.hash(entry.password.get_secret_value())
        async with self.database.write(ACCOUNTS) as writing:
            user = await self._made(writing, entry, hashed)
            details = {"method": PASSWORD, "new": user is not None}
            await self.audit.note(
                writing, Event.SIGNED_UP, user_id=user.id if user else None, client=client, details=details
            )
            if self.options.verify_email:
                mail = dict(data or {}) | {"sign_up": True}
                await self.outbox.put(writing, Purpose.VERIFY, entry.email, data=mail)
        if user is None and not self.options.verify_email:
            raise _taken()
        if user is not None:
            self._tell(self.hooks.signed_up(user))
        return user

    async def _made(self, writing: WriteSession, entry: SignUp, hashed: str) -> User | None:
        """The new account, after the same statements whether it is new or not."""
        values = {"email": entry.email, "metadata": json.dumps(entry.metadata), "again": self.options.verify_email}
        user_id = await writing.scalar(MAKE, values) or NO_ONE
        await writing.execute(SET_PASSWORD, {"user_id": user_id, "hash": hashed})
        return (await writing.scalars(select(User).where(User.id == user_id))).one_or_none()

    # -- sign-in ----------------------------------------------------------------------------------------------------------

    async def sign_in(self, entry: SignIn, client: Client = NOBODY, *, cookie: bool = False) -> Granted:
        """Let somebody in who knows the password. An unknown address costs the same work as a wrong password.

        Raises:
            WrongCredentials: the two do not belong together.
            TooManyAttempts: too often, for this address or from this client.
            Banned, Unverified, PellucidError: see `pellucid.auth.door.Door.let_in`.
        """
        address, password = sought(entry.email), entry.password.get_secret_value()
        await self.limits.admit(SIGN_IN, address, client)
        user, hashed = await self._credentials(address)
        fits = await self.passwords.verify(password, hashed)
        if not fits or user is None or hashed is None:
            await self.audit.record(Event.SIGN_IN_FAILED, user_id=user.id if user else None, client=client)
            raise wrong()
        if self.passwords.outdated(hashed):
            await self._replace(user.id, hashed, await self.passwords.hash(password))
        return await self.door.let_in(user, PASSWORD, client=client, cookie=cookie, forgive=(SIGN_IN, address))

    async def _credentials(self, address: str) -> tuple[User | None, str | None]:
        async with self.database.read(ACCOUNTS) as session:
            wanted = select(User, Password.hash).join(Password.user).where(func.lower(User.email) == address)
            found = (await session.execute(wanted)).one_or_none()
        return (None, None) if found is None else (found[0], found[1])

    async def _replace(self, user_id: UUID, old: str, new: str) -> None:
        """Store a stronger hash of the same password, unless the password was changed meanwhile."""
        async with self.database.write(ACCOUNTS) as session:
            await session.execute(
                update(Password).where(Password.user_id == user_id, Password.hash == old).values(hash=new)
            )

    # -- passwords --------------------------------------------------------------------------------------------------------

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
        await self.require_assurance(identity)
        user = await self.door.user(user_id)
        require_fit(new, user.email)
        async with self.database.read(ACCOUNTS) as reading:
            hashed = await reading.scalar(select(Password.hash).where(Password.user_id == user_id))
        if hashed is not None and not await self.passwords.verify(old or "", hashed):
            await self.audit.record(Event.SIGN_IN_FAILED, user_id=user_id, client=client)
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
        """Store a new password, end all sessions ``but`` one, and tell the account by mail where that goes."""
        hashed = await self.passwords.hash(new)
        async with self.database.write(ACCOUNTS) as writing:
            await writing.execute(SET_PASSWORD, {"user_id": user.id, "hash": hashed})
            gone = await self.sessions.end(writing, user.id, but=but)
            await onetime.drop(writing, user.id, Purpose.RECOVER)
            await self.audit.note(writing, event, user_id=user.id, client=client)
            if user.email:
                await self.limits.forgive(writing, SIGN_IN, user.email)
                if self.options.mails:
                    notice = {"what": "The password of your account was changed"}
                    await self.outbox.put(writing, "notice", user.email, data=notice)
        self.revocations.add(gone)

    async def change_email(
        self, identity: Identity, address: str, client: Client = NOBODY, data: Mapping[str, Any] | None = None
    ) -> None:
        """Ask both sides whether an account may have another address; see `pellucid.auth.mailed.Mailed.ask_change`.

        Raises:
            StepUpRequired: the account has a second factor, and the session has not proved it.
        """
        user_id = require_account(identity)
        await self.require_assurance(identity)
        await self.mailed.ask_change(user_id, address, client, data)

    # -- strength ---------------------------------------------------------------------------------------------------------

    async def require_assurance(self, identity: Identity) -> None:
        """Go on only where a session has proved as much as its account can: aal2 where it has a second factor.

        Raises:
            StepUpRequired: a second factor is missing.
        """
        if identity.assurance == AAL2:
            return
        async with self.database.read(ACCOUNTS) as reading:
            if await reading.scalar(HAS_FACTOR, {"user_id": identity.user_id}):
                raise StepUpRequired("This needs a second factor.")

    def _tell(self, telling: Coroutine[Any, Any, None]) -> None:
        """Tell hooks of what has happened without having the caller wait: how long it takes tells whether there was an account."""
        task = asyncio.create_task(telling)
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)


def require_account(identity: Identity) -> UUID:
    """The account of a caller.

    Raises:
        Unauthenticated: it has none.
    """
    if identity.user_id is None:
        raise Unauthenticated("This is for signed-in users.")
    return identity.user_id


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


def open_outbox(database: Database, options: AccountOptions) -> Outbox:
    """The outbox, with the mail server of the options, or the inbox of development.

    Raises:
        StartupError: the mail server's URL cannot be read, or the directory of templates is not there.
    """
    mail = options.mail
    sender = smtp(mail.url) if mail.url else None if options.production else Inbox(database)
    return Outbox(database, sender, mail.sender or "pellucid@localhost", Templates(mail.templates))


async def find_user(session: ReadSession, user_id: UUID) -> User:
    """One account, as far as the session's caller may see it.

    Raises:
        RowNotFound: there is none of this id, or none for this caller.
    """
    user = await session.get(User, user_id)
    if user is None:
        raise RowNotFound(f"There is no account {user_id} that you may see.")
    return user


async def find_users(session: ReadSession, query: UserQuery) -> Sequence[User]:
    """The accounts that the session's caller may see, oldest first."""
    wanted = select(User).order_by(User.id).limit(query.limit).offset(query.offset)
    if query.id is not None:
        wanted = wanted.where(User.id == query.id)
    return (await session.scalars(wanted)).all()


def _taken() -> Duplicate:
    fault = Fault("email", "This e-mail address has an account already.", "Sign in at /login instead.")
    return Duplicate(fault.message, sqlstate="23505", hint=fault.hint, faults=(fault,))
