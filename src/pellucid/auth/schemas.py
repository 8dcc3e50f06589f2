"""What comes in and what goes out. Never a table model; a password only comes in, and a hash does neither."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from pellucid.auth import addresses
from pellucid.auth.passwords import MAX_BYTES, MIN_LENGTH, resembles, weakness

_EXAMPLE_ID = "0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234"
_USER_EXAMPLE = {
    "id": _EXAMPLE_ID,
    "email": "ada@example.com",
    "email_verified_at": None,
    "role": "authenticated",
    "created_at": "2026-01-31T13:45:00Z",
    "updated_at": "2026-01-31T13:45:00Z",
    "last_sign_in_at": None,
}
_TOKEN_EXAMPLE = {
    "access_token": "eyJhbGciOiJFUzI1NiIs…",
    "token_type": "bearer",
    "expires_in": 1800,
    "refresh_token": "Vq2s0p7N…",
}
_SESSION_EXAMPLE = {
    "id": "5a1e7d0c-93b6-4d0e-8f53-2f7c1c9d4f10",
    "current": True,
    "aal": "aal1",
    "address": "192.0.2.7",
    "agent": "Mozilla/5.0 (X11; Linux x86_64) …",
    "created_at": "2026-01-31T13:45:00Z",
    "last_used_at": "2026-01-31T14:02:10Z",
    "ends_at": "2026-03-02T13:45:00Z",
}
_ENTRY_EXAMPLE = {"email": "ada@example.com", "password": "an engine of brass"}


def _received(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, json_schema_extra={"examples": [example]})


def _sent(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(from_attributes=True, frozen=True, json_schema_extra={"examples": [example]})


EmailAddress = Annotated[
    str,
    Field(max_length=addresses.MAX_LENGTH, json_schema_extra={"format": "email"}),
    AfterValidator(addresses.normal),
]


class SignUp(BaseModel):
    """A new account."""

    model_config = _received(_ENTRY_EXAMPLE)

    email: EmailAddress = Field(description="Found again however its capitals are typed; stored in lower case.")
    password: SecretStr = Field(
        max_length=MAX_BYTES,
        description=f"At least {MIN_LENGTH} characters of any kind, at most {MAX_BYTES} bytes, and none of the very common ones.",
        json_schema_extra={"minLength": MIN_LENGTH},
    )

    metadata: dict[str, Any] = Field(
        default_factory=dict, description="What the account says of itself; policies must not trust it."
    )

    @field_validator("password")
    @classmethod
    def _is_fit(cls, password: SecretStr, others: ValidationInfo) -> SecretStr:
        plain = password.get_secret_value()
        if fault := weakness(plain):
            raise ValueError(f"{fault}.")
        if resembles(plain, others.data.get("email", "@")):
            raise ValueError("The password is the e-mail address; choose another one.")
        return password


class SignIn(BaseModel):
    """An e-mail address and the password that goes with it."""

    model_config = _received(_ENTRY_EXAMPLE)

    email: str = Field(max_length=addresses.MAX_LENGTH, json_schema_extra={"format": "email"})
    password: SecretStr = Field(max_length=MAX_BYTES)


class UserAnswer(BaseModel):
    """An account as its owner sees it."""

    model_config = _sent(_USER_EXAMPLE)

    id: UUID = Field(description="A UUIDv7: ids sort by the moment of sign-up.")
    email: str | None = Field(description="Null for anonymous accounts.")
    email_verified_at: datetime | None = Field(
        description="Null until the account has proved that the address is its own."
    )
    role: str = Field(description="The PostgreSQL role that the account's requests run under.")
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None = Field(description="Null until the first sign-in.")


class TokenAnswer(BaseModel):
    """An access token and a refresh token (RFC 6749, 5.1). Send the first as ``Authorization: Bearer …``."""

    model_config = _sent(_TOKEN_EXAMPLE)

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Seconds until the access token is refused.")
    refresh_token: str = Field(description="Good once, at `/refresh`, for the next two tokens.")


class SignInAnswer(TokenAnswer):
    """An access token and the account it belongs to."""

    model_config = _sent(_TOKEN_EXAMPLE | {"user": _USER_EXAMPLE})

    user: UserAnswer


class SessionAnswer(BaseModel):
    """A device on which the account is signed in."""

    model_config = _sent(_SESSION_EXAMPLE)

    id: UUID
    current: bool = Field(description="Whether it is the one that asks.")
    aal: str = Field(description="`aal1`, or `aal2` when a second factor was proved.")
    address: str | None = Field(description="The address that it was last used from.")
    agent: str | None = Field(description="What the browser or program calls itself.")
    created_at: datetime
    last_used_at: datetime
    ends_at: datetime = Field(description="When it ends at the latest.")


class BrowserAnswer(BaseModel):
    """A browser's session, which the cookie of the answer proves from now on."""

    model_config = _sent({"session": _SESSION_EXAMPLE, "user": _USER_EXAMPLE})

    session: SessionAnswer
    user: UserAnswer


class PendingAnswer(BaseModel):
    """Said alike whether there is an account or not."""

    message: str = "If this address can be used, a mail is on its way to it."


class RefreshEntry(BaseModel):
    """A refresh token."""

    model_config = _received({"refresh_token": "Vq2s0p7N…"})

    refresh_token: SecretStr = Field(max_length=MAX_BYTES)


