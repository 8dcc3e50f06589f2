"""The audit log: every event that matters for security, in the table ``auth.audit_log``.

An event is written in the transaction that it belongs to: what did not happen is not told, and nothing happens untold.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pellucid.auth.client import NOBODY, Client
from pellucid.auth.tables import BY_DATABASE, Base
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import ReadSession, WriteSession


class Event(StrEnum):
    """What happened."""

    SIGNED_UP = "signed_up"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SESSIONS_REVOKED = "sessions_revoked"
    REFRESH_REUSED = "refresh_reused"
    STEPPED_UP = "stepped_up"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - an event
    PASSWORD_RESET = "password_reset"  # noqa: S105 - an event
    EMAIL_VERIFIED = "email_verified"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    PHONE_CHANGE_ASKED = "phone_change_asked"
    PHONE_VERIFIED = "phone_verified"
    PHONE_REMOVED = "phone_removed"
    PROOF_FAILED = "proof_failed"
    MAIL_ASKED = "mail_asked"
    LIMITED = "limited"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTOR_FAILED = "factor_failed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    ANONYMOUS_MADE_REAL = "anonymous_made_real"
    API_KEY_MADE = "api_key_made"
    API_KEY_REVOKED = "api_key_revoked"
    USER_CREATED = "user_created"
    USER_INVITED = "user_invited"
    USER_CHANGED = "user_changed"
    USER_BANNED = "user_banned"
    USER_UNBANNED = "user_unbanned"
    USER_DELETED = "user_deleted"
    USER_EXPORTED = "user_exported"
    USER_ERASED = "user_erased"
    LINK_GENERATED = "link_generated"
    IMPERSONATED = "impersonated"


class Entry(Base):
    """One event. ``user_id`` is whom it concerns, ``actor_id`` who did it where that is somebody else."""

    __tablename__ = "audit_log"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    event: Mapped[str]
    user_id: Mapped[UUID | None]
    actor_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    address: Mapped[str | None]
    agent: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=BY_DATABASE)


class Audit:
    """Writes the log."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def note(
        self,
        writing: WriteSession,
        event: Event,
        *,
        user_id: UUID | None = None,
        client: Client = NOBODY,
        actor_id: UUID | None = None,
        session_id: UUID | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an event in a transaction of the accounts (``database.write(ACCOUNTS)``). ``details`` holds no secret and no address."""
        entry = {"user_id": user_id, "actor_id": actor_id, "session_id": session_id, "details": dict(details or {})}
        await writing.execute(insert(Entry).values(event=event, address=client.address, agent=client.agent, **entry))

    async def record(self, event: Event, *, user_id: UUID | None = None, client: Client = NOBODY, **more: Any) -> None:
        """Write an event that has no transaction of its own: something was refused."""
        async with self.database.write(ACCOUNTS) as writing:
            await self.note(writing, event, user_id=user_id, client=client, **more)


async def events(
    reading: ReadSession,
    *,
    user: UUID | None = None,
    event: str | None = None,
    before: UUID | None = None,
    limit: int = 100,
) -> Sequence[Entry]:
    """Events as far as the session's caller may see them, the newest first.

    Args:
        reading: the session; ``service_role`` sees all, others none.
        user: only those that concern this account.
        event: only those of this kind.
        before: only those before the event of this id.
        limit: how many at most.
    """
    wanted = select(Entry).order_by(Entry.id.desc()).limit(limit)
    if user is not None:
        wanted = wanted.where(Entry.user_id == user)
    if event is not None:
        wanted = wanted.where(Entry.event == event)
    if before is not None:
        wanted = wanted.where(Entry.id < before)
    return (await reading.scalars(wanted)).all()
