"""Browsers: a cookie's secret becomes the claims of its session. It is a `pellucid.auth.identifier.Proving`."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pellucid.auth.opaque import digest
from pellucid.auth.sessions.service import Sessions
from pellucid.auth.sessions.statements import TOUCH
from pellucid.auth.sessions.tables import Session
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.errors import SessionEnded
from pellucid.web import cookies

KEPT = 5.0
"""Seconds for which a worker believes a cookie without asking again. Ended sessions are refused all the same."""
REMEMBERED = 4096


class Browsers:
    """Tells the claims behind a cookie."""

    def __init__(self, sessions: Sessions) -> None:
        self.sessions = sessions
        self._known: dict[bytes, tuple[float, Mapping[str, Any]]] = {}

    async def claims_of(self, scheme: str, secret: str) -> Mapping[str, Any] | None:
        """The claims of the session with this cookie.

        Raises:
            SessionEnded: there is none. The answer takes the cookie back, so that the next request is an anonymous one.
        """
        if scheme != cookies.SCHEME.lower():
            return None
        key, now = digest(secret), time.monotonic()
        until, claims = self._known.get(key, (0.0, {}))
        if now < until:
            return claims
        claims = await self._found(key)
        self._remember(key, now + KEPT, claims)
        return claims

    def forget(self, session_id: UUID) -> None:
        """Ask again for the cookie of a session: its secret has changed."""
        for key, (_, claims) in list(self._known.items()):
            if claims.get("session_id") == str(session_id):
                del self._known[key]

    async def _found(self, key: bytes) -> Mapping[str, Any]:
        sessions = self.sessions
        values = {"hash": key, "idle": sessions.options.idle}
        async with sessions.database.write(ACCOUNTS) as writing:
            session_id = await writing.scalar(TOUCH, values)
            session = await writing.get(Session, session_id) if session_id else None
            user = await writing.get(User, session.user_id) if session else None
        if session is None or user is None:
            raise SessionEnded("The session of this cookie has ended.", headers={"Set-Cookie": cookies.taken_back()})
        return await sessions.claims(session, user)

    def _remember(self, key: bytes, until: float, claims: Mapping[str, Any]) -> None:
        self._known.pop(key, None)
        if len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = (until, claims)
