"""Recovery codes: ten at a time, shown once, stored hashed, each good once. They prove a second factor for whoever has lost theirs."""

import base64
import secrets
from uuid import UUID

from msgspec import Struct
from sqlalchemy import delete, func, insert, select, update

from pellucid.auth.factors.tables import RecoveryCode
from pellucid.auth.opaque import digest
from pellucid.database.session import ReadSession, WriteSession

CODES = 10
BYTES = 10
"""80 random bits: too many to be tried out, even by whoever has the hashes."""
GROUP = 4


class Left(Struct, frozen=True):
    """How many codes of an account are still good, of how many."""

    left: int
    made: int


async def make(writing: WriteSession, user_id: UUID) -> list[str]:
    """New codes in the place of all earlier ones."""
    codes = [_new_code() for _ in range(CODES)]
    await drop(writing, user_id)
    await writing.execute(insert(RecoveryCode), [{"user_id": user_id, "hash": _hash(user_id, code)} for code in codes])
    return codes


async def use(writing: WriteSession, user_id: UUID, code: str) -> bool:
    """Use a code up; False where it is not good. Capitals and hyphens do not matter."""
    used = (
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user_id, RecoveryCode.hash == _hash(user_id, code), RecoveryCode.used_at.is_(None)
        )
        .values(used_at=func.now())
    )
    return await writing.scalar(used.returning(RecoveryCode.user_id)) is not None


async def drop(writing: WriteSession, user_id: UUID) -> None:
    """Make all codes of an account good no more."""
    await writing.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))


async def left(reading: ReadSession, user_id: UUID) -> Left:
    """How many there are."""
    unused = func.count().filter(RecoveryCode.used_at.is_(None))
    row = (await reading.execute(select(unused, func.count()).where(RecoveryCode.user_id == user_id))).one()
    return Left(row[0], row[1])


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(BYTES)).decode().lower()
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def _hash(user_id: UUID, code: str) -> bytes:
    return digest("".join(letter for letter in code.lower() if letter.isalnum()), "recovery", str(user_id))