class AddressEntry(BaseModel):
    """An e-mail address that a mail is to be sent to."""

    model_config = _received({"email": "ada@example.com"})

    email: str = Field(max_length=addresses.MAX_LENGTH, json_schema_extra={"format": "email"})


class NewAddress(BaseModel):
    """The address that an account is to have."""

    model_config = _received({"email": "countess@example.com"})

    email: EmailAddress


class ProofEntry(BaseModel):
    """What a mail brought: the token of its link, or the address and the code."""

    model_config = _received({"email": "ada@example.com", "code": "123456"})

    token: SecretStr | None = Field(None, max_length=MAX_BYTES)
    email: str = Field("", max_length=addresses.MAX_LENGTH, json_schema_extra={"format": "email"})
    code: SecretStr | None = Field(None, max_length=MAX_BYTES)

    @model_validator(mode="after")
    def _proves(self) -> Self:
        if self.token is None and (self.code is None or not self.email):
            raise ValueError("Send token, or email and code.")
        return self

    @property
    def proof(self) -> dict[str, Any]:
        """The same, as `pellucid.auth.mailed.Mailed.take` wants it."""
        if self.token is not None:
            return {"token": self.token.get_secret_value()}
        return {"address": self.email, "code": self.code.get_secret_value() if self.code else ""}


class PasswordReset(ProofEntry):
    """A proof from a mail, and the new password."""

    model_config = _received({"email": "ada@example.com", "code": "123456", "password": "an engine of silver"})

    password: SecretStr = Field(max_length=MAX_BYTES, json_schema_extra={"minLength": MIN_LENGTH})


class PasswordChange(BaseModel):
    """The present password and the one to come."""

    model_config = _received({"old": "an engine of brass", "new": "an engine of silver"})

    old: SecretStr | None = Field(None, max_length=MAX_BYTES, description="Not needed where the account has none.")
    new: SecretStr = Field(max_length=MAX_BYTES, json_schema_extra={"minLength": MIN_LENGTH})


class CodeEntry(BaseModel):
    """The code that a sign-in elsewhere ended with, and the verifier of the challenge that it began with (RFC 7636)."""

    model_config = _received({"code": "9s1T…", "code_verifier": "dBjftJeZ4CVP…"})

    code: SecretStr = Field(max_length=MAX_BYTES)
    code_verifier: SecretStr = Field(min_length=43, max_length=128)


class ProvidersAnswer(BaseModel):
    """Who people can sign in with, and whether they can begin without an account."""

    model_config = _sent({"providers": ["github", "google"], "anonymous": False})

    providers: list[str]
    anonymous: bool


class BegunAnswer(BaseModel):
    """Where to send the browser."""

    url: str


class IdentityAnswer(BaseModel):
    """An account elsewhere that signs in to one here."""

    model_config = _sent(
        {
            "id": _EXAMPLE_ID,
            "provider": "github",
            "subject": "583231",
            "email": "ada@example.com",
            "email_verified": True,
            "created_at": "2026-01-31T13:45:00Z",
            "last_sign_in_at": "2026-01-31T13:45:00Z",
        }
    )

    id: UUID
    provider: str
    subject: str = Field(description="What the account is called there.")
    email: str | None
    email_verified: bool = Field(description="Whether the provider says that the address is proved.")
    created_at: datetime
    last_sign_in_at: datetime | None


class ApiKeyEntry(BaseModel):
    """An API key to be made."""

    model_config = _received({"name": "nightly export", "scopes": ["read", "/orders"], "days": 90})

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    scopes: list[Annotated[str, Field(max_length=200, pattern=r"^(read|/[!-~]*)$")]] = Field(
        default_factory=list,
        max_length=50,
        description="`read`: PostgreSQL refuses every write. `/orders`: only paths that begin so. Without any, all that you may.",
    )
    days: int | None = Field(90, ge=1, le=3650, description="Until it expires; null for never.")
    role: str | None = Field(None, max_length=63, description="For a service's key: the PostgreSQL role it has.")


class ApiKeyAnswer(BaseModel):
    """An API key, without the key."""

    model_config = _sent(
        {
            "id": _EXAMPLE_ID,
            "user_id": _EXAMPLE_ID,
            "name": "nightly export",
            "prefix": "pellucid_key_Vq2s0p",
            "role": "authenticated",
            "scopes": ["read", "/orders"],
            "created_at": "2026-01-31T13:45:00Z",
            "expires_at": "2026-05-01T13:45:00Z",
            "last_used_at": None,
        }
    )

    id: UUID
    user_id: UUID | None = Field(description="The account it acts for; null for a service.")
    name: str
    prefix: str = Field(description="How the key begins, to know it again.")
    role: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")


class NewApiKeyAnswer(ApiKeyAnswer):
    """A new API key. The key itself is shown here and never again."""

    key: str


class GrantRefusal(BaseModel):
    """Why a token was not given, in the words of OAuth 2.0 (RFC 6749, 5.2)."""

    error: Literal["invalid_request", "invalid_grant", "unsupported_grant_type"]
    error_description: str


class UserQuery(BaseModel):
    """Which accounts to list, of those that the caller may see."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID | None = Field(None, description="Only the account with this id.")
    limit: int = Field(100, ge=1, le=1000, description="How many at most.")
    offset: int = Field(0, ge=0, le=2**31, description="How many to skip.")


class KeySetAnswer(BaseModel):
    """The keys that access tokens can be checked with: a JWK Set (RFC 7517, 5)."""

    keys: list[dict[str, str]]
