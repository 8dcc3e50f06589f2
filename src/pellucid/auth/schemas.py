"""What comes in and what goes out. Never a table model; a password only comes in, and a hash does neither."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

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
_TOKEN_EXAMPLE = {"access_token": "eyJhbGciOiJFUzI1NiIs…", "token_type": "bearer", "expires_in": 1800}
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
    email: str
    email_verified_at: datetime | None = Field(
        description="Null until the account has proved that the address is its own."
    )
    role: str = Field(description="The PostgreSQL role that the account's requests run under.")
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None = Field(description="Null until the first sign-in.")


class TokenAnswer(BaseModel):
    """An access token (RFC 6749, 5.1). Send it as ``Authorization: Bearer …``."""

    model_config = _sent(_TOKEN_EXAMPLE)

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the name of a scheme
    expires_in: int = Field(description="Seconds until the token is refused.")


class SignInAnswer(TokenAnswer):
    """An access token and the account it belongs to."""

    model_config = _sent(_TOKEN_EXAMPLE | {"user": _USER_EXAMPLE})

    user: UserAnswer


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
