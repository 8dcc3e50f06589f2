"""Mails to be sent, and in development those that were not."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pellucid.auth.tables import BY_DATABASE, Base


class Item(Base):
    """A mail to be made and sent. It holds no secret: links and codes are made when it is sent, if there is anybody to send it to."""

    __tablename__ = "outbox"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    purpose: Mapped[str]
    target: Mapped[str]
    user_id: Mapped[UUID | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=BY_DATABASE)
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    due_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    attempts: Mapped[int] = mapped_column(server_default=BY_DATABASE)


class Shown(Base):
    """A mail on the inbox page of development."""

    __tablename__ = "inbox"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    sender: Mapped[str]
    recipient: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    html: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
