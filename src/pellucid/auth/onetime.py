"""What is mailed and good once: the secret of a link, or six digits. Both are stored hashed and live for a short time.

One statement takes a token: whoever comes second finds none. A code counts its attempts before it is compared, so that a thousand at
once are a thousand; after `ATTEMPTS` it is dead, right or wrong.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct
from sqlalchemy import delete, func, insert, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from pellucid.auth.opaque import digest, new_code, new_secret
from pellucid.auth.tables import BY_DATABASE, Base
from pellucid.database.session import WriteSession
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import ProofRefused

ATTEMPTS = 5
"""How often a code may be typed."""
CODE_SECONDS = 600
"""How long a code is good, and a link that came with one."""


class Purpose(StrEnum):
    """What a one-time token is for. One for one purpose is good for no other."""

    VERIFY = "verify"
    SIGN_IN = "sign_in"
    RECOVER = "recover"
    INVITE = "invite"
    CHANGE_EMAIL_OLD = "change_email_old"
    CHANGE_EMAIL_NEW = "change_email_new"
    REAUTHENTICATE = "reauthenticate"
    PHONE = "phone"


CHANGES = (Purpose.CHANGE_EMAIL_OLD, Purpose.CHANGE_EMAIL_NEW)
"""The two sides of a change of address."""
LIFETIMES: Mapping[str, int] = {
    Purpose.VERIFY: 86_400,
    Purpose.SIGN_IN: CODE_SECONDS,
    Purpose.RECOVER: CODE_SECONDS,
    Purpose.INVITE: 7 * 86_400,
    Purpose.CHANGE_EMAIL_OLD: 3600,
    Purpose.CHANGE_EMAIL_NEW: 3600,
}
"""Seconds for which a link is good. Its code is good for `CODE_SECONDS` in any case."""

TAKE_LINK = text("""
update auth.one_time_tokens set used_at = clock_timestamp()
where hash = :hash and purpose = any(:purposes) and used_at is null and expires_at > clock_timestamp()
returning id, user_id, purpose, target, data
""")
TAKE_CODE = text("""
update auth.one_time_tokens set
  attempts = attempts + 1, used_at = case when code_hash = :code then clock_timestamp() end
where target = :target and purpose = any(:purposes) and code_hash is not null and used_at is null
  and attempts < :most and expires_at > clock_timestamp()
  and created_at > clock_timestamp() - make_interval(secs => :seconds)
returning id, user_id, purpose, target, data, used_at is not null as right
""")


class OneTimeToken(Base):
    """One such token. ``target`` is the address that it was sent to, in one spelling."""

    __tablename__ = "one_time_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=BY_DATABASE)
    user_id: Mapped[UUID | None]
    purpose: Mapped[str]
    target: Mapped[str]
    hash: Mapped[bytes]
    code_hash: Mapped[bytes | None]
    attempts: Mapped[int] = mapped_column(server_default=BY_DATABASE)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=BY_DATABASE)
    expires_at: Mapped[datetime]


class Issued(Discreet, frozen=True):
    """What is sent: the secret of the link, and the digits. They are never to be had again."""

    token: Hidden[str]
    code: Hidden[str]


class Taken(Struct, frozen=True):
    """What a good token was for."""

    user_id: UUID | None
    purpose: str
    target: str
    data: Mapping[str, Any]


async def issue(
    writing: WriteSession,
    purpose: str,
    target: str,
    *,
    user_id: UUID | None,
    data: Mapping[str, Any] | None = None,
    seconds: int | None = None,
) -> Issued:
    """Make a token; an earlier one for the same purpose and target is good no more. Of a change of address only the account's own is: a
    new address is nobody's yet, and several accounts may ask for it.

    Args:
        writing: a transaction of the accounts.
        purpose: one of `Purpose`, or a word of one's own.
        target: the address.
        user_id: the account it is for, where there is one already.
        data: what `take` gives back.
        seconds: how long the link is good; by default as `LIFETIMES` says.
    """
    issued = Issued(new_secret(), new_code())
    earlier = delete(OneTimeToken).where(OneTimeToken.target == target, OneTimeToken.purpose == purpose)
    await writing.execute(earlier.where(OneTimeToken.user_id == user_id) if purpose in CHANGES else earlier)
    life = timedelta(seconds=seconds or LIFETIMES.get(purpose, CODE_SECONDS))
    await writing.execute(
        insert(OneTimeToken).values(
            user_id=user_id,
            purpose=purpose,
            target=target,
            hash=digest(issued.token),
            code_hash=_code_hash(target, issued.code),
            data=dict(data or {}),
            expires_at=func.now() + life,
        )
    )
    return issued


async def take_link(writing: WriteSession, token: str, *purposes: str) -> Taken | None:
    """Use a link's secret up; None when it is not good. A caller that raises afterwards has used nothing up."""
    found = (await writing.execute(TAKE_LINK, {"hash": digest(token), "purposes": list(purposes)})).one_or_none()
    return None if found is None else Taken(found.user_id, found.purpose, found.target, found.data)


async def take_code(writing: WriteSession, target: str, code: str, *purposes: str) -> Taken | None:
    """Use a code up, or one of its attempts; None when it is not good. The transaction must be committed in both cases."""
    values: dict[str, Any] = {"target": target, "code": _code_hash(target, code), "purposes": list(purposes)}
    values |= {"most": ATTEMPTS, "seconds": CODE_SECONDS}
    found = (await writing.execute(TAKE_CODE, values)).all()
    right = next((row for row in found if row.right), None)
    return None if right is None else Taken(right.user_id, right.purpose, right.target, right.data)


async def drop(writing: WriteSession, user_id: UUID, *purposes: str) -> None:
    """Make the tokens of an account good no more: all, or those of some purposes."""
    gone = delete(OneTimeToken).where(OneTimeToken.user_id == user_id)
    await writing.execute(gone.where(OneTimeToken.purpose.in_(purposes)) if purposes else gone)


def refused() -> ProofRefused:
    """The one refusal of all that is not good."""
    return ProofRefused("The link or the code is not good, or not good any more.")


def _code_hash(target: str, code: str) -> bytes:
    return digest(code.strip(), target)


def new_change() -> str:
    """A name for what several tokens belong to; no secret."""
    return str(uuid4())
