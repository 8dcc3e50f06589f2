"""ID tokens (OpenID Connect Core 1.0, 3.1.3.7): believed only when signature, issuer, audience, times and nonce are right."""

import base64
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from pellucid.auth import compact
from pellucid.auth.keys import Key
from pellucid.auth.trusted import trusted_keys
from pellucid.errors import ProviderFailed, StartupError

LEEWAY = 60
"""Seconds by which clocks may differ."""
_PUBLIC = frozenset({"RSA", "EC", "OKP"})
_TENANT = "{tenantid}"
"""In the place of it Microsoft's issuer names the tenant of whoever signs in."""


def public_keys(document: object) -> tuple[Key, ...]:
    """The keys of a provider that may check a signature; never a shared secret, and none that is too weak."""
    listed = document.get("keys") if isinstance(document, Mapping) else None
    found: list[Key] = []
    for jwk in listed if isinstance(listed, list) else ():
        if isinstance(jwk, Mapping) and jwk.get("kty") in _PUBLIC:
            try:
                found += trusted_keys(json.dumps(jwk).encode())
            except StartupError:
                continue  # others of them may be fit
    return tuple(found)


def verify(
    token: str, keys: Sequence[Key], *, issuer: str, client_ids: Collection[str], nonce: str | None, now: int
) -> Mapping[str, Any] | None:
    """The claims of an ID token; None when no key of these has its name, so that newer ones should be fetched.

    Args:
        token: as it came.
        keys: those of the provider.
        issuer: who must have made it.
        client_ids: for one of whom it must be.
        nonce: what it must say; None where it must say none.
        now: seconds since 1970.

    Raises:
        ProviderFailed: it is not to be believed.
    """
    try:
        parts = compact.read(token)
        fitting = [key for key in keys if key.fits(parts.kid, parts.algorithm) and not key.secret]
        if not fitting:
            return None
        if not any(key.verifies(parts.algorithm, parts.signed, parts.signature) for key in fitting):
            raise _refused("its signature does not fit")
        claims = parts.claims()
    except compact.Unreadable as fault:
        raise _refused(str(fault)) from fault
    _judge(claims, issuer=issuer, client_ids=client_ids, nonce=nonce, now=now)
    return claims


def require_companion(token: str, claims: Mapping[str, Any], access_token: str) -> None:
    """Go on only with an access token that came with a verified ID token, where that names one (OpenID Connect Core 1.0, 3.1.3.6).

    Raises:
        ProviderFailed: it is another one.
    """
    told, algorithm = claims.get("at_hash"), compact.read(token).algorithm
    if told is None:
        return
    name = f"sha{algorithm[-3:]}" if algorithm[-3:] in ("256", "384", "512") else "sha512"
    digest = hashlib.new(name, access_token.encode("utf-8", "replace")).digest()
    if not isinstance(told, str) or not hmac.compare_digest(told.encode("utf-8", "replace"), _half(digest)):
        raise _refused("it came with another access token")


def _half(digest: bytes) -> bytes:
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")


def _judge(claims: Mapping[str, Any], *, issuer: str, client_ids: Collection[str], nonce: str | None, now: int) -> None:
    if claims.get("iss") != _issuer(issuer, claims):
        raise _refused("it is from another issuer")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if not any(each in audiences for each in client_ids):
        raise _refused("it is for somebody else")
    party = claims.get("azp")
    if (party is not None and party not in client_ids) or (len(audiences) > 1 and party is None):
        raise _refused("it was given to somebody else")
    if not _number(claims, "exp") > now - LEEWAY:
        raise _refused("it has expired")
    if not _number(claims, "iat") < now + LEEWAY or not _number(claims, "nbf", 0) < now + LEEWAY:
        raise _refused("it is from the future")
    told = claims.get("nonce")
    if nonce is None:
        if told is not None:
            raise _refused("it has a nonce, and none was told")
        return
    if not isinstance(told, str) or not hmac.compare_digest(told.encode("utf-8", "replace"), nonce.encode()):
        raise _refused("it belongs to another sign-in")


def _issuer(issuer: str, claims: Mapping[str, Any]) -> str:
    if _TENANT not in issuer:
        return issuer
    try:
        return issuer.replace(_TENANT, str(UUID(str(claims.get("tid")))))
    except ValueError:
        raise _refused("it names no tenant") from None


def _number(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
        raise _refused(f"its {name} is no time")
    return value


def _refused(reason: str) -> ProviderFailed:
    return ProviderFailed(f"The provider's ID token is not good: {reason}.")
