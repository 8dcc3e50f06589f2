"""The claims of a genuine token (RFC 7519, 4.1), judged: in full where this instance made it, else where they are there."""

import json
from collections.abc import Mapping
from typing import Any

from pellucid.auth.compact import Compact, Unreadable
from pellucid.errors import ClaimsRefused

LATEST = 2**53
"""Seconds since 1970 that every JSON reader understands; not a time beyond."""
SIGN_IN = "Sign in again with POST /login, and send the new access_token as `Authorization: Bearer …`."

Claims = Mapping[str, Any]


def read(parts: Compact) -> dict[str, Any]:
    """The claims of a token whose signature was checked.

    Raises:
        ClaimsRefused: they are no JSON object that PostgreSQL can store.
    """
    try:
        claims = parts.claims()
        text = json.dumps(claims, ensure_ascii=False, allow_nan=False)
        text.encode()  # half a surrogate pair cannot be stored
    except (Unreadable, ValueError) as fault:
        raise refused("The token's claims are not plain JSON", "Parsing claims failed") from fault
    if "\\u0000" in text:
        raise refused("A claim holds a NUL character, which PostgreSQL cannot store", "Parsing claims failed")
    return claims


def judge_own(claims: Claims, now: int, leeway: int, *, issuer: str, audience: str) -> None:
    """Judge a token of this instance: everything that it writes must be there.

    Args:
        claims: what the token says.
        now: seconds since 1970.
        leeway: seconds by which clocks may differ.
        issuer: what ``iss`` is.
        audience: what ``aud`` names.

    Raises:
        ClaimsRefused: with the reason.
    """
    for required in ("iss", "aud", "exp", "role"):
        if claims.get(required) is None:
            raise refused(f"The token has no {required} claim")
    _judge_times(claims, now, leeway)
    if claims["iss"] != issuer:
        raise refused("JWT not from this issuer")
    if audience not in _audiences(claims):
        raise refused("JWT not in audience")
    for name in ("sub", "role", "email", "jti"):
        if name in claims and (not isinstance(claims[name], str) or not claims[name]):
            raise refused(f"The token's {name} claim is not text")


def judge_others(claims: Claims, now: int, leeway: int, *, audience: str | None) -> None:
    """Judge a token of others: what is there must be right. Without ``audience`` it may be for anybody.

    Raises:
        ClaimsRefused: with the reason.
    """
    _judge_times(claims, now, leeway)
    audiences = _audiences(claims)
    if audience is not None and audiences and audience not in audiences:
        raise refused("JWT not in audience")


def _judge_times(claims: Claims, now: int, leeway: int) -> None:
    expires, begins, issued = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is not None and expires < now - leeway:
        raise refused("JWT expired")
    if begins is not None and begins > now + leeway:
        raise refused("JWT not yet valid")
    if issued is not None and issued > now + leeway:
        raise refused("JWT issued at future")


def _time(claims: Claims, name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LATEST:
        raise refused(f"The JWT '{name}' claim must be a number")
    return value


def _audiences(claims: Claims) -> list[str]:
    value = claims.get("aud")
    listed = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in listed):
        raise refused("The JWT 'aud' claim must be a string or an array of strings")
    return listed


def refused(reason: str, in_postgrest: str | None = None) -> ClaimsRefused:
    """The error for a token whose claims are not accepted."""
    words = in_postgrest or reason
    return ClaimsRefused(reason, in_postgrest=words, hint=SIGN_IN, headers=challenge(words))


def challenge(description: str, error: str = "invalid_token") -> dict[str, str]:
    """The header that tells a client what was wrong with its credentials (RFC 6750, 3)."""
    return {"WWW-Authenticate": f'Bearer error="{error}", error_description="{description}"'}
