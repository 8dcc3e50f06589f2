"""One way to ask and be answered over an open connection, the same for each version of HTTP."""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct

from pellucid.trace.client.asked import Asked
from pellucid.trace.client.failure import Failed
from pellucid.trace.client.notes import Facts
from pellucid.trace.page import phrase

UNSENDABLE = ("the request cannot be sent: it breaks the rules of HTTP", "look at the method and the headers")
"""The message does not quote what is wrong with it: that may be a secret."""
Sink = Callable[[bytes], object]
"""What becomes of the body, piece by piece."""


class Head(Struct, frozen=True):
    """The beginning of an answer. Names of headers are in lower case."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return next((value for key, value in self.headers if key == name), "")


class Talk(Protocol):
    """A connection that speaks one version of HTTP. The three steps are called in this order, and again while it is `open`."""

    version: str

    async def send(self, asked: Asked) -> Facts:
        """Send a request; gives sizes."""

    async def wait(self) -> Head:
        """Wait for the answer to begin."""

    async def receive(self, sink: Sink) -> Facts:
        """Receive the rest of it; gives sizes as they were on the wire."""

    def open(self) -> bool:
        """Whether it can be asked again."""

    async def close(self) -> None:
        """Hang up."""


def text(value: bytes) -> str:
    """A header's name or value (RFC 9110, 5.5)."""
    return value.decode("latin-1")


def raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent.

    Raises:
        Failed: one has letters that a header cannot have (RFC 9110, 5.5).
    """
    try:
        made = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    except UnicodeEncodeError as fault:
        raise Failed(*UNSENDABLE) from fault
    if any(letter in name + value for name, value in made for letter in b"\r\n\0"):
        raise Failed(*UNSENDABLE)
    return made


def pseudo(asked: Asked) -> list[tuple[bytes, bytes]]:
    """The headers of a request in HTTP/2 and 3, where its first line is headers too (RFC 9113, 8.3.1)."""
    first = {
        ":method": asked.method,
        ":scheme": asked.origin.scheme,
        ":authority": asked.authority,
        ":path": asked.target,
    }
    return [(name.lower(), value) for name, value in raw((*first.items(), *asked.sent_headers()))]


def head_of(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """The head of an answer in HTTP/2 and 3.

    Raises:
        Failed: it has no status.
    """
    pairs = tuple((text(bytes(name)), text(bytes(value))) for name, value in headers)
    status = dict(pairs).get(":status", "")
    if not status.isdecimal():
        raise Failed("the answer has no status", "its log may say why")
    return Head(int(status), phrase(int(status)), tuple(pair for pair in pairs if not pair[0].startswith(":")))
