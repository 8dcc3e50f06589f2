"""Factors, and what belongs to them, as tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ForeignKey, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column

from pellucid.auth.tables import BY_DATABASE, Base, User


class Factor(Base):
    """Something that an account can prove beside its password. It counts once ``verified_at`` is there.

    ``kind`` is ``totp`` or ``webauthn``. ``secret`` is sealed (`pellucid.auth.factors.vault`); ``last_step`` is the last interval of
    time whose code was used (RFC 6238).
    """

    __tablename__ = "factors"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    kind: Mapped[str]
    name: Mapped[str | None]
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    updated_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    last_used_at: Mapped[datetime | None]
    secret: Mapped[bytes | None] = deferred(mapped_column())
    last_step: Mapped[int | None] = deferred(mapped_column())


class Credential(Base):
    """The public half of a passkey or a security key (WebAuthn, level 2, 4). Each belongs to one factor."""

    __tablename__ = "webauthn_credentials"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    factor_id: Mapped[UUID] = mapped_column(ForeignKey(Factor.id, ondelete="CASCADE"))
    credential_id: Mapped[bytes]
    public_key: Mapped[bytes]
    sign_count: Mapped[int]
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text))
    aaguid: Mapped[UUID | None]
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    discoverable: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    last_used_at: Mapped[datetime | None]


class Challenge(Base):
    """What has to be answered, once and in time. Of what a passkey signs there is only a hash."""

    __tablename__ = "challenges"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    user_id: Mapped[UUID | None]
    factor_id: Mapped[UUID | None]
    purpose: Mapped[str]
    hash: Mapped[bytes | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=BY_DATABASE)
    address: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RecoveryCode(Base):
    """A code for whoever has lost a factor, hashed."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    hash: Mapped[bytes] = mapped_column(primary_key=True)
    used_at: Mapped[datetime | None]
