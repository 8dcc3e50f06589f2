"""The first proof of an address by mail, and what it leaves of an account that somebody else may have made or used before.

An account without a verified address is nobody's yet. Whoever reads the mailbox gets it as it would be new: without the password, the
sessions, factors, passkeys, accounts elsewhere and API keys of before. What belongs to a sign-up survives where the mail of that very
sign-up is the proof: its token names the password by a digest (`bond`), and no other password is named so.
"""

from uuid import UUID

from sqlalchemy import delete, func, select, text, update

from pellucid.auth import onetime
from pellucid.auth.apikeys.tables import ApiKey
from pellucid.auth.factors.tables import Factor, RecoveryCode
from pellucid.auth.onetime import CHANGES, OneTimeToken, Purpose, Taken
from pellucid.auth.opaque import digest
from pellucid.auth.providers.tables import FlowState, Linked
from pellucid.auth.sessions.statements import REVOKE
from pellucid.auth.tables import Password, User
from pellucid.database.session import WriteSession

BOND = "password"
"""Where the data of a token for `Purpose.VERIFY` names the password of the sign-up that it belongs to."""
NO_CHANGE = text("update auth.users set new_email = null where id = :user_id and new_email is not null")
PLANTED = (Password, Linked, FlowState, Factor, RecoveryCode)
"""What goes. Passkeys go with their factors; API keys and sessions end, so that every worker is told."""


def bond(hashed: str) -> str:
    """What names the password of a sign-up. It tells nothing of it."""
    return digest(hashed, BOND).hex()


async def bond_before(writing: WriteSession, user_id: UUID) -> str | None:
    """What the last mail for a sign-up was bound to; another that is asked for is bound to the same."""
    last = select(OneTimeToken.data[BOND].astext).where(
        OneTimeToken.user_id == user_id, OneTimeToken.purpose == Purpose.VERIFY
    )
    found: str | None = await writing.scalar(last.order_by(OneTimeToken.id.desc()).limit(1))
    return found


async def bond_of(writing: WriteSession, user_id: UUID) -> str | None:
    """What names the present password of an account; None where it has none."""
    hashed: str | None = await writing.scalar(select(Password.hash).where(Password.user_id == user_id))
    return None if hashed is None else bond(hashed)


async def clear(writing: WriteSession, user: User, taken: Taken, *, sign_ups: bool) -> list[UUID]:
    """Take from an account, which is locked, what is not its owner's at the first proof of its address.

    Args:
        writing: the transaction that verifies the address.
        user: the account.
        taken: the proof.
        sign_ups: whether sign-ups are proved by mail here. Where they are not, an address is signed up once, and a proof for
            `Purpose.VERIFY` that is bound to no password is one for that sign-up.

    Returns:
        The sessions and API keys that have ended.
    """
    await drop_changes(writing, user.id)
    if await _own(writing, user.id, taken, sign_ups=sign_ups):
        return []
    for table in PLANTED:
        await writing.execute(delete(table).where(table.user_id == user.id))
    await onetime.drop(writing, user.id)
    keys = update(ApiKey).where(ApiKey.user_id == user.id, ApiKey.revoked_at.is_(None)).values(revoked_at=func.now())
    gone = list((await writing.scalars(keys.returning(ApiKey.id))).all())
    return gone + list((await writing.scalars(REVOKE, {"user_id": user.id, "only": None, "but": None})).all())


async def drop_changes(writing: WriteSession, user_id: UUID) -> None:
    """Have a change of address that is under way come to nothing."""
    await onetime.drop(writing, user_id, *CHANGES)
    await writing.execute(NO_CHANGE, {"user_id": user_id})


async def _own(writing: WriteSession, user_id: UUID, taken: Taken, *, sign_ups: bool) -> bool:
    """Whether a proof is one of the sign-up that made the account what it is."""
    if taken.purpose != Purpose.VERIFY:
        return False
    named = taken.data.get(BOND)
    return not sign_ups if named is None else named == await bond_of(writing, user_id)
