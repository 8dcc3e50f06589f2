"""Heads that came before: the fields of a request are not parsed again where the very same bytes have been parsed already.

A client sends the same fields with each of its requests, the token among them, and only the request line differs, and the length of the
body. What a field says does not depend on the line before it (RFC 9112, 2.1), so whatever the parser made of these bytes once, it would
make of them again. Only what is plain is looked up: one whole message in HTTP/1.1, its line made of the letters of RFC 3986 alone.
"""

import re
from typing import NamedTuple

MOST = 2048
"""Heads that are remembered; the oldest goes first."""
LARGEST = 2048
"""Bytes of a head that is remembered."""

_LINE = re.compile(
    rb"(GET|POST|PATCH|DELETE) (/(?!/)[A-Za-z0-9_.~\-/,:@!$&'()*+;=]*)(?:\?([A-Za-z0-9_.~\-/,:@!$&'()*+;=%?]*))? HTTP/1\.1\r\n"
)
"""A request line (RFC 9112, 3) with a target that means what it says: a path without escapes, and a query."""
_END = b"\r\n\r\n"
_UNLIKE = frozenset({b"expect", b"transfer-encoding", b"upgrade", b"connection", b"proxy-connection"})
"""Fields that have something to say about the message or the connection; such a request is for the parser, but for those in `_PLAIN`."""
_PLAIN = (b"connection", b"keep-alive")
"""What a connection does anyway (RFC 9112, 9.3)."""

Fields = list[tuple[bytes, bytes]]


class Message(NamedTuple):
    """A whole request."""

    method: str
    path: bytes
    query: bytes
    fields: Fields
    body: bytes


class Familiar:
    """The fields of heads that came before, with the length of the body that they tell of; one for all connections of a process."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Fields, int]] = {}

    def read(self, data: bytes) -> Message | None:
        """A request, where it came whole and its fields came before; None for all others.

        Args:
            data: what came on a connection on which nothing was under way.
        """
        line = _LINE.match(data)
        if line is None:
            return None
        begin, end = line.end(), data.find(_END, line.end())
        known = self._known.get(data[begin:end])
        if known is None or len(data) - end - len(_END) != known[1]:
            return None
        method, path, query = line.groups()
        return Message(method.decode(), path, query or b"", known[0].copy(), data[end + len(_END) :])

    def learn(self, data: bytes, fields: Fields) -> None:
        """Remember the fields of a request, where it is one that can be read in this way.

        Args:
            data: what came on a connection on which nothing was under way; the parser has made one whole request of it.
            fields: its fields as the parser found them, the names in small letters.
        """
        line = _LINE.match(data)
        if line is None or any(name in _UNLIKE and (name, value.lower()) != _PLAIN for name, value in fields):
            return
        begin, end = line.end(), data.find(_END, line.end())
        length = next((value for name, value in fields if name == b"content-length"), b"0")
        if not length.isdigit() or len(data) - end - len(_END) != int(length) or not 0 < end - begin <= LARGEST:
            return
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[data[begin:end]] = fields.copy(), int(length)
