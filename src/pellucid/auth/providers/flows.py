"""Sign-ins under way: begun in one browser, finished once and in the same one; and codes that become a session.

A sign-in has two secrets. The *state* travels through the provider, in addresses. The *browser's secret* stays in a cookie. Only both
together finish it, and what ties the provider's answers to it (nonce, PKCE verifier) is derived from both, so that nothing that is
stored could do so (RFC 9700, 4.7).
"""

import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy import func, insert, update

from pellucid.auth.opaque import derived, digest, new_secret
from pellucid.auth.providers.provider import Sign, challenge
from pellucid.auth.providers.tables import FlowState
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import ProofRefused

LIFE = timedelta(minutes=10)
"""For signing in elsewhere."""
CODE_LIFE = timedelta(minutes=5)
LONGEST_SECRET = 128


class Flow(Discreet, frozen=True):
    """A sign-in that has come back. ``link`` is the account that the other one is to be linked to, None where somebody signs in;
    ``redirect_to`` is where the browser goes in the end, ``challenge`` the PKCE challenge of the program that asked, if one did."""

    id: UUID
    provider: str
    sign: Hidden[Sign]
    callback: str
    redirect_to: str | None = None
    link: UUID | None = None
    challenge: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class Flows(Struct, frozen=True):
    """All of them."""

    database: Database

    async def begin(
        self,
        provider: str,
        callback: str,
        *,
        browser: str | None = None,
        redirect_to: str | None = None,
        link: UUID | None = None,
        challenge: str | None = None,
        method: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> tuple[Sign, str]:
        """Write one down. Gives its secrets, and the secret for the browser's cookie: the one that it has, or a new one."""
        if not browser or len(browser) > LONGEST_SECRET or len(browser) < len(new_secret()):
            browser = new_secret()
        sign = _sign(new_secret(), browser)
        kept = {"callback": callback, "redirect_to": redirect_to, "data": dict(data or {})}
        values = {
            "provider": provider,
            "user_id": link,
            "state_hash": digest(sign.state),
            "browser_hash": digest(browser),
            "code_challenge": challenge,
            "code_challenge_method": method,
            "data": kept,
            "expires_at": func.now() + LIFE,
        }
        async with self.database.write(ACCOUNTS) as writing:
            await writing.execute(insert(FlowState).values(values))
        return sign, browser

    async def take(self, state: str, browser: str | None, provider: str | None = None) -> Flow:
        """The sign-in with this state, if it was begun in this browser; good once. ``provider`` is the one that the answer came for.

        Raises:
            ProofRefused: there is none.
        """
        if not state or not browser:
            raise _refused()
        taken = (
            update(FlowState)
            .where(FlowState.state_hash == digest(state), FlowState.browser_hash == digest(browser))
            .where(FlowState.used_at.is_(None), FlowState.expires_at > func.clock_timestamp())
            .values(used_at=func.clock_timestamp())
            .returning(FlowState)
        )
        if provider is not None:
            taken = taken.where(FlowState.provider == provider)
        async with self.database.write(ACCOUNTS) as writing:
            found = (await writing.scalars(taken)).one_or_none()
        if found is None:
            raise _refused()
        return Flow(
            found.id,
            found.provider,
            _sign(state, browser),
            found.data["callback"],
            found.data["redirect_to"],
            found.user_id,
            found.code_challenge,
            found.data["data"],
        )

    async def code(self, flow: Flow, user_id: UUID) -> str:
        """A code that the program which asked exchanges for a session, with the verifier of its challenge."""
        code = new_secret()
        kept = (
            update(FlowState)
            .where(FlowState.id == flow.id)
            .values(code_hash=digest(code), user_id=user_id, expires_at=func.clock_timestamp() + CODE_LIFE)
        )
        async with self.database.write(ACCOUNTS) as writing:
            await writing.execute(kept)
        return code

    async def exchange(self, code: str, verifier: str) -> UUID:
        """The account that a code is for. A code is good once, also when the verifier is wrong (RFC 7636, 4.6).

        Raises:
            ProofRefused: one of the two is not good.
        """
        taken = (
            update(FlowState)
            .where(FlowState.code_hash == digest(code), FlowState.expires_at > func.clock_timestamp())
            .values(code_hash=None)
            .returning(FlowState.user_id, FlowState.code_challenge, FlowState.code_challenge_method)
        )
        async with self.database.write(ACCOUNTS) as writing:
            found = (await writing.execute(taken)).one_or_none()
        if found is None or found.user_id is None or not found.code_challenge:
            raise _refused()
        told = verifier if found.code_challenge_method == "plain" else challenge(verifier)
        if not hmac.compare_digest(_bytes(told), _bytes(found.code_challenge)):
            raise _refused()
        user_id: UUID = found.user_id
        return user_id


def _sign(state: str, browser: str) -> Sign:
    key = digest(browser, "sign-in")
    return Sign(state, derived(key, f"nonce {state}"), derived(key, f"verifier {state}"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _refused() -> ProofRefused:
    return ProofRefused(
        "This sign-in is over, or was begun in another browser.", hint="Begin again, and stay in one browser."
    )
