"""The outbox: a mail is written down in the transaction that it belongs to, and made and sent afterwards by whichever worker comes first.

Whoever asks for a mail waits for one row and no more, whether there is anybody to send it to or not: that is found out when the mail is
made. A mail server that is down delays mails and fails nobody.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, event, func, insert, select, update

from pellucid.auth.mail.sender import Sender
from pellucid.auth.mail.tables import Item
from pellucid.auth.mail.templates import Draft, Templates
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.database.session import WriteSession
from pellucid.lifecycle import Background

LOOK = 5.0
"""Seconds between two looks for mails that nobody here has been told of: retries, and those of workers that died."""
HOLD = timedelta(seconds=90)
"""For how long whoever makes a mail has it to himself; then another tries."""
ATTEMPTS = 8
"""With waits that double from half a minute, about an hour."""
FIRST_WAIT = 30

Maker = Callable[[WriteSession, Item], Awaitable[Draft | None]]
"""Makes a mail of what was written down, in a transaction of the accounts; None where there is nobody to send it to. A second attempt
makes it anew, so that a link is never stored."""
log = logging.getLogger(__name__)


class Outbox(Background):
    """Takes mails and sends them."""

    pause = LOOK
    trouble = "Mails cannot be sent just now."

    def __init__(self, database: Database, sender: Sender | None, address: str, templates: Templates) -> None:
        """Prepare it.

        Args:
            database: where mails wait.
            sender: sends them; None where none can be sent.
            address: whom they are from.
            templates: their words.
        """
        super().__init__()
        self._database = database
        self._sender = sender
        self._address = address
        self._templates = templates
        self._makers: dict[str, Maker] = {}

    def makes(self, purpose: str, maker: Maker) -> None:
        """Have mails of a purpose made by this."""
        self._makers[purpose] = maker

    async def put(
        self,
        writing: WriteSession,
        purpose: str,
        target: str,
        *,
        user_id: UUID | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Have a mail sent once this transaction is committed. ``data`` is for its maker, and holds no secret."""
        await writing.execute(
            insert(Item).values(purpose=purpose, target=target, user_id=user_id, data=dict(data or {}))
        )
        event.listen(writing.sync_session, "after_commit", lambda _session: self.wake(), once=True)

    async def empty(self) -> int:
        """Send all that is due, and tell how many were dealt with."""
        count = 0
        while await self._one():
            count += 1
        return count

    async def _start(self) -> None:
        if self._database.capabilities.accounts is None:
            await super()._start()

    async def _work(self) -> None:
        await self.empty()

    async def _one(self) -> bool:
        item = await self._taken()
        if item is None:
            return False
        try:
            await self._deliver(item)
        except Exception as fault:  # noqa: BLE001 - whatever it was, the others must still be sent; it is logged
            await self._put_off(item, fault)
        else:
            async with self._database.write(ACCOUNTS) as writing:
                await writing.execute(delete(Item).where(Item.id == item.id))
        return True

    async def _taken(self) -> Item | None:
        """The mail that has waited longest; it is this worker's for a while."""
        due = select(Item.id).where(Item.due_at <= func.clock_timestamp()).order_by(Item.due_at).limit(1)
        mine = (
            update(Item)
            .where(Item.id == due.with_for_update(skip_locked=True).scalar_subquery())
            .values(due_at=func.clock_timestamp() + HOLD, attempts=Item.attempts + 1)
            .returning(Item)
            .execution_options(synchronize_session=False)
        )
        async with self._database.write(ACCOUNTS) as writing:
            return (await writing.scalars(mine)).one_or_none()

    async def _deliver(self, item: Item) -> None:
        maker = self._makers.get(item.purpose)
        if maker is None or self._sender is None:
            log.error("Nobody here makes or sends mails for %s.", item.purpose)
            return
        async with self._database.write(ACCOUNTS) as writing:
            draft = await maker(writing, item)
        if draft is not None:
            await self._sender.send(self._templates.render(draft, self._address))

    async def _put_off(self, item: Item, fault: Exception) -> None:
        last = item.attempts >= ATTEMPTS
        outcome = "is given up" if last else "will be tried again"
        log.warning("A mail for %s could not be sent and %s.", item.purpose, outcome, exc_info=fault)
        wait = timedelta(seconds=FIRST_WAIT * 2 ** (item.attempts - 1))
        async with self._database.write(ACCOUNTS) as writing:
            if last:
                await writing.execute(delete(Item).where(Item.id == item.id))
            else:
                later = update(Item).where(Item.id == item.id).values(due_at=func.clock_timestamp() + wait)
                await writing.execute(later)
