"""Makes the mails of the accounts: who is at an address, which link and code to send, which words.

A link is built from the configured public URL and nothing else. Its path is the native one, ``/verify``, unless whoever asked for
the mail wanted another.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pellucid.auth import firstproof, onetime
from pellucid.auth.audit import Audit, Event
from pellucid.auth.hooks import Hooks, SignUpEntry
from pellucid.auth.mail.outbox import Outbox
from pellucid.auth.mail.tables import Item
from pellucid.auth.mail.templates import Draft
from pellucid.auth.mailed import find_by_address
from pellucid.auth.onetime import Issued, Purpose
from pellucid.auth.options import AccountOptions
from pellucid.auth.tables import User
from pellucid.database.session import WriteSession
from pellucid.errors import PellucidError

PATH = "/verify"


class Letters:
    """Makes drafts."""

    def __init__(self, options: AccountOptions, hooks: Hooks, audit: Audit) -> None:
        self.options = options
        self.hooks = hooks
        self.audit = audit

    def register(self, outbox: Outbox) -> None:
        """Have the outbox make its mails here."""
        outbox.makes(Purpose.VERIFY, self.verify)
        outbox.makes(Purpose.SIGN_IN, self.sign_in)
        outbox.makes(Purpose.RECOVER, self.of_account)
        outbox.makes(Purpose.INVITE, self.of_account)
        outbox.makes(Purpose.REAUTHENTICATE, self.of_account)
        outbox.makes(Purpose.CHANGE_EMAIL_OLD, self.change)
        outbox.makes(Purpose.CHANGE_EMAIL_NEW, self.change)
        outbox.makes("notice", self.notice)

    async def verify(self, writing: WriteSession, item: Item) -> Draft | None:
        """For whoever signed up; where the address is verified already, word that there is an account."""
        user = await find_by_address(writing, item.target)
        if user is None:
            return None
        if user.email_verified_at is not None:
            return Draft(item.target, "taken", self._values({})) if item.data.get("sign_up") else None
        bond = item.data.get(firstproof.BOND) or await firstproof.bond_before(writing, user.id)
        return await self._draft(writing, item, user, {firstproof.BOND: bond} if bond else None)

    async def sign_in(self, writing: WriteSession, item: Item) -> Draft | None:
        """For whoever wants a link or a code; an account is made where that was asked for and hooks agree."""
        user = await find_by_address(writing, item.target)
        if user is None and item.data.get("create"):
            user = await self._made(writing, item)
        return None if user is None else await self._draft(writing, item, user)

    async def of_account(self, writing: WriteSession, item: Item) -> Draft | None:
        """For an account that is there already."""
        user = await find_by_address(writing, item.target)
        return None if user is None else await self._draft(writing, item, user)

    async def change(self, writing: WriteSession, item: Item) -> Draft | None:
        """For one side of a change of address, unless it is somebody else's."""
        user = await writing.get(User, item.user_id)
        other = await find_by_address(writing, item.target)
        if user is None or user.new_email != item.data["new_email"] or (other is not None and other.id != user.id):
            return None
        return await self._draft(writing, item, user)

    async def notice(self, writing: WriteSession, item: Item) -> Draft | None:
        """Word that something happened: ``what`` is a sentence without a full stop."""
        return Draft(item.target, "notice", self._values({"what": str(item.data["what"])}))

    def link(self, token: str, purpose: str, data: Mapping[str, Any]) -> str:
        """The address that a mail leads to. ``data`` may have a ``path`` and a ``query`` of its own."""
        query = {"token": token, "purpose": purpose} | dict(data.get("query") or {})
        return f"{self.options.public_url}{data.get('path', PATH)}?{urlencode(query)}"

    async def _draft(
        self, writing: WriteSession, item: Item, user: User, more: Mapping[str, Any] | None = None
    ) -> Draft:
        data = item.data | dict(more or {})
        issued = await onetime.issue(writing, item.purpose, item.target, user_id=user.id, data=data)
        values = self._values({"link": self.link(issued.token, item.purpose, data)}, issued)
        return Draft(item.target, item.purpose, values | {"email": user.email or "", "new_email": user.new_email or ""})

    def _values(self, values: dict[str, str], issued: Issued | None = None) -> dict[str, str]:
        secrets = {} if issued is None else {"token": issued.token, "code": issued.code}
        return {"site": self.options.public_url} | secrets | values

    async def _made(self, writing: WriteSession, item: Item) -> User | None:
        try:
            await self.hooks.signing_up(SignUpEntry(item.target, "link", metadata=item.data.get("metadata") or {}))
        except PellucidError:
            return None
        user = User(email=item.target, user_metadata=item.data.get("metadata") or {})
        writing.add(user)
        await writing.flush()
        await self.audit.note(writing, Event.SIGNED_UP, user_id=user.id, details={"method": "link"})
        return user
