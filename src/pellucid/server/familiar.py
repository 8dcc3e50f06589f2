"""Heads that came before: the fields of a request are not parsed again where the very same bytes have been parsed already.

A client sends the same fields with each of its requests, the token among them, and only the request line differs, and the length of the
body. What a field says does not depend on the line before it (RFC 9112, 2.1), so whatever the parser made of these bytes once, it would
make of them again. Only what is plain is looked up: one whole message in HTTP/1.1, its line made of the letters of RFC 3986 alone.
"""

import re
from typing import NamedTuple

MOST = 2048
"""Heads that are remembered, and of which is known that they came once; the oldest goes first."""
LARGEST = 2048
"""Bytes of a head that is remembered."""
MOST_FIELDS = 32

_LINE = re.compile(
    rb"(GET|POST|PATCH|DELETE) (/(?!/)[A-Za-z0-9_.~\-/,:@!$&'()*+;=]*)(?:\?([A-Za-z0-9_.~\-/,:@!$&'()*+;=%?]*))? HTTP/1\.1(?=\r\n)"
)
"""A request line (RFC 9112, 3) with a target that means what it says: a path without escapes, and a query."""
_LENGTH = re.compile(rb"\r\ncontent-length: ?(\d{1,9})(?=\r\n|$)", re.IGNORECASE)
_END = b"\r\n\r\n"
_UNLIKE = frozenset({b"expect", b"transfer-encoding", b"upgrade", b"connection", b"proxy-connection"})
"""Fields that have something to say about the message or the connection; such a request is for the parser, but for `_PLAIN`."""
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


class _Head(NamedTuple):
    """Where the fields of a message begin and end, what they are known by, and the length of the body that they tell of, as it is written.

    The length is no part of what they are known by: a client's bodies have many.
    """

    line: re.Match[bytes]
    end: int
    key: bytes
    length: bytes | None

    @property
    def body(self) -> int:
        """Where the body begins."""
        return self.end + len(_END)

    def is_whole(self, data: bytes) -> bool:
        """Whether the message is all that there is."""
        return len(data) - self.body == int(self.length or 0)


def _head(data: bytes) -> _Head | None:
    line = _LINE.match(data)
    end = data.find(_END, line.end()) if line is not None else -1
    if line is None or not 0 < end - line.end() <= LARGEST:
        return None
    block = data[line.end() : end]
    length = _LENGTH.search(block)
    if length is None:
        return _Head(line, end, block, None)
    return _Head(line, end, block[: length.start(1)] + block[length.end(1) :], length[1])


class Familiar:
    """The fields of heads that came before; one for all connections of a process."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Fields, int | None]] = {}
        """With the place of the body's length among the fields."""
        self._seen: dict[int, None] = {}

    def read(self, data: bytes) -> Message | None:
        """A request, where it came whole and its fields came before; None for all others.

        Args:
            data: what came on a connection on which nothing was under way.
        """
        head = _head(data)
        known = self._known.get(head.key) if head is not None else None
        if head is None or known is None or not head.is_whole(data):
            return None
        fields, place = known[0].copy(), known[1]
        if place is not None and head.length is not None:
            fields[place] = (b"content-length", head.length)
        method, path, query = head.line.groups()
        return Message(method.decode(), path, query or b"", fields, data[head.body :])

    def learn(self, data: bytes, fields: Fields) -> None:
        """Remember the fields of a request that comes for the second time, where it is one that can be read in this way.

        Args:
            data: what came on a connection on which nothing was under way; the parser has made one whole request of it.
            fields: its fields as the parser found them, the names in small letters.
        """
        head = _head(data)
        if head is None or len(fields) > MOST_FIELDS or not self._comes_again(head.key):
            return
        places = [place for place, (name, _) in enumerate(fields) if name == b"content-length"]
        if [head.length] * len(places) != [fields[place][1] for place in places] or len(places) != (
            head.length is not None
        ):
            return
        if not head.is_whole(data) or any(
            name in _UNLIKE and (name, value.lower()) != _PLAIN for name, value in fields
        ):
            return
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[head.key] = fields.copy(), next(iter(places), None)

    def _comes_again(self, key: bytes) -> bool:
        """Whether such a head has been seen, so that one with a field that always differs takes nobody's place. Its hash is enough."""
        sight = hash(key)
        if sight in self._seen:
            return True
        if len(self._seen) >= MOST:
            del self._seen[next(iter(self._seen))]
        self._seen[sight] = None
        return False
