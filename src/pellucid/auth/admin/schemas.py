"""What operators send, and what they are told."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, model_validator

from pellucid.auth import addresses
from pellucid.auth.passwords import MAX_BYTES
from pellucid.auth.schemas import EmailAddress, UserAnswer

_ENTRY = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
Address = Annotated[str, Field(max_length=addresses.MAX_LENGTH, json_schema_extra={"format": "email"})]
Metadata = dict[str, Any]


class AdminUserAnswer(UserAnswer):
    """An account as operators see it."""

    phone: str | None
    new_email: str | None = Field(description="The address to come, while both sides are asked.")
    is_anonymous: bool
    metadata: Metadata = Field(validation_alias="user_metadata", description="What the account says of itself.")
    app_metadata: Metadata = Field(description="What services say of it.")
    banned_until: datetime | None
    invited_at: datetime | None


class AccountEntry(BaseModel):
    """An account to be made."""

    model_config = _ENTRY

    email: EmailAddress | None = None
    password: SecretStr | None = Field(None, max_length=MAX_BYTES)
    verified: bool = Field(default=True, description="Whether the address needs no proof.")
    role: str = Field("authenticated", min_length=1, max_length=63)
    phone: str | None = Field(None, max_length=32)
    metadata: Metadata = Field(default_factory=dict)
    app_metadata: Metadata = Field(default_factory=dict)
    password_hash: SecretStr | None = Field(
        None,
        max_length=500,
        description="In the place of a password: bcrypt, scrypt, PBKDF2 or argon2, as made elsewhere.",
    )
    id: UUID | None = Field(None, description="The id that the account has elsewhere. Left out: a new one.")


class AccountChange(BaseModel):
    """What is to be another. Fields that are left out stay."""

    model_config = _ENTRY

    email: EmailAddress | None = None
    password: SecretStr | None = Field(None, max_length=MAX_BYTES)
    verified: bool | None = None
    role: str | None = Field(None, min_length=1, max_length=63)
    phone: str | None = Field(None, max_length=32)
    metadata: Metadata | None = None
    app_metadata: Metadata | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """The columns that change."""
        sent = self.model_dump(include={"email", "role", "phone", "metadata", "app_metadata"}, exclude_none=True)
        if "metadata" in sent:
            sent["user_metadata"] = sent.pop("metadata")
        return sent


class BanEntry(BaseModel):
    """How long an account is kept out."""

    model_config = _ENTRY

    until: AwareDatetime | None = Field(None, description="Left out: for good.")


class InviteEntry(BaseModel):
    """Who is invited."""

    model_config = _ENTRY

    email: EmailAddress
    metadata: Metadata = Field(default_factory=dict)


class LinkEntry(BaseModel):
    """Which link to make, and for whom."""

    model_config = _ENTRY

    purpose: Literal["verify", "sign_in", "recover", "invite", "change_email_old", "change_email_new"]
    email: Address
    new_email: Address | None = None

    @model_validator(mode="after")
    def _names_both(self) -> Self:
        if self.purpose.startswith("change_email") and not self.new_email:
            raise ValueError("Send new_email.")
        return self


class LinkAnswer(BaseModel):
    """A link and a code. Whoever has one of them can use it, once."""

    url: str
    code: str
    user: AdminUserAnswer


class ImpersonationEntry(BaseModel):
    """Why somebody acts in the name of an account."""

    model_config = _ENTRY

    reason: str = Field(min_length=1, max_length=500, description="It stands in the audit log.")


class AuditQuery(BaseModel):
    """Which events to list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    user: UUID | None = Field(None, description="Only those that concern this account.")
    event: str | None = Field(None, max_length=64, description="Only those of this kind.")
    before: UUID | None = Field(None, description="Only those before the event of this id: the next page.")
    limit: int = Field(100, ge=1, le=1000)


class AuditAnswer(BaseModel):
    """One event."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    id: UUID
    at: datetime
    event: str
    user_id: UUID | None = Field(description="Whom it concerns.")
    actor_id: UUID | None = Field(description="Who did it, where that is another account.")
    session_id: UUID | None
    address: str | None
    agent: str | None
    details: Metadata
