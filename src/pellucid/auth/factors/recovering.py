"""Recovery codes as a service: making them, and proving a second factor with one."""

from typing import Any
from uuid import UUID

from pellucid.auth.assurance import require_account, require_assurance, require_session
from pellucid.auth.audit import Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.factors import passkeys, recovery, store
from pellucid.auth.factors.service import Factors
from pellucid.auth.limits import FACTOR
from pellucid.auth.sessions.service import Granted, Opened
from pellucid.auth.sessions.statements import HAS_FACTOR
from pellucid.database.caller import ACCOUNTS
from pellucid.errors import Forbidden
from pellucid.web.identity import Identity

METHOD = "recovery_code"
"""How ``amr`` names it."""


class Recovery:
    """The recovery codes of all accounts."""

    def __init__(self, factors: Factors) -> None:
        self.factors = factors
        self.door = factors.door
        self.database = factors.database

    async def make(self, identity: Identity, client: Client = NOBODY) -> list[str]:
        """New recovery codes; earlier ones are good no more. They are never to be had again.

        Raises:
            Forbidden: the account has no factor that could be lost, there is no session, or somebody else acts for the account.
            StepUpRequired: the session has not proved a factor.
        """
        user_id, session_id = require_session(identity)
        await require_assurance(self.database, identity)
        async with self.database.write(ACCOUNTS) as writing:
            await store.lock(writing, user_id)
            if not await writing.scalar(HAS_FACTOR, {"user_id": user_id}):
                raise Forbidden("The account has no second factor.", hint="Add one first: POST /factors.")
            codes = await recovery.make(writing, user_id)
            about: dict[str, Any] = {"user_id": user_id, "session_id": session_id, "client": client}
            await self.door.audit.note(writing, Event.RECOVERY_CODES_MADE, **about, details={"codes": len(codes)})
        return codes

    async def use(self, identity: Identity, code: str, client: Client = NOBODY) -> Granted:
        """Prove a second factor with a recovery code, which is good once: the session is one of aal2 from now on.

        Raises:
            FactorRefused: the code is not good, or was used.
            TooManyAttempts: too often.
            SessionEnded: the session has.
            Forbidden: there is no session, or somebody else acts for the account.
        """
        user_id, session_id = require_session(identity)
        await self.door.limits.admit(FACTOR, str(user_id), client)
        opened = await self._used(user_id, session_id, code, client)
        if opened is None:
            await self.factors.failed(user_id, session_id, METHOD, client)
            raise passkeys.refused()
        self.door.browsers.forget(session_id)
        return await self.door.sessions.grant(opened)

    async def left(self, identity: Identity) -> recovery.Left:
        """How many recovery codes of the caller's account are still good."""
        async with self.database.read(ACCOUNTS) as reading:
            return await recovery.left(reading, require_account(identity))

    async def _used(self, user_id: UUID, session_id: UUID, code: str, client: Client) -> Opened | None:
        async with self.database.write(ACCOUNTS) as writing:
            if not await recovery.use(writing, user_id, code):
                return None
            opened = await self.door.sessions.step_up(writing, session_id, METHOD, client)
            about: dict[str, Any] = {"user_id": user_id, "session_id": session_id, "client": client}
            details = {"left": (await recovery.left(writing, user_id)).left}
            await self.door.audit.note(writing, Event.RECOVERY_CODE_USED, **about, details=details)
            await self.factors.tell(writing, opened.user, "A recovery code of your account was used")
            await self.door.limits.forgive(writing, FACTOR, str(user_id))
        return opened
