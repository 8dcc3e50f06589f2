"""Errors in the words of Supabase's auth API (GoTrue), for the paths under ``/auth/v1``.

Its first shape has ``code`` (the status), ``error_code`` and ``msg``. A request that names version 2024-01-01 or later in
``X-Supabase-Api-Version`` gets ``code`` (the word) and ``message`` instead, and the version back.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from pellucid import errors
from pellucid.errors import AuthRefused, PellucidError

VERSION_HEADER = "X-Supabase-Api-Version"
CODE_HEADER = "X-Sb-Error-Code"
NEWER = "2024-01-01"


class Words(Struct, frozen=True):
    """How an error is told: its status, its code, and a message where the error's own is not the one that clients know."""

    status: int
    code: str
    message: str | None = None


WORDS: Mapping[type[PellucidError], Words] = {
    errors.MalformedBody: Words(400, "bad_json", "Could not parse request body as JSON"),
    errors.UnsupportedMediaType: Words(400, "bad_json"),
    errors.BodyTooLarge: Words(413, "request_entity_too_large"),
    errors.BodyTooSlow: Words(408, "request_timeout"),
    errors.UnknownRoute: Words(404, "unknown"),
    errors.MethodNotAllowed: Words(405, "unknown"),
    errors.RequestError: Words(400, "validation_failed"),
    errors.InvalidFields: Words(400, "validation_failed"),
    errors.RowNotFound: Words(404, "user_not_found", "User not found"),
    errors.SessionEnded: Words(403, "session_not_found", "Session from session_id claim in JWT does not exist"),
    errors.Unauthenticated: Words(403, "bad_jwt"),
    errors.WrongCredentials: Words(400, "invalid_credentials", "Invalid login credentials"),
    errors.ProofRefused: Words(403, "otp_expired", "Token has expired or is invalid"),
    errors.TooManyAttempts: Words(429, "over_request_rate_limit", "Request rate limit reached"),
    errors.StepUpRequired: Words(
        401, "insufficient_aal", "AAL2 session is required to update email or password when MFA is enabled."
    ),
    errors.Unverified: Words(400, "email_not_confirmed", "Email not confirmed"),
    errors.Banned: Words(403, "user_banned", "User is banned"),
    errors.ProviderFailed: Words(400, "bad_oauth_callback"),
    errors.NotLinked: Words(422, "email_exists"),
    errors.Forbidden: Words(403, "unknown"),
    errors.IdentityError: Words(403, "unknown"),
    errors.InvalidValue: Words(400, "validation_failed"),
    errors.BrokenReference: Words(409, "conflict"),
    errors.Duplicate: Words(422, "email_exists", "A user with this email address has already been registered"),
    errors.FeatureOff: Words(503, "feature_disabled"),
    errors.Unavailable: Words(503, "unexpected_failure"),
}
"""The words for each error, or for the nearest class above it."""
UNEXPECTED = Words(500, "unexpected_failure", "Unexpected failure, please check server logs for more information")


def spoken(error: PellucidError) -> Words:
    """The words for an error."""
    if isinstance(error, AuthRefused):
        return Words(error.status, error.word, error.message)
    found = next((WORDS[kind] for kind in type(error).__mro__ if kind in WORDS), UNEXPECTED)
    return Words(found.status, found.code, found.message or error.message)


def body(error: PellucidError, version: str, request_id: str) -> bytes:
    """The body of the answer, in the shape of the version that was asked for."""
    words = spoken(error)
    members: dict[str, Any]
    if isinstance(error, AuthRefused) and error.oauth:
        members = {"error": words.code, "error_description": words.message}
    elif is_newer(version):
        members = {"code": words.code, "message": words.message}
    else:
        members = {"code": words.status, "error_code": words.code, "msg": words.message}
        if words.status >= 500 and request_id:
            members["error_id"] = request_id
    if isinstance(error, AuthRefused) and error.reasons:
        members["weak_password"] = {"reasons": list(error.reasons)}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def headers(error: PellucidError, version: str) -> dict[str, str]:
    """The headers of the answer: the code once more, and the version where it was asked for."""
    told = {VERSION_HEADER: NEWER} if is_newer(version) else {}
    return told | {CODE_HEADER: spoken(error).code}


def is_newer(version: str) -> bool:
    """Whether a request names version 2024-01-01 or later; what is no date means the first version."""
    try:
        return len(version) == len(NEWER) and date.fromisoformat(version) >= date.fromisoformat(NEWER)
    except ValueError:
        return False
