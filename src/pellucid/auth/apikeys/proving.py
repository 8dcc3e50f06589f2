"""What proves who asks beside access tokens: cookies of browsers, and keys of programs. It is a `pellucid.auth.identifier.Proving`."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from pellucid.auth.apikeys.form import well_formed
from pellucid.auth.claims import challenge
from pellucid.auth.opaque import digest
from pellucid.auth.sessions.browsers import Browsers
from pellucid.auth.sessions.service import ACCOUNT, OPERATOR
from pellucid.auth.tokens import TokenOptions
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import Unauthenticated

KEPT = 5
"""Seconds for which a worker believes a key without asking again. The claims end then (``exp``), so that nobody keeps them longer;
revoked keys are refused all the same (`pellucid.auth.sessions.revocation.Revocations`)."""
REMEMBERED = 4096
BEARER = "bearer"

USE = text("""
with used as (
  update auth.api_keys set last_used_at = clock_timestamp()
  where hash = :hash and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
    and (last_used_at is null or last_used_at < clock_timestamp() - interval '1 minute')
)
select k.id, k.user_id, k.role, k.scopes, k.expires_at, u.role as user_role, u.email, u.phone, u.is_anonymous, u.app_metadata
from auth.api_keys k left join auth.users u on u.id = k.user_id
where k.hash = :hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > clock_timestamp())
  and (k.user_id is null or u.id is not null) and (u.banned_until is null or u.banned_until <= clock_timestamp())
""")
"""Finds a living key of an account that is not banned, and writes down that it was used, at most once a minute."""


class Keys:
    """Tells the claims behind a key."""

    def __init__(self, database: Database, tokens: TokenOptions) -> None:
        self.database = database
        self.tokens = tokens
        self._known: dict[bytes, tuple[float, Mapping[str, Any]]] = {}

    async def claims_of(self, secret: str) -> Mapping[str, Any]:
        """The claims of whoever holds a key.

        Raises:
            Unauthenticated: it is not good, or not good any more.
        """
        if not well_formed(secret):
            raise _refused()
        key, now = digest(secret), time.monotonic()
        until, claims = self._known.get(key, (0.0, {}))
        if now < until:
            return claims
        claims = await self._found(key)
        self._remember(key, now + KEPT, claims)
        return claims

    async def _found(self, key: bytes) -> Mapping[str, Any]:
        async with self.database.write(ACCOUNTS) as writing:
            found = (await writing.execute(USE, {"hash": key})).one_or_none()
        if found is None:
            raise _refused()
        now = int(datetime.now(UTC).timestamp())
        ends = now + KEPT if found.expires_at is None else min(now + KEPT, int(found.expires_at.timestamp()))
        claims = {
            "iss": self.tokens.issuer,
            "aud": self.tokens.audience,
            "iat": now,
            "exp": ends,
            "role": found.role if found.user_id is None else _lent(found.user_role),
            "key_id": str(found.id),
            "scopes": list(found.scopes),
        }
        if found.user_id is None:
            return claims
        account = {"sub": str(found.user_id), "email": found.email, "phone": found.phone}
        told = {"is_anonymous": found.is_anonymous, "app_metadata": found.app_metadata, "aal": "aal1"}
        return claims | {name: value for name, value in account.items() if value} | told

    def _remember(self, key: bytes, until: float, claims: Mapping[str, Any]) -> None:
        self._known.pop(key, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = (until, claims)


class Proofs:
    """Both of them, by the scheme of the header."""

    def __init__(self, browsers: Browsers, keys: Keys) -> None:
        self.browsers = browsers
        self.keys = keys

    async def claims_of(self, scheme: str, secret: str) -> Mapping[str, Any] | None:
        """The claims of whoever holds the secret; None where the scheme is not known.

        Raises:
            Unauthenticated: the secret is not good.
        """
        if scheme == BEARER:
            return await self.keys.claims_of(secret)
        return await self.browsers.claims_of(scheme, secret)


def _lent(role: str) -> str:
    """The role that an account lends to its keys. Those of operators are keys of services, which somebody with a second factor made."""
    return ACCOUNT if role == OPERATOR else role


def _refused() -> Unauthenticated:
    words = "The API key is not good, or not good any more"
    return Unauthenticated(
        f"{words}.",
        in_postgrest=words,
        hint="Check that it is whole, and whether it has expired or was revoked: GET /api-keys.",
        headers=challenge(words),
    )
