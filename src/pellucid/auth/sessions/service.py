"""Opening, refreshing, stepping up and ending sessions.

What changes a session takes a `WriteSession` of the accounts, so that it can be one transaction with what proved the caller. Tokens are
signed afterwards by `grant`, with no connection held: hooks of the application may take their time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import undefer

from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.hooks import Hooks
from pellucid.auth.limits import REFRESH, Limits
from pellucid.auth.opaque import derived, digest, new_secret
from pellucid.auth.options import SessionOptions
from pellucid.auth.sessions.revocation import Revocations
from pellucid.auth.sessions.statements import HAS_FACTOR, KEY_OF, REVOKE, ROTATE
from pellucid.auth.sessions.tables import RefreshToken, Session
from pellucid.auth.tables import User
from pellucid.auth.tokens import AccessToken, Tokens
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import ReadSession, WriteSession
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import SessionEnded

AAL1, AAL2 = "aal1", "aal2"
"""Levels of assurance: one factor, two factors. NIST SP 800-63B's, with Supabase's names."""
OPERATOR, ACCOUNT = "service_role", "authenticated"
"""The role of those who run the server, and that of everybody who has an account."""


class Opened(Discreet, frozen=True):
    """A session as it was opened, refreshed or stepped up, and the secrets that prove it from now on."""

    session: Session
    user: User
    refresh_token: Hidden[str | None] = None
    cookie: Hidden[str | None] = None


class Granted(Discreet, frozen=True):
    """The same, with an access token."""

    session: Session
    user: User
    access: AccessToken
    refresh_token: Hidden[str | None] = None
    cookie: Hidden[str | None] = None


class Sessions:
    """The sessions of all accounts."""

    def __init__(
        self,
        database: Database,
        tokens: Tokens,
        *,
        audit: Audit,
        hooks: Hooks,
        revocations: Revocations,
        limits: Limits,
        options: SessionOptions,
    ) -> None:
        self.database = database
        self.tokens = tokens
        self.audit = audit
        self.hooks = hooks
        self.revocations = revocations
        self.limits = limits
        self.options = options

    async def open(
        self,
        writing: WriteSession,
        user: User,
        *methods: str,
        client: Client = NOBODY,
        cookie: bool = False,
        impersonator: UUID | None = None,
        strong: bool = False,
    ) -> Opened:
        """Open a session.

        Args:
            writing: a transaction of the accounts.
            user: whose.
            methods: what was proved, such as ``password``; two of them are two factors (aal2).
            client: from where.
            cookie: whether it is a browser's, proved by a cookie; otherwise refresh tokens prove it.
            impersonator: who acts in the name of the account, where that is somebody else.
            strong: whether one method proved two factors at once.
        """
        secret = new_secret()
        values = {
            "user_id": user.id,
            "aal": AAL2 if strong or len(methods) > 1 else AAL1,
            "amr": [_proved(method) for method in methods],
            "cookie_hash": digest(secret) if cookie else None,
            "refresh_key": _key(),
            "impersonator": impersonator,
            "address": client.address,
            "agent": client.agent,
            "idle_ends_at": func.now() + timedelta(seconds=self.options.idle),
            "ends_at": func.now() + timedelta(seconds=self.options.absolute),
        }
        session = (await writing.scalars(insert(Session).values(values).returning(Session))).one()
        if cookie:
            return Opened(session, user, cookie=secret)
        await writing.execute(insert(RefreshToken).values(hash=digest(secret), session_id=session.id))
        return Opened(session, user, refresh_token=secret)

    async def refresh(self, token: str, client: Client = NOBODY) -> Granted:
        """A new access token and the successor of a refresh token.

        Raises:
            SessionEnded: it is none of a living session, or it was used before and the grace is over; then its session ends.
            TooManyAttempts: too many that were not good came from this address.
        """
        await self.limits.admit(REFRESH, None, client)
        async with self.database.write(ACCOUNTS) as writing:
            opened = await self._rotated(writing, token, client)
            if opened is not None:
                await self.limits.forgive_address(writing, REFRESH, client)
        if opened is None:
            raise ended()
        return await self.grant(opened)

    async def step_up(self, writing: WriteSession, session_id: UUID, method: str, client: Client = NOBODY) -> Opened:
        """Raise a session to aal2: another factor was proved. All that proved it before is good no more (OWASP ASVS 5, 7.2.4).

        Raises:
            SessionEnded: it is not alive.
        """
        found = await alive(writing, session_id, with_cookie=True)
        secret, browser = new_secret(), found.cookie_hash is not None
        changed = (
            update(Session)
            .where(Session.id == session_id, Session.revoked_at.is_(None))
            .values(
                aal=AAL2,
                amr=_without(method).op("||")(literal([_proved(method)], JSONB)),
                proved_at=func.now(),
                last_used_at=func.now(),
                cookie_hash=digest(secret) if browser else None,
                refresh_key=_key(),
            )
            .returning(Session)
            .execution_options(populate_existing=True)
        )
        session = (await writing.scalars(changed)).one_or_none()
        user = None if session is None else await writing.get(User, session.user_id)
        if session is None or user is None:
            raise ended()
        await writing.execute(delete(RefreshToken).where(RefreshToken.session_id == session_id))
        await self.audit.note(writing, Event.STEPPED_UP, user_id=user.id, session_id=session.id, client=client)
        if browser:
            return Opened(session, user, cookie=secret)
        await writing.execute(insert(RefreshToken).values(hash=digest(secret), session_id=session.id))
        return Opened(session, user, refresh_token=secret)

    async def grant(self, opened: Opened) -> Granted:
        """Sign an access token for a session. Call it when the transaction is over."""
        claims = await self.claims(opened.session, opened.user)
        access = self.tokens.sign(claims)
        return Granted(opened.session, opened.user, access, opened.refresh_token, opened.cookie)

    async def claims(self, session: Session, user: User) -> dict[str, Any]:
        """What tokens of a session say; policies see the same where a cookie proves it."""
        role = await self._role(session, user)
        left = int((session.ends_at - datetime.now(UTC)).total_seconds())
        lifetime = max(1, min(self.tokens.options.lifetime, left))
        claims = self.tokens.claims(user.id, role=role, email=user.email, lifetime=lifetime) | {
            "session_id": str(session.id),
            "aal": session.aal,
            "amr": session.amr,
            "is_anonymous": user.is_anonymous,
            "app_metadata": user.app_metadata,
        }
        if user.phone:
            claims["phone"] = user.phone
        if session.impersonator:
            claims["act"] = {"sub": str(session.impersonator)}  # RFC 8693, 4.1
        return await self.hooks.add_claims(user, claims)

    async def end(
        self, writing: WriteSession, user_id: UUID, *, only: UUID | None = None, but: UUID | None = None
    ) -> list[UUID]:
        """End sessions of an account within a transaction: one (``only``), all ``but`` one, or all. Tells which."""
        return list((await writing.scalars(REVOKE, {"user_id": user_id, "only": only, "but": but})).all())

    async def revoke(
        self,
        user_id: UUID,
        *,
        only: UUID | None = None,
        but: UUID | None = None,
        client: Client = NOBODY,
        actor_id: UUID | None = None,
        event: Event = Event.SESSIONS_REVOKED,
    ) -> list[UUID]:
        """The same in a transaction of its own, with a line in the audit log. This worker refuses them from now on, others at once too."""
        async with self.database.write(ACCOUNTS) as writing:
            gone = await self.end(writing, user_id, only=only, but=but)
            if gone:
                details = {"sessions": [str(session_id) for session_id in gone]}
                await self.audit.note(
                    writing, event, user_id=user_id, client=client, actor_id=actor_id, details=details
                )
        self.revocations.add(gone)
        return gone

    async def _role(self, session: Session, user: User) -> str:
        """The role that a session has earned. `OPERATOR` sees and may do everything, so it takes all that its account can prove; until
        then the session is that of an ordinary account, under every route and in every policy."""
        if user.role != OPERATOR or session.aal == AAL2:
            return user.role
        async with self.database.read(ACCOUNTS) as reading:
            return ACCOUNT if await reading.scalar(HAS_FACTOR, {"user_id": user.id}) else OPERATOR

    async def _rotated(self, writing: WriteSession, token: str, client: Client) -> Opened | None:
        key = await writing.scalar(KEY_OF, {"hash": digest(token)})
        if key is None:
            return None
        successor = derived(key, token)
        values: dict[str, Any] = {
            "hash": digest(token),
            "successor": digest(successor),
            "address": client.address,
            "agent": client.agent,
        }
        values |= {"grace": self.options.grace, "idle": self.options.idle}
        used = (await writing.execute(ROTATE, values)).one_or_none()
        if used is None:
            return None
        session = await writing.get(Session, used.session_id, populate_existing=True)
        user = None if session is None else await writing.get(User, session.user_id)
        if session is None or user is None:
            return None
        if not used.fresh:
            await self.audit.note(writing, Event.REFRESH_REUSED, user_id=user.id, session_id=session.id, client=client)
            return None
        return Opened(session, user, refresh_token=successor)


async def alive(reading: ReadSession, session_id: UUID, *, with_cookie: bool = False) -> Session:
    """A living session.

    Raises:
        SessionEnded: it is not alive, or not the caller's.
    """
    wanted = select(Session).where(Session.id == session_id, *living())
    if with_cookie:
        wanted = wanted.options(undefer(Session.cookie_hash)).execution_options(populate_existing=True)
    session: Session | None = (await reading.scalars(wanted)).one_or_none()
    if session is None:
        raise ended()
    return session


async def sessions_of(reading: ReadSession, user_id: UUID) -> Sequence[Session]:
    """The living sessions of an account, as far as the session's caller may see them; the last used one first."""
    wanted = select(Session).where(Session.user_id == user_id, *living()).order_by(Session.last_used_at.desc())
    return (await reading.scalars(wanted)).all()


def living() -> tuple[Any, ...]:
    """The conditions of a session that is alive."""
    now = func.clock_timestamp()
    return Session.revoked_at.is_(None), Session.idle_ends_at > now, Session.ends_at > now


def ended() -> SessionEnded:
    """The refusal of what belongs to no living session."""
    return SessionEnded("The session has ended, or there was never such a one.")


def _proved(method: str) -> dict[str, Any]:
    return {"method": method, "timestamp": int(datetime.now(UTC).timestamp())}


def _without(method: str) -> Any:
    """What was proved by other methods."""
    others = literal("$[*] ? (@.method != $method)").cast(JSONPATH)
    return func.jsonb_path_query_array(Session.amr, others, literal({"method": method}, JSONB), type_=JSONB)


def _key() -> bytes:
    return digest(new_secret())
