"""Links and codes that an operator hands over himself, instead of a mail."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from sqlalchemy import func, select

from pellucid.auth import firstproof, onetime
from pellucid.auth.admin.fit import fit_address
from pellucid.auth.admin.service import OPERATORS, Actor, Administration
from pellucid.auth.audit import Event
from pellucid.auth.letters import Letters
from pellucid.auth.onetime import CHANGES, Issued, Purpose
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.session import WriteSession
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import InvalidFields, RowNotFound

PURPOSES = (
    Purpose.VERIFY,
    Purpose.SIGN_IN,
    Purpose.RECOVER,
    Purpose.INVITE,
    Purpose.CHANGE_EMAIL_OLD,
    Purpose.CHANGE_EMAIL_NEW,
)


class Link(Discreet, frozen=True):
    """A link, and what is in it. Whoever has it can use it once: it is as good as the mail."""

    url: Hidden[str]
    issued: Issued
    purpose: Purpose
    user: User


class Links(Struct, frozen=True):
    """Makes links."""

    administration: Administration
    letters: Letters

    async def generate(
        self,
        purpose: Purpose,
        address: str,
        actor: Actor = OPERATORS,
        *,
        new_address: str | None = None,
        data: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        bound: bool = False,
    ) -> Link:
        """Make a link; no mail is sent. An earlier one for the same purpose is good no more.

        Args:
            purpose: one of `PURPOSES`; `Purpose.INVITE` makes the account where there is none.
            address: of the account.
            actor: who asks for it.
            new_address: the address to come, for a change of address.
            data: ``path`` and ``query`` of the link where they are not the native ones.
            metadata: for an account that an invitation makes.
            bound: whether `Purpose.VERIFY` keeps the present password: it is the one that the link's reader chose.

        Raises:
            RowNotFound: no account has the address.
            Duplicate: an invitation is for an account that is in use.
            InvalidFields: a change of address lacks the new one, or an address is none.
        """
        known = fit_address(address)
        changes = purpose in CHANGES
        target = fit_address(new_address or "") if changes else known
        async with self.administration.database.write(ACCOUNTS) as writing:
            if purpose == Purpose.INVITE:
                user = await self.administration.invited(writing, known, actor, metadata)
            else:
                user = await self._known(writing, known)
            more = dict(data or {})
            if changes:
                more |= await self._change(writing, user, target, purpose)
            if bound and (bond := await firstproof.bond_of(writing, user.id)) is not None:
                more[firstproof.BOND] = bond
            sent_to = known if purpose == Purpose.CHANGE_EMAIL_OLD else target
            issued = await onetime.issue(writing, purpose, sent_to, user_id=user.id, data=more)
            await self.administration.note(writing, Event.LINK_GENERATED, user.id, actor, purpose=purpose)
        return Link(self.letters.link(issued.token, purpose, more), issued, purpose, user)

    async def _known(self, writing: WriteSession, address: str) -> User:
        user: User | None = (
            await writing.scalars(select(User).where(func.lower(User.email) == address).with_for_update())
        ).one_or_none()
        if user is None:
            raise RowNotFound("No account has this address.")
        return user

    async def _change(self, writing: WriteSession, user: User, target: str, purpose: Purpose) -> dict[str, Any]:
        """The change that a link belongs to: the one under way to the same address, or a new one. Both sides have to agree."""
        if user.email == target:
            raise InvalidFields("The account has this address already.")
        other = next(each for each in CHANGES if each != purpose)
        if user.new_email == target:
            asked = await writing.scalar(
                select(onetime.OneTimeToken.data).where(
                    onetime.OneTimeToken.user_id == user.id, onetime.OneTimeToken.purpose == other
                )
            )
            if asked:
                return {name: asked[name] for name in ("change", "sides", "new_email")}
        await onetime.drop(writing, user.id, *CHANGES)
        user.new_email = target
        await writing.flush()
        await writing.refresh(user)
        sides = 2 if user.email and user.email_verified_at is not None else 1
        return {"change": onetime.new_change(), "sides": sides, "new_email": target}
