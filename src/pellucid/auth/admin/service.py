"""Accounts as operators see them: made, changed, invited, banned, deleted. Each act is a line of the audit log, with whoever did it.

Whoever calls this has been let in already: a route for ``service_role``, or the command line.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import func, select

from pellucid.auth.admin.fit import (
    apply,
    fit_address,
    fit_changes,
    require_readable,
    require_role,
    taken,
    told_apart,
)
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.credentials import SET_PASSWORD, require_fit
from pellucid.auth.firstproof import drop_changes
from pellucid.auth.hooks import Hooks, SignUpEntry
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.mailed import Mailed
from pellucid.auth.onetime import Purpose
from pellucid.auth.passwords import Passwords
from pellucid.auth.sessions.service import Granted, Sessions
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import WriteSession
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import RowNotFound

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Until when a ban without an end lasts."""
OPERATOR = UUID(int=0)
"""Who impersonates where it is no account: a service's token or the command line."""
IMPERSONATION = timedelta(hours=1)


class Actor(Struct, frozen=True):
    """Who acts: an account, or None for a service and the command line; and from where."""

    id: UUID | None = None
    client: Client = NOBODY


OPERATORS = Actor()


class NewAccount(Discreet, frozen=True):
    """An account that an operator makes. Without a password it is entered by mail, or by others' accounts.

    ``metadata`` is what the account may change itself, ``app_metadata`` what only services may; ``verified`` tells that the address
    needs no proof. ``password_hash`` brings a password along that was hashed elsewhere (`pellucid.auth.imported`), and ``id``
    the id that the account has had there.
    """

    email: str | None = None
    password: str | None = None
    verified: bool = True
    role: str = "authenticated"
    phone: str | None = None
    metadata: Mapping[str, Any] | None = None
    app_metadata: Mapping[str, Any] | None = None
    password_hash: Hidden[str | None] = None
    id: UUID | None = None


