"""What is proved by mail: that an address is one's own, and so who one is. Verification, sign-in by link or code, recovery, invitation, and
the change of an address, to which both sides agree.

Asking is the same work for every address. Whether there is an account is found out when the mail is made, by `Letters`.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from pellucid.auth import firstproof, onetime
from pellucid.auth.addresses import sought
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.limits import CODE, MAIL, Limits
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.onetime import CHANGES, Purpose, Taken
from pellucid.auth.options import AccountOptions
from pellucid.auth.sessions.revocation import Revocations
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import WriteSession
from pellucid.errors import Duplicate, FeatureOff

ASKABLE = frozenset({Purpose.VERIFY, Purpose.SIGN_IN, Purpose.RECOVER})
"""What anybody may ask for, for any address."""
AGREED = text("""
select count(distinct purpose) from auth.one_time_tokens
where user_id = :user_id and purpose = any(:purposes) and used_at is not null and data ->> 'change' = :change
""")


class Mailed:
    """Asks for mails, and takes what they brought."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        *,
        audit: Audit,
        limits: Limits,
        revocations: Revocations,
        options: AccountOptions,
    ) -> None:
        self.database = database
        self.revocations = revocations
        self.outbox = outbox
        self.audit = audit
        self.limits = limits
        self.options = options

    async def ask(
        self, purpose: Purpose, address: str, client: Client = NOBODY, data: Mapping[str, Any] | None = None
    ) -> None:
        """Have a mail sent to an address, if it is an account's. Nobody learns whether it is.

        Args:
            purpose: one of `ASKABLE`.
            address: as it was typed.
            client: who asks.
            data: for `Letters`: ``path`` and ``query`` of the link where they are not the native ones, ``create`` where `SIGN_IN` may make
                an account, ``metadata`` for that account.

        Raises:
            TooManyAttempts: too often, for this address or from this client.
            FeatureOff: no mails can be sent.
        """
        self.require_mail()
        target = sought(address) or address.strip().lower()
        await self.limits.admit(MAIL, target, client)
        async with self.database.write(ACCOUNTS) as writing:
            await self.outbox.put(writing, purpose, target, data=data)
            await self.audit.note(writing, Event.MAIL_ASKED, client=client, details={"purpose": purpose})

    async def take(
        self, *purposes: str, token: str | None = None, address: str = "", code: str = "", client: Client = NOBODY
    ) -> Taken:
        """Use up a link's ``token``, or the ``code`` that was sent to an ``address``.

        Raises:
            ProofRefused: it is not good.
            TooManyAttempts: too many codes were tried, for this address or from this client.
        """
        target = sought(address) or address.strip().lower()
        await self.limits.admit(CODE, target if token is None else None, client)
        async with self.database.write(ACCOUNTS) as writing:
            if token is not None:
                taken = await onetime.take_link(writing, token, *purposes)
            else:
                taken = await onetime.take_code(writing, target, code, *purposes)
            if taken is not None and token is None:
                await self.limits.forgive(writing, CODE, target)
            if taken is None:
                await self.audit.note(
                    writing, Event.PROOF_FAILED, client=client, details={"purposes": [str(each) for each in purposes]}
                )
        if taken is None:
            raise onetime.refused()
        return taken

    async def verified(self, taken: Taken, client: Client = NOBODY) -> User:
        """The account whose address a mail has proved; it is verified from now on.

        The first proof takes from the account what was added before by whoever need not be the owner of the address, its password and
        its sessions among it; see `pellucid.auth.firstproof`.

        Raises:
            ProofRefused: the account is gone, or has another address by now.
        """
        gone: list[UUID] = []
        async with self.database.write(ACCOUNTS) as writing:
            user = await writing.get(User, taken.user_id, with_for_update=True) if taken.user_id else None
            if user is None or user.email != taken.target:
                raise onetime.refused()
            if user.email_verified_at is None:
                gone = await firstproof.clear(writing, user, taken, sign_ups=self.options.verify_email)
                user.email_verified_at = func.now()
                await writing.flush()
                await writing.refresh(user)
                await self.audit.note(writing, Event.EMAIL_VERIFIED, user_id=user.id, client=client)
        self.revocations.add(gone)
        return user

    async def ask_change(
        self, user_id: UUID, address: str, client: Client = NOBODY, data: Mapping[str, Any] | None = None
    ) -> None:
        """Have both addresses asked whether the one may replace the other; an account without a verified one has one side only.

        Args:
            user_id: the account; check before that its session is strong enough.
            address: the new one, in its one spelling.
            client: who asks.
            data: as with `ask`.

        Raises:
            TooManyAttempts, FeatureOff: as with `ask`.
        """
        self.require_mail()
        await self.limits.admit(MAIL, str(user_id), client)
        await self.limits.admit(MAIL, address, client)
        async with self.database.write(ACCOUNTS) as writing:
            user = await writing.get(User, user_id, with_for_update=True)
            if user is None:
                raise onetime.refused()
            user.new_email = address
            await onetime.drop(writing, user_id, *CHANGES)
            targets = {Purpose.CHANGE_EMAIL_NEW: address}
            if user.email and user.email_verified_at is not None:
                targets[Purpose.CHANGE_EMAIL_OLD] = user.email
            shared = dict(data or {}) | {
                "change": onetime.new_change(),
                "sides": len(targets),
                "new_email": address,
            }
            for purpose, target in targets.items():
                await self.outbox.put(writing, purpose, target, user_id=user_id, data=shared)
            await self.audit.note(writing, Event.EMAIL_CHANGE_ASKED, user_id=user_id, client=client)

    async def agree(self, taken: Taken, client: Client = NOBODY) -> User:
        """One side agrees to the change of an address; when all have, it is changed. The account's ``new_email`` tells: None then.

        Raises:
            ProofRefused: the account is gone, has asked for another address since, or the new one is somebody else's by now.
        """
        try:
            async with self.database.write(ACCOUNTS) as writing:
                user = await writing.get(User, taken.user_id, with_for_update=True) if taken.user_id else None
                if user is None or user.new_email != taken.data.get("new_email"):
                    raise onetime.refused()
                if await self._all_agree(writing, user, taken):
                    await self._change(writing, user, client)
        except Duplicate as fault:
            raise onetime.refused() from fault
        return user

    def require_mail(self) -> None:
        """Go on only where mails can be sent.

        Raises:
            FeatureOff: they cannot.
        """
        if not self.options.mails:
            raise FeatureOff(
                "This server sends no mails.",
                hint="Let whoever runs it configure mail_url, mail_sender and public_url.",
            )

    async def _all_agree(self, writing: WriteSession, user: User, taken: Taken) -> bool:
        """Whether both sides have agreed, or the one of an account without a verified address, which it must be without even now."""
        sides = len(CHANGES) if user.email and user.email_verified_at is not None else taken.data["sides"]
        values = {"user_id": taken.user_id, "purposes": [str(each) for each in CHANGES], "change": taken.data["change"]}
        return bool(await writing.scalar(AGREED, values) == sides)

    async def _change(self, writing: WriteSession, user: User, client: Client) -> None:
        old, anonymous = user.email, user.is_anonymous
        change = update(User).where(User.id == user.id)
        proved = {"email": user.new_email, "new_email": None, "email_verified_at": func.now(), "is_anonymous": False}
        await writing.execute(change.values(proved))
        await writing.refresh(user)
        await self.audit.note(writing, Event.EMAIL_CHANGED, user_id=user.id, client=client)
        if anonymous:
            details = {"method": "email"}
            await self.audit.note(writing, Event.ANONYMOUS_MADE_REAL, user_id=user.id, client=client, details=details)
        if old:
            await self.outbox.put(writing, "notice", old, data={"what": "The address of your account was changed"})


async def find_by_address(reading: Any, address: str) -> User | None:
    """The account of an address in its one spelling."""
    wanted = select(User).where(func.lower(User.email) == address)
    found: User | None = (await reading.scalars(wanted)).one_or_none()
    return found
