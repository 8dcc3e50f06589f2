"""Challenges: made, and used up by one statement each, right or wrong."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, text

from pellucid.auth.client import Client
from pellucid.auth.factors.tables import Challenge
from pellucid.auth.opaque import digest
from pellucid.database.session import WriteSession
from pellucid.errors import ChallengeRefused

SECONDS = 300
"""How long there is to answer."""
CODE, CREATE, GET, ALONE = "code", "create", "get", "alone"
"""What is to be answered: with a code, with a new passkey, with a passkey, with a passkey and nothing else."""

TAKE = text("""
update auth.challenges set used_at = clock_timestamp()
where purpose = :purpose and used_at is null and expires_at > clock_timestamp()
  and (cast(:id as uuid) is null or id = :id) and (cast(:hash as bytea) is null or hash = :hash)
  and factor_id is not distinct from cast(:factor_id as uuid)
returning id
""")


async def make(
    writing: WriteSession,
    purpose: str,
    client: Client,
    *,
    user_id: UUID | None = None,
    factor_id: UUID | None = None,
    content: bytes | None = None,
) -> tuple[UUID, datetime]:
    """Store a challenge; tells its id and until when it can be answered. ``content`` is what a passkey signs."""
    values = {
        "purpose": purpose,
        "user_id": user_id,
        "factor_id": factor_id,
        "hash": None if content is None else _hash(content),
        "address": client.address,
        "expires_at": func.now() + timedelta(seconds=SECONDS),
    }
    made = insert(Challenge).values(values).returning(Challenge.id, Challenge.expires_at)
    row = (await writing.execute(made)).one()
    return row[0], row[1]


async def take(
    writing: WriteSession,
    purpose: str,
    *,
    factor_id: UUID | None = None,
    challenge_id: UUID | None = None,
    content: bytes | None = None,
) -> None:
    """Use a challenge up, found by its id, by its content, or by both. The transaction must be committed whatever the answer is.

    Raises:
        ChallengeRefused: there is none, it was answered before, or it is too old.
    """
    if challenge_id is None and content is None:
        raise refused()
    found = {"id": challenge_id, "hash": None if content is None else _hash(content)}
    if await writing.scalar(TAKE, found | {"purpose": purpose, "factor_id": factor_id}) is None:
        raise refused()


def refused() -> ChallengeRefused:
    """The refusal of an answer to nothing that was asked."""
    return ChallengeRefused("This answers no challenge that is open.")


def _hash(content: bytes) -> bytes:
    return digest(content.hex(), "challenge")