class Administration:
    """Acts on the accounts of others."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        *,
        sessions: Sessions,
        mailed: Mailed,
        outbox: Outbox,
        audit: Audit,
        hooks: Hooks,
    ) -> None:
        self.database = database
        self.passwords = passwords
        self.sessions = sessions
        self.mailed = mailed
        self.outbox = outbox
        self.audit = audit
        self.hooks = hooks

    async def create(self, new: NewAccount, actor: Actor = OPERATORS) -> User:
        """Make an account.

        Raises:
            Duplicate: the address or the phone has one already.
            InvalidFields: the address is none, the password too weak, its hash cannot be read or costs too much, or the role is one that
                no request may take.
            PellucidError: a hook of the application refused.
        """
        address = None if new.email is None else fit_address(new.email)
        require_role(new.role)
        hashed = new.password_hash
        if hashed is not None:
            require_readable(hashed, both=new.password is not None)
        if new.password is not None:
            require_fit(new.password, address)
            hashed = await self.passwords.hash(new.password)
        await self.hooks.signing_up(SignUpEntry(address, "admin", actor.client, new.metadata or {}))
        with told_apart():
            async with self.database.write(ACCOUNTS) as writing:
                user = await self._added(writing, new, address)
                if hashed is not None:
                    await writing.execute(SET_PASSWORD, {"user_id": user.id, "hash": hashed})
                await self.note(writing, Event.USER_CREATED, user.id, actor)
        await self.hooks.signed_up(user)
        return user

    async def invite(
        self,
        address: str,
        actor: Actor = OPERATORS,
        *,
        metadata: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> User:
        """Make an account and send it a mail whose link lets its owner in. Who was invited and never came may be invited again.

        Args:
            address: whom.
            actor: who invites.
            metadata: what the account says of itself.
            data: for the mail; see `pellucid.auth.mailed.Mailed.ask`.

        Raises:
            Duplicate: the address has an account that is in use.
            FeatureOff: no mails can be sent.
            InvalidFields: it is no address.
            PellucidError: a hook of the application refused.
        """
        self.mailed.require_mail()
        async with self.database.write(ACCOUNTS) as writing:
            user = await self.invited(writing, fit_address(address), actor, metadata)
            await self.outbox.put(writing, Purpose.INVITE, str(user.email), user_id=user.id, data=data)
        return user

    async def invited(
        self, writing: WriteSession, address: str, actor: Actor, metadata: Mapping[str, Any] | None = None
    ) -> User:
        """The account of an invitation, made where it is not there, within a transaction."""
        user = (await writing.scalars(select(User).where(func.lower(User.email) == address))).one_or_none()
        if user is None:
            await self.hooks.signing_up(SignUpEntry(address, "admin", actor.client, metadata or {}))
            user = await self._added(writing, NewAccount(address, verified=False, metadata=metadata), address)
        elif user.email_verified_at is not None:
            raise taken("email")
        user.invited_at = datetime.now(UTC)
        await writing.flush()
        await writing.refresh(user)
        await self.note(writing, Event.USER_INVITED, user.id, actor)
        return user

    async def change(
        self,
        user_id: UUID,
        changes: Mapping[str, Any],
        actor: Actor = OPERATORS,
        *,
        password: str | None = None,
        verified: bool | None = None,
        phone_verified: bool | None = None,
    ) -> User:
        """Change an account. A new address, role or password ends its sessions.

        Args:
            user_id: which.
            changes: new values for some of `CHANGEABLE`.
            actor: who changes it.
            password: a new one.
            verified: whether the address counts as proved.
            phone_verified: whether the phone does.

        Raises:
            RowNotFound: there is no such account.
            Duplicate, InvalidFields: as with `create`.
        """
        values = fit_changes(changes)
        hashed = None
        if password is not None:
            require_fit(password, values.get("email"))
            hashed = await self.passwords.hash(password)
        with told_apart():
            async with self.database.write(ACCOUNTS) as writing:
                user = await self.found(writing, user_id)
                ends = apply(user, values, verified, phone_verified) or hashed is not None
                await writing.flush()
                if hashed is not None:
                    await writing.execute(SET_PASSWORD, {"user_id": user_id, "hash": hashed})
                gone = await self.sessions.end(writing, user_id) if ends else []
                if ends:
                    await drop_changes(writing, user_id)
                await writing.refresh(user)
                fields = sorted({*values, *({"password"} if hashed else ())})
                await self.note(writing, Event.USER_CHANGED, user_id, actor, fields=fields)
        self.sessions.revocations.add(gone)
        return user

    async def ban(self, user_id: UUID, until: datetime = FOREVER, actor: Actor = OPERATORS) -> User:
        """Keep an account out until then; its sessions end.

        Raises:
            RowNotFound: there is no such account.
        """
        async with self.database.write(ACCOUNTS) as writing:
            user = await self.found(writing, user_id)
            user.banned_until = until
            await writing.flush()
            gone = await self.sessions.end(writing, user_id)
            await writing.refresh(user)
            await self.note(writing, Event.USER_BANNED, user_id, actor, until=until.isoformat())
        self.sessions.revocations.add(gone)
        return user

    async def unban(self, user_id: UUID, actor: Actor = OPERATORS) -> User:
        """Let an account in again.

        Raises:
            RowNotFound: there is no such account.
        """
        async with self.database.write(ACCOUNTS) as writing:
            user = await self.found(writing, user_id)
            user.banned_until = None
            await writing.flush()
            await writing.refresh(user)
            await self.note(writing, Event.USER_UNBANNED, user_id, actor)
        return user

    async def delete(self, user_id: UUID, actor: Actor = OPERATORS) -> None:
        """Delete an account, with all rows of ``auth`` that are its own; the audit log keeps what happened.

        Raises:
            RowNotFound: there is no such account.
            BrokenReference: rows of the application refer to it and do not go with it.
        """
        async with self.database.write(ACCOUNTS) as writing:
            user = await self.found(writing, user_id)
            gone = await self.sessions.end(writing, user_id)
            await writing.delete(user)
            await writing.flush()
            await self.note(writing, Event.USER_DELETED, user_id, actor)
        self.sessions.revocations.add(gone)

    async def impersonate(self, user_id: UUID, reason: str, actor: Actor = OPERATORS) -> Granted:
        """A session in the name of an account, for an hour. Its tokens say so in the claim ``act`` (RFC 8693, 4.1), and it may change
        neither the password nor the address nor the factors.

        Args:
            user_id: whose.
            reason: what for; it stands in the audit log.
            actor: who impersonates.

        Raises:
            RowNotFound: there is no such account.
        """
        async with self.database.write(ACCOUNTS) as writing:
            user = await self.found(writing, user_id)
            opened = await self.sessions.open(
                writing, user, "impersonation", client=actor.client, impersonator=actor.id or OPERATOR
            )
            opened.session.ends_at = datetime.now(UTC) + IMPERSONATION
            await writing.flush()
            await self.note(writing, Event.IMPERSONATED, user_id, actor, reason=reason, session=str(opened.session.id))
        return await self.sessions.grant(opened)

    async def find(self, user_id: UUID) -> User:
        """An account by its id.

        Raises:
            RowNotFound: there is no such account.
        """
        async with self.database.write(ACCOUNTS) as writing:
            return await self.found(writing, user_id)

    async def find_by(self, name: str) -> User:
        """An account by its id or its address.

        Raises:
            RowNotFound: there is no such account.
        """
        try:
            return await self.find(UUID(name))
        except ValueError:
            pass
        async with self.database.read(ACCOUNTS) as reading:
            wanted = select(User).where(func.lower(User.email) == name.strip().lower())
            user: User | None = (await reading.scalars(wanted)).one_or_none()
        if user is None:
            raise RowNotFound(f"There is no account {name}.")
        return user

    async def page(self, limit: int, offset: int) -> tuple[Sequence[User], int]:
        """Some accounts, the oldest first, and how many there are."""
        async with self.database.read(ACCOUNTS) as reading:
            users = (await reading.scalars(select(User).order_by(User.id).limit(limit).offset(offset))).all()
            total = await reading.scalar(select(func.count()).select_from(User))
        return users, total or 0

    async def found(self, writing: WriteSession, user_id: UUID) -> User:
        """An account within a transaction, locked.

        Raises:
            RowNotFound: there is no such account.
        """
        user: User | None = await writing.get(User, user_id, with_for_update=True)
        if user is None:
            raise RowNotFound(f"There is no account {user_id}.")
        return user

    async def _added(self, writing: WriteSession, new: NewAccount, address: str | None) -> User:
        user = User(
            **({} if new.id is None else {"id": new.id}),
            email=address,
            email_verified_at=datetime.now(UTC) if address and new.verified else None,
            phone=new.phone,
            phone_verified_at=datetime.now(UTC) if new.phone and new.verified else None,
            role=new.role,
            user_metadata=dict(new.metadata or {}),
            app_metadata=dict(new.app_metadata or {}),
        )
        writing.add(user)
        await writing.flush()
        await writing.refresh(user)
        return user

    async def note(self, writing: WriteSession, event: Event, user_id: UUID, actor: Actor, **details: Any) -> None:
        """Write an act into the audit log, within its transaction."""
        await self.audit.note(writing, event, user_id=user_id, actor_id=actor.id, client=actor.client, details=details)
