"""Making, listing and revoking API keys."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, func, insert, select, update

from pellucid.auth.apikeys.form import SHOWN, new_key
from pellucid.auth.apikeys.tables import ApiKey
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.limits import Kind, Limits, Rule
from pellucid.auth.opaque import digest
from pellucid.auth.sessions.revocation import Revocations
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS, INTERNAL_ROLES
from pellucid.database.core import Database
from pellucid.database.session import ReadSession
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import BeyondLimit, Fault, InvalidFields, RowNotFound

MOST = 100
"""Living keys of one account, and of all services together."""
API_KEYS = Kind("api_keys", Rule(20, longest=300), Rule(60, longest=300))


class Made(Discreet, frozen=True):
    """A new key; ``secret`` is shown now and never again."""

    key: ApiKey
    secret: Hidden[str]


class ApiKeys(Struct, frozen=True):
    """The keys of all accounts and services."""

    database: Database
    audit: Audit
    limits: Limits
    revocations: Revocations

    async def make(
        self,
        name: str,
        *,
        user_id: UUID | None,
        role: str | None = None,
        scopes: Sequence[str] = (),
        days: int | None = None,
        client: Client = NOBODY,
        actor_id: UUID | None = None,
    ) -> Made:
        """Make a key.

        Args:
            name: what its owner calls it.
            user_id: the account it acts for; None for a service.
            role: the PostgreSQL role of a service's key; an account's key has the account's role.
            scopes: what it is narrowed to (`pellucid.web.scopes`); without any it may all that the account or the role may.
            days: until it expires; None for never.
            client: who asks.
            actor_id: who makes it, where that is not the account.

        Raises:
            InvalidFields: a service's key needs a role that requests may take.
            BeyondLimit: there are as many keys as there may be.
            TooManyAttempts: too often.
        """
        await self.limits.admit(API_KEYS, str(user_id or "services"), client)
        secret = new_key()
        async with self.database.write(ACCOUNTS) as writing:
            # The lock has two at once agree on how many there are.
            owner = await writing.get(User, user_id, with_for_update=True) if user_id else None
            if user_id is not None and owner is None:
                raise RowNotFound(f"There is no account {user_id}.")
            count = select(func.count()).where(ApiKey.user_id == user_id, *living())
            if (await writing.scalar(count) or 0) >= MOST:
                raise BeyondLimit(f"There are {MOST} keys already.", hint="Revoke one that is not needed any more.")
            values = {
                "user_id": user_id,
                "name": name,
                "prefix": secret[:SHOWN],
                "hash": digest(secret),
                "role": owner.role if owner else self._role(role),
                "scopes": list(scopes),
                "created_by": actor_id,
                "expires_at": None if days is None else func.now() + timedelta(days=days),
            }
            key = (await writing.scalars(insert(ApiKey).values(values).returning(ApiKey))).one()
            details = {"key": str(key.id), "role": key.role, "scopes": list(scopes)}
            await self.audit.note(
                writing, Event.API_KEY_MADE, user_id=user_id, client=client, actor_id=actor_id, details=details
            )
        return Made(key, secret)

    async def revoke(
        self, key_id: UUID, *, user_id: UUID | None, client: Client = NOBODY, actor_id: UUID | None = None
    ) -> None:
        """Make a key good no more, here at once and everywhere within five seconds.

        Args:
            key_id: which.
            user_id: whose it must be; None for any.
            client: who asks.
            actor_id: who revokes it, where that is not the account.

        Raises:
            RowNotFound: there is none of this id that lives.
        """
        gone = update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        if user_id is not None:
            gone = gone.where(ApiKey.user_id == user_id)
        async with self.database.write(ACCOUNTS) as writing:
            key = (await writing.scalars(gone.values(revoked_at=func.now()).returning(ApiKey))).one_or_none()
            if key is None:
                raise RowNotFound("There is no API key of this id that you may revoke.")
            details = {"key": str(key_id)}
            await self.audit.note(
                writing, Event.API_KEY_REVOKED, user_id=key.user_id, client=client, actor_id=actor_id, details=details
            )
        self.revocations.add([key_id])

    def _role(self, role: str | None) -> str:
        if role is None or role in INTERNAL_ROLES or role.startswith("pg_") or role not in self.database.catalog.roles:
            words = "A service's key needs a role that requests may take, such as service_role."
            raise InvalidFields(words, faults=(Fault("role", words),))
        return role


async def keys_of(reading: ReadSession, user_id: UUID | None = None) -> Sequence[ApiKey]:
    """The living keys that the session's caller may see, the newest first: those of one account, or all."""
    wanted = select(ApiKey).where(*living()).order_by(ApiKey.id.desc())
    if user_id is not None:
        wanted = wanted.where(ApiKey.user_id == user_id)
    return (await reading.scalars(wanted)).all()


def living() -> tuple[ColumnElement[bool], ...]:
    """The conditions of a key that lives."""
    return ApiKey.revoked_at.is_(None), (ApiKey.expires_at.is_(None)) | (ApiKey.expires_at > func.now())
