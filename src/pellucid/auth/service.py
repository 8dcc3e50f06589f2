"""The accounts: sign-up, sign-in, and who may be seen.

What looks at accounts before anybody is known runs as `ACCOUNTS`, the role that owns them; what a signed-in caller asks for runs in the
caller's own session, where row level security decides. A connection is never held while a password is hashed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update

from pellucid.auth.addresses import sought
from pellucid.auth.passwords import Passwords
from pellucid.auth.schemas import SignIn, SignUp, UserQuery
from pellucid.auth.tables import Password, User
from pellucid.auth.tokens import AccessToken, Tokens
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import ReadSession
from pellucid.errors import Duplicate, Fault, RowNotFound, WrongCredentials


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and the token that proves it."""

    user: User
    token: AccessToken


class Accounts:
    """Makes accounts and lets people in."""

    def __init__(self, database: Database, passwords: Passwords, tokens: Tokens) -> None:
        self.database = database
        self.passwords = passwords
        self.tokens = tokens

    async def sign_up(self, entry: SignUp) -> User:
        """Make an account.

        Raises:
            Duplicate: the address has one already.
        """
        hashed = await self.passwords.hash(entry.password.get_secret_value())
        user = User(email=entry.email, password=Password(hash=hashed))
        try:
            async with self.database.write(ACCOUNTS) as session:
                session.add(user)
                await session.commit()
                await session.refresh(user)
        except Duplicate as fault:
            raise _taken() from fault
        return user

    async def sign_in(self, entry: SignIn) -> SignedIn:
        """Let somebody in who knows the password. An unknown address costs the same work as a wrong password.

        Raises:
            WrongCredentials: the two do not belong together.
        """
        password = entry.password.get_secret_value()
        user_id, hashed = await self._credentials(sought(entry.email))
        fits = await self.passwords.verify(password, hashed)
        if not fits or user_id is None or hashed is None:
            raise WrongCredentials("The e-mail address and the password do not belong together.")
        if self.passwords.outdated(hashed):
            await self._replace(user_id, hashed, await self.passwords.hash(password))
        user = await self._note_sign_in(user_id)
        return SignedIn(user, self.tokens.issue(user.id, role=user.role, email=user.email))

    async def _credentials(self, address: str) -> tuple[UUID | None, str | None]:
        async with self.database.read(ACCOUNTS) as session:
            wanted = (
                select(User.id, Password.hash).join(Password.user).where(func.lower(User.email) == func.lower(address))
            )
            found = (await session.execute(wanted)).one_or_none()
        return (None, None) if found is None else (found.id, found.hash)

    async def _replace(self, user_id: UUID, old: str, new: str) -> None:
        """Store a stronger hash of the same password, unless the password was changed meanwhile."""
        async with self.database.write(ACCOUNTS) as session:
            await session.execute(
                update(Password).where(Password.user_id == user_id, Password.hash == old).values(hash=new)
            )
            await session.commit()

    async def _note_sign_in(self, user_id: UUID) -> User:
        async with self.database.write(ACCOUNTS) as session:
            user = await session.get(User, user_id)
            if user is None:  # deleted since the password was checked
                raise WrongCredentials("The e-mail address and the password do not belong together.")
            user.last_sign_in_at = func.now()
            await session.commit()
            await session.refresh(user)
        return user


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


def _taken() -> Duplicate:
    fault = Fault("email", "This e-mail address has an account already.", "Sign in at /login instead.")
    return Duplicate(fault.message, sqlstate="23505", hint=fault.hint, faults=(fault,))
