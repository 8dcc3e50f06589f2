"""The accounts as tables: schema ``auth``, owned by the role ``pellucid_accounts``. The migrations make them; these classes map them.

Only the columns that an account may see of itself are mapped on `User`, so that a caller's own session can load it. A password's hash
lives in a table of its own that nobody else has any right to, and is never loaded together with its user.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, FetchedValue, ForeignKey, MetaData
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

BY_DATABASE = FetchedValue()
"""A value that PostgreSQL gives: a default, or a trigger's."""


class Base(DeclarativeBase):
    """The tables of the schema ``auth``."""

    metadata = MetaData(schema="auth")
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy's own way to say it


class User(Base):
    """One account. Its id is a UUIDv7, made by the database, so ids sort by the moment of sign-up.

    ``user_metadata`` is what the account may write about itself, ``app_metadata`` what only services may write. An account without an
    address is anonymous, or is known by its phone.
    """

    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    email: Mapped[str | None]
    email_verified_at: Mapped[datetime | None]
    new_email: Mapped[str | None]
    phone: Mapped[str | None]
    phone_verified_at: Mapped[datetime | None]
    is_anonymous: Mapped[bool] = mapped_column(server_default=BY_DATABASE)
    role: Mapped[str] = mapped_column(server_default=BY_DATABASE)
    user_metadata: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, server_default=BY_DATABASE)
    app_metadata: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=BY_DATABASE)
    banned_until: Mapped[datetime | None]
    invited_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    updated_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE, server_onupdate=BY_DATABASE)
    last_sign_in_at: Mapped[datetime | None]

    password: Mapped["Password | None"] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True, lazy="raise"
    )


class Password(Base):
    """The password of an account, as an argon2id hash."""

    __tablename__ = "passwords"

    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), primary_key=True)
    hash: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE, server_onupdate=BY_DATABASE)

    user: Mapped[User] = relationship(back_populates="password", lazy="raise")
