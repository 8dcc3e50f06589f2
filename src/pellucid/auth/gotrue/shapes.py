"""Accounts and sessions in the shapes that Supabase's clients read: members, their names and their order."""

import secrets
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from pellucid.auth.service import Accounts
from pellucid.auth.sessions.service import Granted
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS

AUDIENCE = "authenticated"
EMAIL = "email"

IDENTITIES = text("""
select id, user_id, provider, subject, email, email_verified, data, created_at, updated_at, last_sign_in_at
from auth.identities where user_id = any(:users) order by created_at, id
""")
FACTORS = text("""
select id, user_id, kind, name, verified_at, phone, created_at, updated_at, last_used_at
from auth.factors where user_id = any(:users) order by created_at, id
""")
WITH_PASSWORD = text("select user_id from auth.passwords where user_id = any(:users)")

Shape = dict[str, Any]


async def users_shown(accounts: Accounts, users: Sequence[User]) -> list[Shape]:
    """Accounts, each with its identities and factors: three statements for all of them."""
    values = {"users": [user.id for user in users]}
    async with accounts.database.read(ACCOUNTS) as reading:
        identities = [dict(row) for row in (await reading.execute(IDENTITIES, values)).mappings()]
        factors = [dict(row) for row in (await reading.execute(FACTORS, values)).mappings()]
        secured = set((await reading.scalars(WITH_PASSWORD, values)).all())
    return [
        _user(
            user,
            _identities(user, [row for row in identities if row["user_id"] == user.id], secured=user.id in secured),
            [factor(row) for row in factors if row["user_id"] == user.id],
        )
        for user in users
    ]


async def user_shown(accounts: Accounts, user: User) -> Shape:
    """One account."""
    return (await users_shown(accounts, [user]))[0]


async def session_shown(accounts: Accounts, granted: Granted) -> Shape:
    """A session as it was opened or refreshed."""
    return session_members(granted) | {"user": await user_shown(accounts, granted.user)}


def session_members(granted: Granted) -> Shape:
    """What is secret of a session, and how long it is good: also the fragment of a redirect."""
    return {
        "access_token": granted.access.text,
        "token_type": "bearer",
        "expires_in": granted.access.expires_in,
        "expires_at": int(time.time()) + granted.access.expires_in,
        "refresh_token": granted.refresh_token or "",
    }


def pending_user(email: str, metadata: Mapping[str, Any]) -> Shape:
    """What sign-up shows before an address is verified: the same for a new and for a known address, so that nobody learns which it is.

    Its id is made up. The account's own comes with the first session.
    """
    now = datetime.now(UTC)
    user = User(id=_made_up(now), email=email, role=AUDIENCE, user_metadata=dict(metadata), app_metadata={})
    user.is_anonymous, user.created_at, user.updated_at = False, now, now
    shape = _user(user, [_by_email(user)], [])
    return {"id": shape.pop("id"), **shape, "confirmation_sent_at": moment(now)}


def factor(row: Mapping[str, Any]) -> Shape:
    """A second factor."""
    return _present(
        {
            "id": str(row["id"]),
            "created_at": moment(row["created_at"]),
            "updated_at": moment(row["updated_at"]),
            "status": "verified" if row["verified_at"] else "unverified",
            "friendly_name": row["name"],
            "factor_type": row["kind"],
            "phone": row["phone"],
        }
    )


def moment(when: datetime | None) -> str | None:
    """A time as RFC 3339 writes it."""
    return None if when is None else when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _user(user: User, identities: list[Shape], factors: list[Shape]) -> Shape:
    providers = list(dict.fromkeys(identity["provider"] for identity in identities))
    provided = {"provider": providers[0], "providers": providers} if providers else {}
    verified = moment(user.email_verified_at)
    return _present(
        {
            "id": str(user.id),
            "aud": AUDIENCE,
            "role": user.role,
            "email": user.email or "",
            "email_confirmed_at": verified,
            "invited_at": moment(user.invited_at),
            "phone": user.phone or "",
            "phone_confirmed_at": moment(user.phone_verified_at),
            "confirmed_at": verified or moment(user.phone_verified_at),
            "new_email": user.new_email,
            "last_sign_in_at": moment(user.last_sign_in_at),
            "app_metadata": provided | user.app_metadata,
            "user_metadata": user.user_metadata,
            "factors": factors or None,
            "identities": identities,
            "created_at": moment(user.created_at),
            "updated_at": moment(user.updated_at),
            "banned_until": moment(user.banned_until),
            "is_anonymous": user.is_anonymous,
        }
    )


def _identities(user: User, rows: Sequence[Mapping[str, Any]], *, secured: bool) -> list[Shape]:
    """Those elsewhere, and before them the address where the account can be entered with it."""
    own = [_by_email(user)] if user.email and (secured or not rows) else []
    return own + [_elsewhere(row) for row in rows]


def _by_email(user: User) -> Shape:
    data = {
        "email": user.email,
        "email_verified": user.email_verified_at is not None,
        "phone_verified": False,
        "sub": str(user.id),
    }
    return _identity(user.id, str(user.id), user.id, data, EMAIL) | {
        "last_sign_in_at": moment(user.last_sign_in_at or user.created_at),
        "created_at": moment(user.created_at),
        "updated_at": moment(user.updated_at),
        "email": user.email,
    }


def _elsewhere(row: Mapping[str, Any]) -> Shape:
    known = {"sub": row["subject"], "email": row["email"], "email_verified": row["email_verified"]}
    times = {name: moment(row[name]) for name in ("last_sign_in_at", "created_at", "updated_at")}
    data = {**row["data"], **known}
    shape = _identity(row["id"], row["subject"], row["user_id"], data, row["provider"])
    return _present(shape | times | {"email": row["email"]})


def _identity(key: UUID, subject: str, user_id: UUID, data: Shape, provider: str) -> Shape:
    return {
        "identity_id": str(key),
        "id": subject,
        "user_id": str(user_id),
        "identity_data": data,
        "provider": provider,
    }


def _present(members: Shape) -> Shape:
    return {name: value for name, value in members.items() if value is not None}


def _made_up(now: datetime) -> UUID:
    """An id like any other (RFC 9562, 5.7) that belongs to nobody."""
    stamp, rest = int(now.timestamp() * 1000), secrets.randbits(74)
    return UUID(int=(stamp << 80) | (0x7 << 76) | ((rest >> 62) << 64) | (0b10 << 62) | (rest & ((1 << 62) - 1)))
