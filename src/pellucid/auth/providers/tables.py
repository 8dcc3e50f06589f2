"""Accounts elsewhere, and sign-ins under way, as tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pellucid.auth.tables import BY_DATABASE, Base, User


class Linked(Base):
    """An account elsewhere that signs in to one here. ``subject`` is what it is called there, for ever; ``data`` is what is kept of its
    profile."""

    __tablename__ = "identities"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    provider: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str | None]
    email_verified: Mapped[bool] = mapped_column(server_default=BY_DATABASE)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=BY_DATABASE)
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    updated_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    last_sign_in_at: Mapped[datetime | None]


class FlowState(Base):
    """A sign-in under way. No secret of it is stored: the state is in the address, the rest in the browser's cookie."""

    __tablename__ = "flow_states"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    provider: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    state_hash: Mapped[bytes | None]
    browser_hash: Mapped[bytes | None]
    code_hash: Mapped[bytes | None]
    code_challenge: Mapped[str | None]
    code_challenge_method: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=BY_DATABASE)
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
