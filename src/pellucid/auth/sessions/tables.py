"""Sessions and refresh tokens as tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column

from pellucid.auth.tables import BY_DATABASE, Base, User


class Session(Base):
    """One device on which somebody is signed in. Its id is no secret: it stands in access tokens and in lists.

    ``amr`` lists what was proved and when: ``{"method", "timestamp"}`` (RFC 8176, with Supabase's names). ``proved_at`` is the last of it.
    """

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    aal: Mapped[str] = mapped_column(server_default=BY_DATABASE)
    amr: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=BY_DATABASE)
    impersonator: Mapped[UUID | None]
    address: Mapped[str | None]
    agent: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    proved_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    last_used_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    idle_ends_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    cookie_hash: Mapped[bytes | None] = deferred(mapped_column())
    refresh_key: Mapped[bytes] = deferred(mapped_column())


class RefreshToken(Base):
    """One refresh token. Those of a session are its family: when one is used twice, the session ends."""

    __tablename__ = "refresh_tokens"

    hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey(Session.id, ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    used_at: Mapped[datetime | None]
