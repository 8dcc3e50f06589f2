"""``/factors``: second factors, as Supabase's clients enrol, challenge, verify and remove them."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from starlette.responses import Response

from pellucid.auth.factors import totp
from pellucid.auth.factors.challenges import CREATE
from pellucid.auth.factors.service import TOTP, WEBAUTHN, Asked
from pellucid.auth.gotrue.call import Call, answer, invalid
from pellucid.auth.gotrue.shapes import session_shown
from pellucid.errors import (
    AuthRefused,
    ChallengeRefused,
    Duplicate,
    FactorRefused,
    RowNotFound,
    StepUpRequired,
    TooManyFactors,
)
from pellucid.web.identity import Identity

Result = TypeVar("Result")


async def enroll(call: Call) -> Response:
    """``POST /factors``: begin a code app, or a passkey."""
    identity = await _somebody(call)
    name = call.text("friendly_name") or None
    match call.text("factor_type"):
        case "totp":
            issuer = call.text("issuer") or None
            new = await told(call.accounts.factors.begin_totp(identity, name, issuer), name)
            app = {"qr_code": totp.picture(new.uri), "secret": new.secret, "uri": new.uri}
            return answer({**_begun(new.factor.id, TOTP, name), "totp": app})
        case "webauthn":
            factor = await told(call.accounts.factors.begin_passkey(identity, name), name)
            return answer(_begun(factor.id, WEBAUTHN, name))
        case "phone":
            raise AuthRefused(422, "mfa_phone_enroll_not_enabled", "MFA enroll is disabled for Phone")
        case _:
            raise invalid("factor_type needs to be totp, phone, or webauthn")


async def challenge(call: Call) -> Response:
    """``POST /factors/{id}/challenge``: get what the factor is to answer."""
    identity = await _somebody(call)
    asked = await told(call.accounts.factors.challenge(identity, factor_id(call), call.client))
    shown: dict[str, Any] = {"id": str(asked.id), "type": TOTP, "expires_at": _seconds(asked.expires_at)}
    return answer(shown if asked.options is None else {**shown, "type": WEBAUTHN, "webauthn": _wanted(asked)})


async def verify(call: Call) -> Response:
    """``POST /factors/{id}/verify``: prove a factor; the answer is a session of aal2."""
    identity = await _somebody(call)
    webauthn = call.mapping("webauthn") or {}
    given = webauthn.get("credential_response") or call.text("code")
    if not given or not isinstance(given, str | dict):
        raise invalid("Code needs to be non-empty")
    verified = call.accounts.factors.verify(
        identity, factor_id(call), given, call.client, challenge_id=_challenge_id(call)
    )
    return answer(await session_shown(call.accounts, await told(verified)))


async def unenroll(call: Call) -> Response:
    """``DELETE /factors/{id}``: remove a factor."""
    identity = await _somebody(call)
    try:
        await told(call.accounts.factors.remove(identity, factor_id(call), call.client))
    except StepUpRequired as fault:
        raise AuthRefused(422, "insufficient_aal", "AAL2 required to unenroll verified factor") from fault
    return answer({"id": str(factor_id(call))})


async def _somebody(call: Call) -> Identity:
    """Who is signed in, and not anonymously."""
    identity, user = await call.signed_in()
    if user.is_anonymous:
        raise AuthRefused(403, "no_authorization", "Anonymous user not allowed to perform these actions")
    return identity


def factor_id(call: Call) -> UUID:
    """The factor in the path.

    Raises:
        AuthRefused: it is no UUID.
    """
    try:
        return UUID(call.request.path_params["factor_id"])
    except ValueError:
        raise AuthRefused(404, "validation_failed", "factor_id must be an UUID") from None


def _challenge_id(call: Call) -> UUID:
    try:
        return UUID(call.text("challenge_id"))
    except ValueError:
        raise invalid("challenge_id must be an UUID") from None


def _begun(key: UUID, kind: str, name: str | None) -> dict[str, Any]:
    return {"id": str(key), "type": kind, "friendly_name": name or ""}


def _wanted(asked: Asked) -> dict[str, Any]:
    kind = "create" if asked.purpose == CREATE else "request"
    return {"type": kind, "credential_options": {"publicKey": asked.options}}


def _seconds(when: datetime) -> int:
    return int(when.astimezone(UTC).timestamp())


async def told(work: Awaitable[Result], name: str | None = None) -> Result:
    """Do it, and tell in this API's words what went wrong."""
    try:
        return await work
    except Duplicate as fault:
        words = f'A factor with the friendly name "{name}" for this user already exists'
        raise AuthRefused(422, "mfa_factor_name_conflict", words) from fault
    except TooManyFactors as fault:
        words = "Maximum number of verified factors reached, unenroll to continue"
        raise AuthRefused(422, "too_many_enrolled_mfa_factors", words) from fault
    except RowNotFound as fault:
        raise AuthRefused(404, "mfa_factor_not_found", "Factor not found") from fault
    except ChallengeRefused as fault:
        words = "MFA challenge has expired, verify against another challenge or create a new challenge."
        raise AuthRefused(422, "mfa_challenge_expired", words) from fault
    except FactorRefused as fault:
        raise AuthRefused(422, "mfa_verification_failed", "Invalid TOTP code entered") from fault
