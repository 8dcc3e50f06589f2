"""Which accounts a session's caller may see: row level security decides."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from pellucid.auth.schemas import UserQuery
from pellucid.auth.tables import User
from pellucid.database.session import ReadSession
from pellucid.errors import RowNotFound


async def find_user(session: ReadSession, user_id: UUID) -> User:
    """One account, as far as the session's caller may see it.

    Raises:
        RowNotFound: there is none of this id, or none for this caller.
    """
    user = await session.get(User, user_id)
    if user is None:
        raise RowNotFound(f"There is no account {user_id} that you may see.")
    return user


async def find_users(session: ReadSession, query: UserQuery) -> Sequence[User]:
    """The accounts that the session's caller may see, oldest first."""
    wanted = select(User).order_by(User.id).limit(query.limit).offset(query.offset)
    if query.id is not None:
        wanted = wanted.where(User.id == query.id)
    return (await session.scalars(wanted)).all()
