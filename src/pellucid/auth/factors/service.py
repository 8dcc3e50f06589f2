"""Second factors: list, add, prove, rename and remove them.

A factor is begun, and counts once it was proved. Beginning one is no proof of anything, so it needs as much as the account has: where
there is a factor already, a session must have proved one (aal2) before another is added or one is removed. Whoever holds a stolen session
of the first level gets no further.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from msgspec import Struct

from pellucid.auth.assurance import require_assurance, require_session, step_up_required
from pellucid.auth.audit import Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.door import Door
from pellucid.auth.factors import challenges, passkeys, recovery, store, totp
from pellucid.auth.factors.passkeys import Asserted, Registered
from pellucid.auth.factors.tables import Credential, Factor
from pellucid.auth.factors.vault import Vault
from pellucid.auth.limits import ENROL, FACTOR
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.opaque import new_secret
from pellucid.auth.sessions.service import AAL2, Granted
from pellucid.auth.sessions.statements import HAS_FACTOR
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.session import WriteSession
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import FactorRefused
from pellucid.later import later
from pellucid.web.identity import Identity

if TYPE_CHECKING:
    from pellucid.auth.factors import ceremonies
else:
    ceremonies = later("pellucid.auth.factors.ceremonies")

TOTP, WEBAUTHN = "totp", "webauthn"
"""The kinds of factors; also what ``amr`` says of them."""
PROVED = {TOTP: "A code app", WEBAUTHN: "A passkey"}


class NewTotp(Discreet, frozen=True):
    """A code app that was begun: its secret in Base32, and the ``otpauth`` address with it. Neither is to be had again."""

    factor: Factor
    secret: Hidden[str]
    uri: Hidden[str]


class Asked(Struct, frozen=True):
    """A challenge. ``purpose`` is one of `pellucid.auth.factors.challenges`; ``options`` are what a browser's ``navigator.credentials``
    is to be given, as JSON (WebAuthn, level 3, 5.1.8); None where a code is wanted."""

    id: UUID
    purpose: str
    expires_at: datetime
    options: dict[str, Any] | None = None


class Proof(Struct, frozen=True):
    """What an answer proves, before it is used up: the step of a code, a new passkey, or a known one that signed."""

    step: int | None = None
    registered: Registered | None = None
    asserted: Asserted | None = None
    passkey: Credential | None = None


class Factors:
    """The second factors of all accounts. ``clock`` tells the seconds since 1970, by which codes of apps are judged."""

    def __init__(self, door: Door, outbox: Outbox, vault: Vault, clock: Callable[[], float] = time.time) -> None:
        self.door = door
        self.database = door.database
        self.audit = door.audit
        self.limits = door.limits
        self.outbox = outbox
        self.vault = vault
        self.clock = clock

    async def of(self, user_id: UUID) -> Sequence[Factor]:
        """The factors of an account, those that were only begun included."""
        async with self.database.read(ACCOUNTS) as reading:
            return await store.factors_of(reading, user_id)

    # -- adding -----------------------------------------------------------------------------------------------------------

    async def begin_totp(
        self, identity: Identity, name: str | None = None, issuer_url: str | None = None, client: Client = NOBODY
    ) -> NewTotp:
        """Begin a code app. It counts when `verify` has seen a code of it.

        Args:
            identity: who asks, with a session.
            name: how the account calls it.
            issuer_url: whose host the app shows; by default that of the public URL.
            client: from where.

        Raises:
            StepUpRequired: the account has a factor, and the session has not proved it.
            Duplicate: a factor of the account has this name.
            TooManyFactors: it has very many.
            TooManyAttempts: too often.
            Forbidden: there is no session, or somebody else acts for the account.
            FeatureOff: the server has no key to keep the secret with.
        """
        user = await self._may_add(identity, client)
        secret, factor_id = totp.new_secret(), uuid4()
        sealed = self.vault.seal(secret.encode(), factor_id)
        async with self.database.write(ACCOUNTS) as writing:
            factor = await store.begin(writing, user.id, TOTP, name, factor_id=factor_id, secret=sealed)
        shown = user.email or user.phone or str(user.id)
        return NewTotp(factor, secret, totp.address(secret, shown, issuer_url or self.door.options.public_url))

    async def begin_passkey(self, identity: Identity, name: str | None = None, client: Client = NOBODY) -> Factor:
        """Begin a passkey or a security key. `challenge` tells what to ask the browser for, `verify` takes what it gives.

        Raises:
            FeatureOff: the public URL is an address, and passkeys need a name.
            PellucidError: as `begin_totp`.
        """
        passkeys.site_of(self.door.options.public_url)
        user = await self._may_add(identity, client)
        async with self.database.write(ACCOUNTS) as writing:
            return await store.begin(writing, user.id, WEBAUTHN, name, factor_id=uuid4())

    # -- proving ----------------------------------------------------------------------------------------------------------

    async def challenge(self, identity: Identity, factor_id: UUID, client: Client = NOBODY) -> Asked:
        """What a factor is to answer. Codes of an app can be sent without being asked for.

        Raises:
            RowNotFound: the account has no such factor.
            TooManyAttempts: too often.
            Forbidden: there is no session, or somebody else acts for the account.
        """
        user_id, _ = require_session(identity)
        await self.limits.admit(FACTOR, f"ask {user_id}", client)
        user = await self.door.user(user_id)
        content = new_secret().encode()
        async with self.database.write(ACCOUNTS) as writing:
            factor = await store.factor_of(writing, user_id, factor_id)
            purpose, options = await self._options(writing, user, factor, content)
            about: dict[str, Any] = {
                "user_id": user_id,
                "factor_id": factor_id,
                "content": content if options else None,
            }
            challenge_id, expires_at = await challenges.make(writing, purpose, client, **about)
        return Asked(challenge_id, purpose, expires_at, options)

    async def verify(
        self,
        identity: Identity,
        factor_id: UUID,
        answer: str | Mapping[str, Any],
        client: Client = NOBODY,
        *,
        challenge_id: UUID | None = None,
    ) -> Granted:
        """Prove a factor: the session is one of aal2 from now on, with a new cookie or refresh token. A factor that was only begun counts
        from now on; when it is the first one, all other sessions of the account end, since they have proved too little.

        Args:
            identity: who asks, with a session.
            factor_id: which factor.
            answer: the code of the app, or what the browser gave (a ``PublicKeyCredential`` as JSON).
            client: from where.
            challenge_id: which challenge is answered; a passkey's answer tells it by itself.

        Raises:
            FactorRefused: the answer is not good, or was given before.
            ChallengeRefused: the challenge is not open.
            RowNotFound: the account has no such factor.
            StepUpRequired: the factor was only begun, and the account has another one that the session has not proved.
            TooManyAttempts: too often.
            SessionEnded: the session has.
            Forbidden: there is no session, or somebody else acts for the account.
            FeatureOff: the secret was kept with a key that is gone.
        """
        user_id, session_id = require_session(identity)
        await self.limits.admit(FACTOR, str(user_id), client)
        async with self.database.read(ACCOUNTS) as reading:
            factor = await store.factor_of(reading, user_id, factor_id, secret=True)
        try:
            proof = await self._proof(factor, answer, challenge_id)
            return await self._accepted(identity, factor, proof, client)
        except FactorRefused:
            await self.failed(user_id, session_id, factor.kind, client)
            raise

    # -- managing ---------------------------------------------------------------------------------------------------------

    async def rename(self, identity: Identity, factor_id: UUID, name: str) -> Factor:
        """Give a factor another name.

        Raises:
            RowNotFound, Duplicate, StepUpRequired, Forbidden: as above.
        """
        user_id, _ = require_session(identity)
        await require_assurance(self.database, identity)
        async with self.database.write(ACCOUNTS) as writing:
            return await self._renamed(writing, user_id, factor_id, name)

    async def renamed(
        self,
        user_id: UUID,
        factor_id: UUID,
        name: str | None,
        client: Client = NOBODY,
        *,
        actor_id: UUID | None = None,
    ) -> Factor:
        """The same for whoever may do it anyway; without a ``name`` it stays as it is. The audit log names the ``actor_id``.

        Raises:
            RowNotFound, Duplicate: as above.
        """
        async with self.database.write(ACCOUNTS) as writing:
            factor = await self._renamed(writing, user_id, factor_id, name)
            details = {"fields": ["factor"], "factor": str(factor_id)}
            about: dict[str, Any] = {"user_id": user_id, "actor_id": actor_id, "client": client}
            await self.audit.note(writing, Event.USER_CHANGED, **about, details=details)
        return factor

    async def _renamed(self, writing: WriteSession, user_id: UUID, factor_id: UUID, name: str | None) -> Factor:
        await store.lock(writing, user_id)
        factor = await store.factor_of(writing, user_id, factor_id)
        if name is None:
            return factor
        others = [other for other in await store.factors_of(writing, user_id) if other.id != factor_id]
        store.require_new_name(others, name)
        return await store.rename(writing, factor, name)

    async def remove(self, identity: Identity, factor_id: UUID, client: Client = NOBODY) -> None:
        """Remove a factor; all other sessions of the account end. With the last one the recovery codes go too.

        Raises:
            RowNotFound, StepUpRequired, Forbidden: as above.
        """
        user_id, session_id = require_session(identity)
        await require_assurance(self.database, identity)
        await self.discard(user_id, factor_id, client, but=session_id)

    async def discard(
        self,
        user_id: UUID,
        factor_id: UUID,
        client: Client = NOBODY,
        *,
        but: UUID | None = None,
        actor_id: UUID | None = None,
    ) -> None:
        """The same for whoever may do it anyway; sessions ``but`` one end, and the audit log names the ``actor_id``.

        Raises:
            RowNotFound: the account has no such factor.
        """
        gone: list[UUID] = []
        async with self.database.write(ACCOUNTS) as writing:
            await store.lock(writing, user_id)
            factor = await store.remove(writing, user_id, factor_id)
            if factor.verified_at is not None:
                if not await writing.scalar(HAS_FACTOR, {"user_id": user_id}):
                    await recovery.drop(writing, user_id)
                gone = await self.door.sessions.end(writing, user_id, but=but)
                details = {"factor": str(factor_id), "kind": factor.kind}
                about: dict[str, Any] = {"user_id": user_id, "session_id": but, "actor_id": actor_id, "client": client}
                await self.audit.note(writing, Event.FACTOR_REMOVED, **about, details=details)
                await self.tell(writing, await writing.get(User, user_id), f"{PROVED[factor.kind]} was removed")
        self.door.sessions.revocations.add(gone)

    # -- the parts --------------------------------------------------------------------------------------------------------

    async def failed(self, user_id: UUID, session_id: UUID | None, kind: str, client: Client) -> None:
        """Write down that a factor was not proved."""
        about: dict[str, Any] = {"user_id": user_id, "session_id": session_id, "client": client}
        await self.audit.record(Event.FACTOR_FAILED, **about, details={"kind": kind})

    async def _may_add(self, identity: Identity, client: Client) -> User:
        user_id, _ = require_session(identity)
        await self.limits.admit(ENROL, str(user_id), client)
        await require_assurance(self.database, identity)
        return await self.door.user(user_id)

    async def _options(
        self, writing: WriteSession, user: User, factor: Factor, content: bytes
    ) -> tuple[str, dict[str, Any] | None]:
        if factor.kind != WEBAUTHN:
            return challenges.CODE, None
        site = passkeys.site_of(self.door.options.public_url)
        own = await store.passkey_of(writing, factor.id)
        if own is not None:
            return challenges.GET, ceremonies.request(site, content, [own])
        known = await store.passkeys_of(writing, user.id)
        return challenges.CREATE, ceremonies.creation(site, user, content, known)

    async def _proof(self, factor: Factor, answer: str | Mapping[str, Any], challenge_id: UUID | None) -> Proof:
        if factor.kind == TOTP and isinstance(answer, str):
            if challenge_id is not None:
                await self._take(factor, challenges.CODE, challenge_id)
            return self._step(factor, answer)
        if factor.kind == WEBAUTHN and not isinstance(answer, str):
            return await self._signed(factor, answer, challenge_id)
        raise passkeys.refused()

    def _step(self, factor: Factor, code: str) -> Proof:
        secret = self.vault.open(factor.secret or b"", factor.id).decode()
        step = totp.step_of(secret, code, self.clock())
        if step is None:
            raise passkeys.refused()
        return Proof(step=step)

    async def _signed(self, factor: Factor, answer: Mapping[str, Any], challenge_id: UUID | None) -> Proof:
        content, site = ceremonies.challenge_in(answer), passkeys.site_of(self.door.options.public_url)
        async with self.database.read(ACCOUNTS) as reading:
            own = await store.passkey_of(reading, factor.id)
        purpose = challenges.CREATE if own is None else challenges.GET
        await self._take(factor, purpose, challenge_id, content)
        if own is None:
            return Proof(registered=ceremonies.registered(site, answer, content))
        if ceremonies.id_in(answer)[0] != own.credential_id:
            raise passkeys.refused()
        return Proof(asserted=ceremonies.asserted(site, answer, content, own), passkey=own)

    async def _take(
        self, factor: Factor, purpose: str, challenge_id: UUID | None, content: bytes | None = None
    ) -> None:
        async with self.database.write(ACCOUNTS) as writing:
            await challenges.take(writing, purpose, factor_id=factor.id, challenge_id=challenge_id, content=content)

    async def _accepted(self, identity: Identity, factor: Factor, proof: Proof, client: Client) -> Granted:
        user_id, session_id = require_session(identity)
        sessions, gone = self.door.sessions, []
        async with self.database.write(ACCOUNTS) as writing:
            await store.lock(writing, user_id)
            first = not await writing.scalar(HAS_FACTOR, {"user_id": user_id})
            await _use_up(writing, factor, proof)
            new = await store.activate(writing, factor)
            if new and not first and identity.assurance != AAL2:
                raise step_up_required()
            if new and first:
                gone = await sessions.end(writing, user_id, but=session_id)
            opened = await sessions.step_up(writing, session_id, factor.kind, client)
            if new:
                await self._added(writing, opened.user, session_id, factor, client)
            await self.limits.forgive(writing, FACTOR, str(user_id))
        sessions.revocations.add(gone)
        self.door.browsers.forget(session_id)
        return await sessions.grant(opened)

    async def _added(self, writing: WriteSession, user: User, session_id: UUID, factor: Factor, client: Client) -> None:
        details = {"factor": str(factor.id), "kind": factor.kind}
        about: dict[str, Any] = {"user_id": user.id, "session_id": session_id, "client": client}
        await self.audit.note(writing, Event.FACTOR_ADDED, **about, details=details)
        await self.tell(writing, user, f"{PROVED[factor.kind]} was added to your account")

    async def tell(self, writing: WriteSession, user: User | None, what: str) -> None:
        """Have a mail say what happened, where the account has an address. ``what`` is a sentence without a full stop."""
        if user is not None and user.email and self.door.options.mails:
            await self.outbox.put(writing, "notice", user.email, data={"what": what})


async def _use_up(writing: WriteSession, factor: Factor, proof: Proof) -> None:
    match proof:
        case Proof(step=int(step)):
            await store.use_step(writing, factor, step)
        case Proof(registered=Registered() as new):
            await store.add_passkey(writing, factor, new)
        case Proof(asserted=Asserted() as proved, passkey=Credential() as passkey):
            await store.use_passkey(writing, passkey, proved)
        case _:
            raise passkeys.refused()
