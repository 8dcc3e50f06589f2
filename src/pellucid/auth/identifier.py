"""Who is asking: an ``Authorization`` header becomes an identity, or a refusal that says why."""

import json
import re
from collections.abc import Callable, Collection

from pellucid.auth.tokens import Tokens, Verified, challenge
from pellucid.database.caller import INTERNAL_ROLES
from pellucid.errors import ClaimsRefused, TokenRequired, Unauthenticated
from pellucid.web.identity import Identity

_BEARER = re.compile(r"bearer +([^ ]+)", re.IGNORECASE)
_SYSTEM = "pg_"
"""PostgreSQL's own roles begin with it; some of them read any file."""


class BearerIdentifier:
    """Tells identities by bearer token (RFC 6750, 2.1). It is a `pellucid.web.identity.Identifier`.

    ``roles`` tells which roles the database lets a request take at this moment.
    """

    def __init__(self, tokens: Tokens, roles: Callable[[], Collection[str]], anon_role: str | None = "anon") -> None:
        self.tokens = tokens
        self._roles = roles
        self._anon_role = anon_role
        self._nobody = _anonymous(anon_role) if anon_role else None

    async def identify(self, authorization: str | None) -> Identity:
        """Tell the identity behind an ``Authorization`` header; none means anonymous.

        Raises:
            Unauthenticated: the header is there and proves nothing.
            TokenRequired: it is not there, and nobody is anonymous.
        """
        if authorization is None:
            return self._require(self._nobody)
        bearer = _BEARER.fullmatch(authorization)
        if bearer is None:
            raise Unauthenticated(
                "The Authorization header is not understood.",
                hint="Send it as `Authorization: Bearer <access_token>`, or not at all.",
                headers=challenge("Bearer is the only scheme", "invalid_request"),
            )
        return self._identity(self.tokens.verify(bearer[1]))

    def _identity(self, verified: Verified) -> Identity:
        role = verified.claims.get("role") or self._require(self._nobody).role
        if role in INTERNAL_ROLES or role.startswith(_SYSTEM) or role not in self._roles():
            raise ClaimsRefused(
                "The token asks for a role that requests may not take.",
                hint=f"Grant the role to the one this server connects as: GRANT <role> TO authenticator. The usual ones are "
                f"{self._anon_role}, authenticated and service_role.",
                headers=challenge("The role is not accepted"),
            )
        return Identity(role, verified.claims, verified.text)

    @staticmethod
    def _require(anonymous: Identity | None) -> Identity:
        if anonymous is None:
            raise TokenRequired("Anonymous access is disabled", headers={"WWW-Authenticate": "Bearer"})
        return anonymous


def _anonymous(role: str) -> Identity:
    return Identity(role, claims_json=json.dumps({"role": role}, separators=(",", ":")))
