"""Text messages: whatever an application has that sends them, or in development the inbox page."""

from typing import Protocol

from sqlalchemy import insert

from pellucid.auth.mail.tables import Shown
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database


class Messenger(Protocol):
    """Sends text messages. An application sets one: ``app.messenger = …``, before it is served."""

    async def send(self, number: str, text: str) -> None:
        """Send a message, now.

        Args:
            number: whom to, as ITU-T E.164 writes it: a plus sign and 7 to 15 digits.
            text: two short lines with a code, which are to be kept nowhere.

        Raises:
            Exception: it could not be sent; whoever asked is told to try again.
        """


class InboxMessenger:
    """Keeps messages for the inbox page of development."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def send(self, number: str, text: str) -> None:
        """Keep a message."""
        async with self.database.write(ACCOUNTS) as writing:
            await writing.execute(
                insert(Shown).values(sender="pellucid", recipient=number, subject="A text message", body=text)
            )
