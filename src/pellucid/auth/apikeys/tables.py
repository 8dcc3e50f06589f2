"""API keys as a table."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, deferred, mapped_column

from pellucid.auth.tables import BY_DATABASE, Base, User


class ApiKey(Base):
    """A key. ``user_id`` is None for a service's. ``scopes`` narrow what it may; see `pellucid.web.scopes`."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    hash: Mapped[bytes] = deferred(mapped_column())
    role: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=BY_DATABASE)
    created_by: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(server_default=BY_DATABASE)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
