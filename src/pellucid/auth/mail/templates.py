"""The words of mails: files that a user can replace, with ``$names`` in them (Python's `string.Template`).

A mail named ``verify`` is made of ``verify.txt``, whose first line is the subject, and of ``verify.html`` where there is one. A file of the
same name in the user's directory takes the place of the one that comes along.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from msgspec import field

from pellucid.discreet import Discreet, Hidden
from pellucid.errors import StartupError

_OWN = files("pellucid.auth.mail") / "letters"


class Draft(Discreet, frozen=True):
    """A mail to be rendered: to whom, from which template, with which values."""

    recipient: str
    template: str
    values: Hidden[Mapping[str, str]] = field(default_factory=dict)


class Mail(Discreet, frozen=True):
    """A mail as it is sent. ``html`` is None where there is no such part."""

    sender: str
    recipient: str
    subject: str
    body: Hidden[str]
    html: Hidden[str | None] = None

    @property
    def domain(self) -> str:
        """The domain of the sender."""
        return self.sender.rpartition("@")[2].strip("> ") or "localhost"

    def message(self) -> EmailMessage:
        """The same as a message (RFC 5322)."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, self.recipient, self.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = make_msgid(domain=self.domain)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody on holiday need answer
        message.set_content(self.body)
        if self.html is not None:
            message.add_alternative(self.html, subtype="html")
        return message


class Templates:
    """Finds templates and fills them in."""

    def __init__(self, directory: Path | None = None) -> None:
        """Look into this directory first.

        Raises:
            StartupError: it is not there.
        """
        if directory is not None and not directory.is_dir():
            raise StartupError(f"The directory {directory} of mail templates is not there.", hint="Check the path.")
        self.directory = directory

    def render(self, draft: Draft, sender: str) -> Mail:
        """Fill a template in. A name that nobody gives a value for stays as it is; values are escaped in HTML."""
        plain = {name: " ".join(value.split()) for name, value in draft.values.items()}
        subject, _, body = Template(self._text(f"{draft.template}.txt") or "").safe_substitute(plain).partition("\n")
        html = self._text(f"{draft.template}.html")
        if html is not None:
            html = Template(html).safe_substitute({name: escape(value) for name, value in plain.items()})
        return Mail(sender, draft.recipient, subject.removeprefix("Subject:").strip(), body.lstrip("\n"), html)

    def _text(self, name: str) -> str | None:
        if self.directory is not None and (chosen := self.directory / name).is_file():
            return chosen.read_text()
        own = _OWN / name
        return own.read_text() if own.is_file() else None
