"""Access tokens: JSON Web Tokens (RFC 7519) that say who is asking, checked as RFC 8725 advises.

By default they are signed with this instance's own ES256 key, and nothing but its own tokens is accepted. With a secret or keys of
others (`pellucid.auth.trusted`) their tokens are accepted as well; then, as PostgREST does it, a claim is checked where it is present:
such tokens often have neither issuer nor expiry.

The header's ``typ`` is ``JWT``, which is what clients of PostgREST and Supabase know; a token of any other type is refused, so later
kinds of tokens need only another type to be kept apart. Others may leave it out, or write ``at+jwt`` (RFC 9068).
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

from pellucid.auth import claims as judging
from pellucid.auth import compact
from pellucid.auth.claimpath import NOTHING, ClaimPath, Name, Segment
from pellucid.auth.keys import KeyOptions, KeySet
from pellucid.auth.trusted import SECRET, open_keys
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import InvalidFields, NoTokenKey, StartupError, Unauthenticated
from pellucid.observe import Stage, remark

TYPE = "JWT"
OTHERS_TYPES = frozenset({None, "JWT", "AT+JWT", "APPLICATION/AT+JWT"})
ROLE = ClaimPath((Segment((Name("role"),)),))
REMEMBERED = 1024
"""Genuine tokens whose signature a process need not check again, unless chosen otherwise."""

_NO_KEY = "No suitable key or wrong key type"
_ANOTHERS = (
    "Sign in again with POST /login. If the new token is refused too, tell whoever runs this server: nodes behind one address need "
    "one signing key (signing_key_file)."
)


class TokenOptions(Discreet, frozen=True):
    """How access tokens are made and checked.

    ``lifetime`` and ``leeway`` (for clocks that differ) are in seconds. ``secret`` is what the tokens of others are checked with: a
    secret of at least 32 bytes, or keys (`pellucid.auth.trusted`). ``others_audience`` is what their ``aud`` must name; None for
    anything. ``role_claim`` leads to their role. ``remembered`` genuine tokens are not checked again.
    """

    issuer: str = "pellucid"
    audience: str = "authenticated"
    lifetime: int = 1800
    leeway: int = 30
    secret: Hidden[bytes | None] = None
    others_audience: str | None = None
    role_claim: ClaimPath = ROLE
    remembered: int = REMEMBERED

    def __post_init__(self) -> None:
        if self.lifetime <= 0 or self.leeway < 0:
            raise StartupError("A token's lifetime must be above zero, and its leeway not below.")


class AccessToken(Discreet, frozen=True):
    """A signed token and the seconds for which it is good."""

    text: Hidden[str]
    expires_in: int


class Verified(Discreet, frozen=True):
    """The claims of a genuine token, and the same as the JSON text that PostgreSQL is given.

    ``role`` is the one that it names, None where it names none. ``own`` tells whether this instance's own key signed it.
    """

    claims: Mapping[str, Any]
    text: Hidden[str]
    role: str | None
    own: bool


class Tokens:
    """Makes access tokens and checks them."""

    def __init__(self, options: TokenOptions, keys: KeySet, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        self._keys = keys
        self.clock = clock
        self._genuine: dict[bytes, Verified] = {}

    @property
    def keys(self) -> KeySet:
        """The keys. They may be replaced at any time; what others signed is checked anew then."""
        return self._keys

    @keys.setter
    def keys(self, keys: KeySet) -> None:
        self._keys = keys
        self._genuine.clear()

    def issue(
        self,
        subject: UUID | None,
        *,
        role: str = "authenticated",
        email: str | None = None,
        lifetime: int | None = None,
    ) -> AccessToken:
        """Make a token for an account, or without a subject for a service. ``lifetime`` is in seconds.

        Raises:
            FeatureOff: there is no key to sign with.
        """
        return self.sign(self.claims(subject, role=role, email=email, lifetime=lifetime))

    def claims(
        self,
        subject: UUID | None,
        *,
        role: str = "authenticated",
        email: str | None = None,
        lifetime: int | None = None,
    ) -> dict[str, Any]:
        """The claims that every token of this instance has; more may be added before it is signed."""
        now = int(self.clock())
        claims = {
            "iss": self.options.issuer,
            "aud": self.options.audience,
            "sub": None if subject is None else str(subject),
            "role": role,
            "email": email,
            "iat": now,
            "exp": now + (lifetime or self.options.lifetime),
            "jti": str(uuid4()),
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: Mapping[str, Any]) -> AccessToken:
        """A token that says this (`claims`).

        Raises:
            FeatureOff: there is no key to sign with.
            InvalidFields: it would be longer than any token that is read here.
        """
        key = self.keys.signing
        header = {"alg": key.algorithm, "typ": TYPE} | ({"kid": key.id} if key.id else {})
        text = compact.write(header, claims, key.sign)
        if len(text) > compact.MAX_LENGTH:
            raise InvalidFields(
                f"The claims do not fit into a token of {compact.MAX_LENGTH} characters.",
                hint="Keep less in app_metadata, or add fewer claims.",
            )
        return AccessToken(text, claims["exp"] - claims["iat"])

    def verify(self, token: str) -> Verified:
        """Check a token: its form, its key, its signature, then its claims.

        Raises:
            Unauthenticated: it is not genuine.
            ClaimsRefused: it is genuine, and expired, not yet valid, or meant for somebody else.
        """
        try:
            digest = sha256(token.encode()).digest()
            verified = self._genuine.get(digest)
            remark(Stage.IDENTITY, signature="checked" if verified is None else "remembered")
            if verified is None:
                verified = self._authenticate(token)
                self._remember(digest, verified)
        except compact.Unreadable as fault:
            raise _not_genuine(fault) from fault
        except UnicodeEncodeError as fault:
            raise _not_genuine(compact.Unreadable("it is not text")) from fault
        self._judge(verified)
        return verified

    def until(self, verified: Verified) -> float:
        """The second since 1970 from which on a token is refused that is good now; infinity where it never ends."""
        expires = verified.claims.get("exp")
        return math.inf if expires is None else float(expires) + self.options.leeway

    def _authenticate(self, token: str) -> Verified:
        parts = compact.read(token)
        own = self._opens(parts)
        claims = judging.read(parts)
        text = json.dumps(claims, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return Verified(MappingProxyType(claims), text, _named(self._role(claims, own=own)), own)

    def _role(self, claims: Mapping[str, Any], *, own: bool) -> Any:
        """Where this instance writes it, or where others do. What it signs with a shared secret is told by its issuer."""
        if "role" in claims and (own or claims.get("iss") == self.options.issuer):
            return claims["role"]
        return self.options.role_claim.first(claims)

    def _opens(self, parts: compact.Compact) -> bool:
        """Whether it is this instance's own key that the signature fits.

        Raises:
            Unreadable: it fits no key at all.
            NoTokenKey: no key here could fit.
        """
        own = self.keys.verifier(parts.kid)
        if own is not None and _like_ours(parts) and own.fits(parts.kid, parts.algorithm):
            fitting, is_own = [own], True
        else:
            trusted = self.keys.trusted if _like_others(parts) else ()
            fitting, is_own = [key for key in trusted if key.fits(parts.kid, parts.algorithm)], False
        if not fitting and not self.keys.trusted and parts.algorithm in SECRET:
            raise NoTokenKey(
                "The token was made with a secret, and this server has none.", in_postgrest="Server lacks JWT secret"
            )
        if not fitting:
            raise compact.Unreadable(
                "it was not signed with a key of this server",
                _NO_KEY,
                "No suitable key was found to decode the JWT",
                hint=_ANOTHERS,
            )
        if not any(key.verifies(parts.algorithm, parts.signed, parts.signature) for key in fitting):
            raise compact.Unreadable(
                "its signature does not fit", _NO_KEY, "None of the keys was able to decode the JWT"
            )
        return is_own

    def _remember(self, digest: bytes, verified: Verified) -> None:
        if self.options.remembered == 0:
            return
        if len(self._genuine) >= self.options.remembered:
            del self._genuine[next(iter(self._genuine))]
        self._genuine[digest] = verified

    def _judge(self, verified: Verified) -> None:
        options, now = self.options, int(self.clock())
        if verified.own:
            judging.judge_own(verified.claims, now, options.leeway, issuer=options.issuer, audience=options.audience)
        else:
            judging.judge_others(verified.claims, now, options.leeway, audience=options.others_audience)


def open_tokens(options: TokenOptions, keys: KeyOptions) -> Tokens:
    """The tokens of an instance, with its keys and those that it trusts.

    Raises:
        StartupError: a key is missing or not fit; see `open_keys`.
    """
    return Tokens(options, open_keys(options.secret, keys))


def _like_ours(parts: compact.Compact) -> bool:
    return parts.bare and parts.type is not None and parts.type.upper() == TYPE


def _like_others(parts: compact.Compact) -> bool:
    return (parts.type and parts.type.upper()) in OTHERS_TYPES


def _named(role: Any) -> str | None:
    """A role that is no text is its JSON, as PostgREST has it: no role of that name is there."""
    if role is NOTHING:
        return None
    return role if isinstance(role, str) else json.dumps(role, separators=(",", ":"))


def _not_genuine(fault: compact.Unreadable) -> Unauthenticated:
    return Unauthenticated(
        f"The access token is not valid: {fault}.",
        in_postgrest=fault.in_postgrest,
        details=fault.details,
        hint=fault.hint or judging.SIGN_IN,
        headers=judging.challenge(fault.in_postgrest),
    )
