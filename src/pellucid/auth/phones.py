"""The phone number of an account: proved by a code that is sent to it, and stored then. It signs nobody in.

A code belongs to the account that asked for it, so that nobody spoils the codes of others by asking for their numbers. Whether a number
is another account's is told to those only who have proved that they hold it.
"""

import asyncio
import logging
import re
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func

from pellucid.auth import onetime
from pellucid.auth.assurance import require_account, require_assurance
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import NOBODY, Client
from pellucid.auth.limits import CODE, TEXT, Limits
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.messenger import InboxMessenger, Messenger
from pellucid.auth.onetime import Purpose
from pellucid.auth.options import AccountOptions
from pellucid.auth.tables import User
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import WriteSession
from pellucid.errors import Duplicate, Fault, FeatureOff, MessageNotSent
from pellucid.web.identity import Identity

SECONDS = 15.0
"""How long sending a message may take."""
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""A number as ITU-T E.164 has it: a country code and what follows, 15 digits at most. None in use has fewer than 7."""
log = logging.getLogger(__name__)


def normal(number: str) -> str:
    """The one spelling of a number. Spaces, dots and hyphens between the digits are for the eye.

    Raises:
        ValueError: it is none.
    """
    plain = re.sub(r"[ .-]", "", number)
    if NUMBER.fullmatch(plain) is None:
        raise ValueError(
            "Write the number with its country code: a plus sign and 7 to 15 digits, such as +442079460123."
        )
    return plain


class Phones:
    """Sends codes to numbers, and takes them."""

    def __init__(
        self,
        database: Database,
        messenger: Messenger | None,
        *,
        outbox: Outbox,
        audit: Audit,
        limits: Limits,
        options: AccountOptions,
    ) -> None:
        """Prepare it. Without a messenger, messages go to the inbox page in development, and nowhere in production."""
        self.database = database
        self.messenger = messenger or (None if options.production else InboxMessenger(database))
        self.outbox = outbox
        self.audit = audit
        self.limits = limits
        self.options = options

    @property
    def shown(self) -> bool:
        """Whether messages are shown on the inbox page."""
        return isinstance(self.messenger, InboxMessenger)

    async def ask(self, identity: Identity, number: str, client: Client = NOBODY) -> None:
        """Have a code sent that proves a number. An earlier one is good no more.

        Args:
            identity: whose number it is to be.
            number: in its one spelling.
            client: who asks.

        Raises:
            StepUpRequired: the account has a second factor, and the session has not proved it.
            TooManyAttempts: too often, for this account, this number or from this client.
            FeatureOff, MessageNotSent: nobody sends messages here, or it did not work.
        """
        user_id = await self._owner(identity)
        messenger = self.require_messenger()
        await self.limits.admit(TEXT, str(user_id), client)
        await self.limits.admit(TEXT, number, NOBODY)
        async with self.database.write(ACCOUNTS) as writing:
            await _locked(writing, user_id)
            issued = await onetime.issue(writing, Purpose.PHONE, str(user_id), user_id=user_id, data={"phone": number})
            await self.audit.note(writing, Event.PHONE_CHANGE_ASKED, user_id=user_id, client=client)
        await _send(messenger, number, self._text(issued.code))

    async def prove(self, identity: Identity, code: str, client: Client = NOBODY) -> User:
        """Take a code, and store the number that it was sent to.

        Raises:
            StepUpRequired: as with `ask`.
            ProofRefused: the code is not good.
            TooManyAttempts: too many codes were tried, for this account or from this client.
            Duplicate: the number is another account's.
            FeatureOff: nobody sends messages here.
        """
        user_id = await self._owner(identity)
        self.require_messenger()
        await self.limits.admit(CODE, str(user_id), client)
        async with self.database.write(ACCOUNTS) as writing:
            taken = await onetime.take_code(writing, str(user_id), code, Purpose.PHONE)
            if taken is None:
                details = {"purposes": [str(Purpose.PHONE)]}
                await self.audit.note(writing, Event.PROOF_FAILED, user_id=user_id, client=client, details=details)
            else:
                await self.limits.forgive(writing, CODE, str(user_id))
        if taken is None:
            raise onetime.refused()
        return await self._store(user_id, str(taken.data["phone"]), client)

    async def remove(self, identity: Identity, client: Client = NOBODY) -> None:
        """Forget the number of an account; codes that are under way are good no more.

        Raises:
            StepUpRequired: as with `ask`.
        """
        user_id = await self._owner(identity)
        async with self.database.write(ACCOUNTS) as writing:
            user = await _locked(writing, user_id)
            await onetime.drop(writing, user_id, Purpose.PHONE)
            if user.phone is not None:
                user.phone = user.phone_verified_at = None
                await self.audit.note(writing, Event.PHONE_REMOVED, user_id=user_id, client=client)
                await self._tell(writing, user, "The phone number of your account was removed")

    def require_messenger(self) -> Messenger:
        """Who sends messages.

        Raises:
            FeatureOff: nobody.
        """
        if self.messenger is None:
            raise FeatureOff(
                "This server sends no text messages.",
                hint="Let whoever runs it give the application something that sends them: app.messenger = ….",
            )
        return self.messenger

    async def _owner(self, identity: Identity) -> UUID:
        user_id = require_account(identity)
        await require_assurance(self.database, identity)
        return user_id

    async def _store(self, user_id: UUID, number: str, client: Client) -> User:
        try:
            async with self.database.write(ACCOUNTS) as writing:
                user = await _locked(writing, user_id)
                user.phone, user.phone_verified_at = number, func.now()
                await writing.flush()
                await writing.refresh(user)
                await self.audit.note(writing, Event.PHONE_VERIFIED, user_id=user_id, client=client)
                await self._tell(writing, user, "The phone number of your account was set")
        except Duplicate as fault:
            told = Fault("phone", "Another account has this phone number.")
            raise Duplicate(told.message, sqlstate="23505", faults=(told,)) from fault
        return user

    async def _tell(self, writing: WriteSession, user: User, what: str) -> None:
        if user.email and self.options.mails:
            await self.outbox.put(writing, "notice", user.email, data={"what": what})

    def _text(self, code: str) -> str:
        """The message. Its last line binds the code to the site, so that telephones fill it in nowhere else (origin-bound one-time
        codes, as WICG describes them)."""
        host = urlsplit(self.options.site).hostname or ""
        return f"{code} is your code for {host}.\n\n@{host} #{code}"


async def _locked(writing: WriteSession, user_id: UUID) -> User:
    """The account, for this transaction alone.

    Raises:
        ProofRefused: it is gone.
    """
    user = await writing.get(User, user_id, with_for_update=True)
    if user is None:
        raise onetime.refused()
    return user


async def _send(messenger: Messenger, number: str, text: str) -> None:
    """Send a message. What went wrong is logged by its kind only: its words may hold the code.

    Raises:
        MessageNotSent: it did not work.
    """
    try:
        async with asyncio.timeout(SECONDS):
            await messenger.send(number, text)
    except Exception as fault:
        log.warning("A text message could not be sent: %s.", type(fault).__name__)
        raise MessageNotSent("The text message could not be sent.") from fault
