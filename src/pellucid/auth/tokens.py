"""Access tokens: JSON Web Tokens (RFC 7519) that say who is asking, checked as RFC 8725 advises.

By default they are signed with this instance's own ES256 key, and nothing but its own tokens is accepted. With a shared secret
(HS256) tokens that others made with it are accepted as well; then, as PostgREST does it, a claim is checked where it is present:
such tokens often have neither issuer nor expiry.

The header's ``typ`` is ``JWT``, which is what clients of PostgREST and Supabase know; a token of any other type is refused, so later
kinds of tokens need only another type to be kept apart.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import deserialize_compact

from pellucid.auth import compact
from pellucid.auth.keys import Key, KeyOptions, KeySet, load_keys, shared_secret
from pellucid.database.caller import INTERNAL_ROLES
from pellucid.errors import ClaimsRefused, StartupError, Unauthenticated

TYPE = "JWT"
LATEST = 2**53
"""Seconds since 1970 that every JSON reader understands; not a time beyond."""
REMEMBERED = 1024
"""Genuine tokens whose signature a process need not check again."""

_SIGN_IN = "Sign in again with POST /login, and send the new access_token as `Authorization: Bearer …`."


@dataclass(frozen=True, slots=True)
class TokenOptions:
    """How access tokens are made and checked.

    ``lifetime`` and ``leeway`` (for clocks that differ) are in seconds. ``secret`` is at least 32 bytes; given, tokens are signed and
    checked with it (HS256) and no signing key is used.
    """

    issuer: str = "pellucid"
    audience: str = "authenticated"
    lifetime: int = 1800
    leeway: int = 30
    secret: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.lifetime <= 0 or self.leeway < 0:
            raise StartupError("A token's lifetime must be above zero, and its leeway not below.")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token and the seconds for which it is good."""

    text: str = field(repr=False)
    expires_in: int


@dataclass(frozen=True, slots=True)
class Verified:
    """The claims of a genuine token, and the same as the JSON text that PostgreSQL is given."""

    claims: Mapping[str, Any]
    text: str = field(repr=False)


class Tokens:
    """Makes access tokens and checks them."""

    def __init__(self, options: TokenOptions, keys: KeySet, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        self.keys = keys
        self._clock = clock
        self._genuine: dict[bytes, Verified] = {}

    def issue(self, subject: UUID | None, *, role: str = "authenticated", email: str | None = None) -> AccessToken:
        """Make a token for an account, or without a subject for a service."""
        now = int(self._clock())
        claims = {
            "iss": self.options.issuer,
            "aud": self.options.audience,
            "sub": None if subject is None else str(subject),
            "role": role,
            "email": email,
            "iat": now,
            "exp": now + self.options.lifetime,
            "jti": str(uuid4()),
        }
        key = self.keys.signing
        header = {"alg": key.algorithm, "typ": TYPE} | ({} if self.keys.shared else {"kid": key.id})
        stated = {name: value for name, value in claims.items() if value is not None}
        text = jwt.encode(header, stated, key.material, algorithms=[key.algorithm])
        return AccessToken(text, self.options.lifetime)

    def verify(self, token: str) -> Verified:
        """Check a token: its form, its key, its signature, then its claims.

        Raises:
            Unauthenticated: it is not genuine.
            ClaimsRefused: it is genuine, and expired, not yet valid, or meant for somebody else.
        """
        try:
            digest = sha256(token.encode()).digest()
            verified = self._genuine.get(digest)
            if verified is None:
                verified = self._authenticate(token)
                self._remember(digest, verified)
        except (compact.Unreadable, JoseError, ValueError) as fault:
            raise _not_genuine(fault) from fault
        self._judge(verified.claims)
        return verified

    def _authenticate(self, token: str) -> Verified:
        parts = compact.read(token)
        key = self._key_for(parts)
        deserialize_compact(token, key.material, algorithms=[key.algorithm])
        claims = parts.claims()
        text = json.dumps(claims, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        if "\\u0000" in text:
            raise compact.Unreadable("a claim holds a NUL character, which PostgreSQL cannot store")
        text.encode()  # half a surrogate pair cannot be stored either
        return Verified(MappingProxyType(claims), text)

    def _key_for(self, parts: compact.Compact) -> Key:
        typed = parts.type is not None and parts.type.upper() == TYPE
        if not typed and not (self.keys.shared and parts.type is None):
            raise compact.Unreadable("it is not an access token")
        key = self.keys.verifier(parts.kid)
        if key is None or parts.algorithm != key.algorithm:
            raise compact.Unreadable("it was not signed with a key of this server")
        return key

    def _remember(self, digest: bytes, verified: Verified) -> None:
        if len(self._genuine) >= REMEMBERED:
            del self._genuine[next(iter(self._genuine))]
        self._genuine[digest] = verified

    def _judge(self, claims: Mapping[str, Any]) -> None:
        for required in () if self.keys.shared else ("iss", "aud", "exp", "role"):
            if required not in claims:
                raise _refused(f"The token has no {required} claim")
        self._judge_times(claims)
        self._judge_parties(claims)
        for name in ("sub", "role", "email", "jti"):
            if name in claims and (not isinstance(claims[name], str) or not claims[name]):
                raise _refused(f"The token's {name} claim is not text")
        if claims.get("role") in INTERNAL_ROLES:
            raise _refused("No token can ask for this role")

    def _judge_times(self, claims: Mapping[str, Any]) -> None:
        now, leeway = self._clock(), self.options.leeway
        if "exp" in claims and _time(claims, "exp") <= now - leeway:
            raise _refused("JWT expired")
        if "nbf" in claims and _time(claims, "nbf") > now + leeway:
            raise _refused("JWT not yet valid")
        if "iat" in claims and _time(claims, "iat") > now + leeway:
            raise _refused("JWT issued at future")

    def _judge_parties(self, claims: Mapping[str, Any]) -> None:
        if not self.keys.shared and claims["iss"] != self.options.issuer:
            raise _refused("JWT not from this issuer")
        audience = claims.get("aud", self.options.audience)
        if self.options.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused("JWT not in audience")


def open_tokens(options: TokenOptions, keys: KeyOptions) -> Tokens:
    """The tokens of an instance: with the shared secret where one is configured, else with the instance's own key.

    Raises:
        StartupError: neither can be had; see `load_keys` and `shared_secret`.
    """
    return Tokens(options, load_keys(keys) if options.secret is None else shared_secret(options.secret))


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LATEST:
        raise _refused(f"The token's {name} claim is not a time")
    return value


def _not_genuine(fault: Exception) -> Unauthenticated:
    reason = str(fault) if isinstance(fault, compact.Unreadable) else "its signature does not fit"
    return Unauthenticated(
        f"The access token is not valid: {reason}.", hint=_SIGN_IN, headers=challenge("The access token is not valid")
    )


def _refused(reason: str) -> ClaimsRefused:
    return ClaimsRefused(reason, hint=_SIGN_IN, headers=challenge(reason))


def challenge(description: str, error: str = "invalid_token") -> dict[str, str]:
    """The header that tells a client what was wrong with its credentials (RFC 6750, 3)."""
    return {"WWW-Authenticate": f'Bearer realm="pellucid", error="{error}", error_description="{description}"'}
