"""How a mail leaves the house: by SMTP, or in development onto a page."""

from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from sqlalchemy import insert

from pellucid.auth.mail.tables import Shown
from pellucid.auth.mail.templates import Mail
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.discreet import Discreet, Hidden
from pellucid.errors import StartupError
from pellucid.later import later

if TYPE_CHECKING:
    import aiosmtplib
else:
    aiosmtplib = later("aiosmtplib")

SECONDS = 30.0
"""How long a mail server may take."""
_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_WAY_OUT = "Write it as smtp+starttls://user:password@mail.example.com:587, or smtps://… for TLS from the start."


class Sender(Protocol):
    """Sends a mail, now. The outbox tries again when it raises."""

    async def send(self, mail: Mail) -> None:
        """Send it.

        Raises:
            OSError, aiosmtplib.SMTPException: it could not be sent.
        """
        ...


class Smtp(Discreet, frozen=True):
    """A mail server (RFC 5321; STARTTLS as in RFC 3207). ``starttls`` of None means: where the server offers it."""

    host: str
    port: int
    user: str | None = None
    password: Hidden[str | None] = None
    tls: bool = False
    starttls: bool | None = None

    async def send(self, mail: Mail) -> None:
        """Send a mail."""
        await aiosmtplib.send(
            mail.message(),
            hostname=self.host,
            port=self.port,
            username=self.user,
            password=self.password,
            use_tls=self.tls,
            start_tls=self.starttls,
            timeout=SECONDS,
            local_hostname=mail.domain,  # or else a name server is asked, which may take long
        )


class Inbox:
    """Keeps mails for the inbox page of development, the newest few."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def send(self, mail: Mail) -> None:
        """Keep a mail."""
        async with self.database.write(ACCOUNTS) as writing:
            await writing.execute(
                insert(Shown).values(
                    sender=mail.sender,
                    recipient=mail.recipient,
                    subject=mail.subject,
                    body=mail.body,
                    html=mail.html,
                )
            )


def smtp(url: str) -> Smtp:
    """The mail server of a URL.

    Raises:
        StartupError: it is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as fault:
        raise StartupError("The URL of the mail server cannot be read.", hint=_WAY_OUT) from fault
    if parts.scheme not in _PORTS or not parts.hostname:
        raise StartupError("The URL of the mail server cannot be read.", hint=_WAY_OUT)
    return Smtp(
        parts.hostname,
        port or _PORTS[parts.scheme],
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "smtps",
        starttls={"smtp": None, "smtps": False, "smtp+starttls": True}[parts.scheme],
    )
