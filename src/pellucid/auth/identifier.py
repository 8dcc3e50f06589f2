"""Who is asking: an ``Authorization`` header becomes an identity, or a refusal that says why."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol

from pellucid.auth.apikeys.form import is_key
from pellucid.auth.claims import challenge
from pellucid.auth.keys import KeySet
from pellucid.auth.tokens import Tokens, Verified
from pellucid.database.caller import INTERNAL_ROLES
from pellucid.errors import RoleRefused, SessionEnded, TokenRequired, Unauthenticated
from pellucid.observe import Stage, remark
from pellucid.web.identity import Identity
from pellucid.web.scopes import scopes_of

_BEARER = re.compile(r"bearer(?: +(.*))?", re.IGNORECASE | re.DOTALL)
_SYSTEM = "pg_"
"""PostgreSQL's own roles begin with it; some of them read any file."""


KEPT = 8192
"""Headers whose identity a process knows without reading them again."""


class Known(NamedTuple):
    """An identity, proved with these keys, and the second since 1970 from which on it has to be proved anew."""

    identity: Identity
    keys: KeySet
    until: float


class Refusing(Protocol):
    """Knows of genuine tokens that are good no more (`pellucid.auth.sessions.revocation.Revocations`)."""

    def refuses(self, claims: Mapping[str, Any]) -> bool:
        """Whether they are. It is asked of each request, and costs a look into a set."""
        ...


class Proving(Protocol):
    """Knows other proofs than access tokens, by the scheme of the header: cookies of browsers, keys of programs."""

    async def claims_of(self, scheme: str, secret: str) -> Mapping[str, Any] | None:
        """The claims of whoever holds the secret; None where the scheme is not known.

        Raises:
            Unauthenticated: the secret is not good.
        """
        ...


class BearerIdentifier:
    """Tells identities by bearer token (RFC 6750, 2.1). It is a `pellucid.web.identity.Identifier`.

    ``roles`` tells which roles the database lets a request take at this moment. Without ``anon_role`` nobody is anonymous.
    ``revocations`` knows of sessions that have ended, and ``proofs`` of what else there is to prove who asks.
    """

    def __init__(
        self,
        tokens: Tokens,
        roles: Callable[[], Collection[str]],
        anon_role: str | None = "anon",
        *,
        revocations: Refusing | None = None,
        proofs: Proving | None = None,
    ) -> None:
        self.tokens = tokens
        self.revocations = revocations
        self.proofs = proofs
        self._roles = roles
        self._nobody = Identity(anon_role, claims_json=_with_role("{}", anon_role)) if anon_role else None
        self._known: dict[bytes, Known] = {}
        self._clock = tokens.clock

    async def identify(self, authorization: str | None) -> Identity:
        """Tell the identity behind an ``Authorization`` header; none means anonymous.

        Raises:
            Unauthenticated: the header is there and proves nothing.
            TokenRequired: it is not there, or its token names no role, and nobody is anonymous.
        """
        if authorization is None:
            remark(Stage.IDENTITY, proof="none")
            return self._anonymous()
        bearer = _BEARER.fullmatch(authorization)
        if bearer is None or is_key(bearer[1] or ""):
            other = await self._other(authorization)
            if other is not None:
                return other
            raise Unauthenticated(
                "The Authorization header is not understood.",
                hint="Send it as `Authorization: Bearer <access_token>`, or not at all.",
                headers=challenge("Bearer is the only scheme", "invalid_request"),
            )
        remark(Stage.IDENTITY, proof="access token")
        verified = self._living(self.tokens.verify(bearer[1] or ""))
        identity = self._identity(verified)
        if not scopes_of(identity.claims):  # those are judged against each request
            self._keep(authorization, identity, self.tokens.until(verified))
        return identity

    def known(self, authorization: bytes | None) -> Identity | None:
        """The identity behind a header that was judged before, while its token is good and its session lives; None for all others.

        Whether a request may still take its role is for the caller to see: with the catalog that told of it, it may.
        """
        if authorization is None:
            return self._nobody
        known = self._known.get(authorization)
        if known is None or known.until <= self._clock() or known.keys is not self.tokens.keys:
            return None
        if self.revocations is not None and self.revocations.refuses(known.identity.claims):
            return None
        return known.identity

    def _keep(self, authorization: str, identity: Identity, until: float) -> None:
        if len(self._known) >= KEPT:
            del self._known[next(iter(self._known))]
        self._known[authorization.encode("latin-1")] = Known(identity, self.tokens.keys, until)

    def _living(self, verified: Verified) -> Verified:
        """The same token, unless its session has ended."""
        if self.revocations is not None and self.revocations.refuses(verified.claims):
            words = "The session of this token has ended"
            raise SessionEnded(f"{words}.", in_postgrest=words, headers=challenge(words))
        return verified

    async def _other(self, authorization: str) -> Identity | None:
        scheme, _, secret = authorization.partition(" ")
        claims = await self.proofs.claims_of(scheme.lower(), secret.strip()) if self.proofs else None
        if claims is None:
            return None
        remark(Stage.IDENTITY, proof="API key" if is_key(secret.strip()) else "session of a browser")
        text = json.dumps(dict(claims), ensure_ascii=False, separators=(",", ":"))
        return self._identity(self._living(Verified(claims, text, claims["role"], own=True)))

    def _anonymous(self) -> Identity:
        if self._nobody is None:
            words = "Anonymous access is disabled"
            raise TokenRequired(f"{words}.", in_postgrest=words, headers={"WWW-Authenticate": "Bearer"})
        return self._nobody

    def _identity(self, verified: Verified) -> Identity:
        role = self._anonymous().role if verified.role is None else verified.role
        if role in INTERNAL_ROLES or role.startswith(_SYSTEM) or role not in self._roles():
            raise RoleRefused(
                "The token asks for a role that requests may not take.",
                in_postgrest=f'role "{role}" does not exist',
                hint="Grant the role to the one this server connects as: GRANT <role> TO authenticator. The usual ones are "
                "anon, authenticated and service_role.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        text = verified.text if verified.claims.get("role") == role else _with_role(verified.text, role)
        return Identity(role, verified.claims, text)


def _with_role(claims: str, role: str) -> str:
    """The claims with the role that the request has in the end: policies read it there."""
    return json.dumps(json.loads(claims) | {"role": role}, ensure_ascii=False, separators=(",", ":"))
