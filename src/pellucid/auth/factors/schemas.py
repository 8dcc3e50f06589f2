"""What comes in and what goes out of the routes of second factors."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

ID = "0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234"
FACTOR = {
    "id": ID,
    "kind": "totp",
    "name": "My phone",
    "verified_at": None,
    "created_at": "2026-01-31T13:45:00Z",
    "last_used_at": None,
}
OPTIONS = {"challenge": "q0Xk…", "rpId": "api.example.com", "timeout": 300000, "userVerification": "preferred"}
CREDENTIAL = {"id": "hT3p…", "rawId": "hT3p…", "type": "public-key", "response": {"clientDataJSON": "eyJ0…"}}

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")
]


def _received(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, json_schema_extra={"examples": [example]})


def _sent(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(from_attributes=True, frozen=True, json_schema_extra={"examples": [example]})


class NewFactor(BaseModel):
    """A factor to begin: an app that shows codes, or a passkey or security key."""

    model_config = _received({"kind": "totp", "name": "My phone"})

    kind: Literal["totp", "webauthn"]
    name: Name | None = Field(None, description="How the account calls it.")


class FactorName(BaseModel):
    """Another name for a factor."""

    model_config = _received({"name": "My old phone"})

    name: Name


class FactorAnswer(BaseModel):
    """A factor of the account."""

    model_config = _sent(FACTOR)

    id: UUID
    kind: Literal["totp", "webauthn", "phone"]
    name: str | None
    verified_at: datetime | None = Field(description="Null until it was proved for the first time; then it counts.")
    created_at: datetime
    last_used_at: datetime | None


class TotpAnswer(BaseModel):
    """What an app needs to show codes. It is told once."""

    model_config = _sent(
        {"secret": "JBSWY3DPEHPK3PXP…", "uri": "otpauth://totp/…", "qr_svg": "data:…", "qr_png": "data:…"}
    )

    secret: str = Field(description="In Base32, to be typed where no camera is.")
    uri: str = Field(description="The same as an address that apps know.")
    qr_svg: str = Field(description="That address as a QR code: an SVG as a `data:` address, for `<img src>`.")
    qr_png: str = Field(description="The same as a PNG.")


class ChallengeAnswer(BaseModel):
    """What is to be answered. A browser gets the options; a code needs none."""

    model_config = _sent({"id": ID, "purpose": "get", "expires_at": "2026-01-31T13:50:00Z", "options": OPTIONS})

    id: UUID
    purpose: Literal["code", "create", "get", "alone"] = Field(
        description="`code`: a code of the app. `create`: give the options to `navigator.credentials.create`. `get`, and `alone` for "
        "sign-in with a passkey and nothing else: to `navigator.credentials.get`."
    )
    expires_at: datetime
    options: dict[str, Any] | None = Field(description="JSON of WebAuthn, level 3, as `PublicKeyCredential` parses it.")


class NewFactorAnswer(FactorAnswer):
    """A factor that was begun, and what is needed to go on."""

    model_config = _sent(FACTOR | {"totp": None, "challenge": None})

    totp: TotpAnswer | None = None
    challenge: ChallengeAnswer | None = None


class FactorProof(BaseModel):
    """What proves a factor: the code of the app, or what the browser gave."""

    model_config = _received({"code": "123456"})

    code: SecretStr | None = Field(None, max_length=32)
    credential: dict[str, Any] | None = Field(
        None, description="`credential.toJSON()` of a PublicKeyCredential.", examples=[CREDENTIAL]
    )
    challenge_id: UUID | None = Field(None, description="Which challenge is answered; it need not be told.")

    @model_validator(mode="after")
    def _proves(self) -> Self:
        if (self.code is None) == (self.credential is None):
            raise ValueError("Send code or credential.")
        return self

    @property
    def answer(self) -> str | dict[str, Any]:
        """Whichever of the two it is."""
        return self.code.get_secret_value() if self.code is not None else self.credential or {}


class PasskeyProof(BaseModel):
    """What the browser gave for the challenge."""

    model_config = _received({"credential": CREDENTIAL})

    credential: dict[str, Any] = Field(description="`credential.toJSON()` of a PublicKeyCredential.")


class CodeEntry(BaseModel):
    """A recovery code."""

    model_config = _received({"code": "abcd-efgh-ijkl-mnop"})

    code: SecretStr = Field(max_length=64, description="Capitals and hyphens do not matter.")


class CodesAnswer(BaseModel):
    """New recovery codes. They are told once; each is good once."""

    model_config = _sent({"codes": ["abcd-efgh-ijkl-mnop"]})

    codes: list[str]


class CodesLeft(BaseModel):
    """How many recovery codes are still good, of how many."""

    model_config = _sent({"left": 9, "made": 10})

    left: int
    made: int
