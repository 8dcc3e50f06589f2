"""The short way for requests like those of a moment ago, around everything else.

What answers a request for the second time is remembered: how to ask for it again with other values, and the head of the answer as it left
through all layers. A request of the same shape, with the same headers as far as an answer may depend on them, in the same role, is
answered from that: the layers would say the same again. Whatever is not simply answered in this way, errors above all, takes the usual one,
and nothing has been done before it does.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pellucid.errors import PellucidError
from pellucid.observe import Recording, Stage
from pellucid.web.again import Again, Entry, Head, Likeness, Reader, Repeatable, Reply
from pellucid.web.exchange import Exchange, Listener, exchange_of
from pellucid.web.identity import Identity
from pellucid.web.names import new_name
from pellucid.web.options import WebOptions
from pellucid.web.recorder import REQUEST_ID, request_id_of, tell, timing_of

_log = logging.getLogger("pellucid.web")

SHAPES = 1024
"""How many kinds of requests are remembered; those that came first go first."""
SIGHTS = 4096
"""How many kinds of requests are remembered as having been seen once."""
REFUSED_SECONDS = 60.0
"""How long a kind that could not be learnt is not tried again."""
LARGEST_BODY = 64 * 1024
LARGEST_HEAD = 8 * 1024
LONGEST_LINE = 2048
MOST_FIELDS = 64
"""Requests that have more than this are not looked at."""
WANTED = "pellucid.wanted"
"""Where a scope says what is to be learnt about its request (a `Likeness`)."""
LEARNT = "pellucid.learnt"
"""Where whoever has answered it puts what was learnt (a `Repeatable`)."""
LOOKED_AT = "pellucid.looked-at"
"""Where a scope says that its request has been offered already."""

FAULT = "pellucid.fault"
"""Where a scope has what went wrong on the short way, for the usual one to tell it."""
MOST_HEADS = 128

_OWN = frozenset({b"content-length", REQUEST_ID, b"server-timing", b"date", b"location", b"content-location"})
"""Headers that each answer has its own of."""
_BODIED = frozenset({"POST", "PATCH"})
_DIGITS = len(str(LARGEST_BODY))


class Asked:
    """A request of a kind that may be remembered, on its way. It is told what came of it (`Then`)."""

    __slots__ = (
        "answered_at",
        "asked_at",
        "began",
        "entry",
        "headers",
        "identity",
        "kind",
        "likeness",
        "memory",
        "payload",
        "reply",
        "scope",
    )

    def __init__(self, memory: "Memory", scope: Scope, reply: Reply) -> None:
        self.began = self.asked_at = self.answered_at = perf_counter()
        self.memory = memory
        self.scope = scope
        self.reply = reply
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.likeness: Likeness
        self.identity: Identity
        self.kind: tuple[object, ...] = ()
        self.payload: Any = None
        self.entry: Entry | None = None

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.reply.gone

    def answered(self, again: Again) -> None:
        """Answer, if the head of such an answer is known."""
        self.answered_at = perf_counter()
        head = self.entry.heads.get(again.rows) if self.entry else None
        if head is None:
            self.scope[WANTED] = self
            self.reply.usual()
        else:
            self.memory.answer(self, head, again)

    def unanswered(self) -> None:
        """Take the usual way."""
        self.reply.usual()

    def failed(self, fault: Exception) -> None:
        """Let the layers tell the error; they know how to."""
        self.scope[FAULT] = fault
        self.reply.usual()


class Memory:
    """The layer (ASGI) outside of all others."""

    def __init__(
        self,
        app: ASGIApp,
        reader: Reader,
        known: Callable[[bytes | None], Identity | None],
        *,
        listeners: Sequence[Listener],
        options: WebOptions,
    ) -> None:
        """Remember for an application.

        Args:
            app: everything that is passed by.
            reader: tells what requests are like.
            known: who asks, if that is known already by what the ``Authorization`` header says.
            listeners: are told of each exchange, as in `pellucid.web.recorder`.
            options: how much of a request is read, and whether answers tell where their time went.
        """
        self.app = app
        self.reader = reader
        self.known = known
        self.listeners = listeners
        self.timing = timing_of(options)
        self.limits = options.limits
        self._entries: dict[tuple[object, ...], Entry] = {}
        self._seen: dict[int, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] == "http" and LOOKED_AT not in scope:
            receive, body = await _first(scope, receive)
            reply = _Messages()
            if self.take(scope, body, reply):
                answer = await reply.outcome
                if answer is not None:
                    await _send(answer, send)
                    return
        wanted: Asked | None = scope.get(WANTED)
        if wanted is None:
            await self.app(scope, receive, send)
        else:
            await self._watched(wanted, receive, send)

    def take(self, scope: Scope, body: bytes, reply: Reply) -> bool:
        """Take a request that is of a kind which is remembered; it is answered by ``reply`` later. False for all others.

        Args:
            scope: the request (ASGI, of type ``http``).
            body: all of its body.
            reply: answers it.
        """
        scope[LOOKED_AT] = True
        try:
            return self._takes(Asked(self, scope, reply), body)
        except PellucidError as fault:
            scope[FAULT] = fault
        except Exception:  # noqa: BLE001 - nothing has been done yet, and the usual way does not need this one
            _log.exception("a request could not be looked at")
        return False

    def _takes(self, asked: Asked, body: bytes) -> bool:
        if not self._is_like(asked, body):
            return False
        entry = self._entries.get(asked.kind)
        if entry is None or not entry.repeat.current:
            if entry is not None:  # the schema has changed: what was learnt with the old one is of no use any more
                self._entries = {kind: each for kind, each in self._entries.items() if each.repeat.current}
            if self._comes_again(asked.kind):
                asked.scope[WANTED] = asked
            return False
        asked.entry = entry
        asked.asked_at = perf_counter()
        return entry.repeat.again(asked.likeness.values, asked.payload, asked.identity, asked)

    def _is_like(self, asked: Asked, body: bytes) -> bool:
        """Whether a request is like one that could be remembered, and comes from somebody who is known."""
        scope, headers = asked.scope, asked.headers
        if len(headers) != len(scope["headers"]) or self._is_large(scope, headers, body):
            return False
        likeness = self.reader.likeness(scope, headers)
        if likeness is None:
            return False
        proof = headers.get(b"authorization")
        identity = None if proof is None and b"apikey" in headers else self.known(proof)
        if identity is None:
            return False
        asked.likeness, asked.identity = likeness, identity
        asked.kind = (likeness.signature, identity.role)
        if scope["method"] not in _BODIED:
            return not body
        read = self.reader.payload(body) if body else None
        if read is None:
            return False
        keys, asked.payload = read
        asked.kind = (likeness.signature, identity.role, keys)
        return True

    def _is_large(self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes) -> bool:
        """Whether it may be more than is read, or more than is worth remembering: the usual way judges it."""
        limits, line = self.limits, len(scope["path"]) + len(scope["query_string"])
        return (
            len(headers) > min(MOST_FIELDS, limits.header_count)
            or sum(map(len, headers.values())) > min(LARGEST_HEAD, limits.headers // 2)
            or line > min(LONGEST_LINE, limits.url // 2)
            or len(body) > min(LARGEST_BODY, limits.body)
        )

    def _comes_again(self, kind: tuple[object, ...]) -> bool:
        """Whether such a kind has been seen, and not been found to be none that can be learnt. Its hash is enough: this is a guess."""
        sight = hash(kind)
        since = self._seen.get(sight)
        if since is None and len(self._seen) >= SIGHTS:
            del self._seen[next(iter(self._seen))]
        if since is None:
            self._seen[sight] = 0.0
        return since is not None and since <= perf_counter()

    # -- the usual way ------------------------------------------------------------------------------------------------

    async def _watched(self, asked: Asked, receive: Receive, send: Send) -> None:
        """Let everybody do their work, and learn from it."""
        start: list[Message] = []

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.append(message)
            await send(message)

        await self.app(asked.scope, receive, watched)
        repeat: Repeatable | None = asked.scope.get(LEARNT)
        if start and repeat is not None:
            self._remember(asked, repeat, start[0])
        elif start:
            self._seen[hash(asked.kind)] = perf_counter() + REFUSED_SECONDS

    def _remember(self, asked: Asked, repeat: Repeatable, start: Message) -> None:
        exchange = exchange_of(asked.scope)
        rows = _rows(exchange) if exchange else None
        if exchange is None or rows is None or rows < repeat.least or not 200 <= start["status"] < 300:
            return
        entry = self._entries.get(asked.kind)
        if entry is None or not entry.repeat.current or len(entry.heads) >= MOST_HEADS:
            self._entries.pop(asked.kind, None)
            if len(self._entries) >= SHAPES:
                del self._entries[next(iter(self._entries))]
            entry = self._entries[asked.kind] = Entry(repeat, exchange.route)
        entry.heads[rows] = _head(start)

    # -- the short way ------------------------------------------------------------------------------------------------

    def answer(self, asked: Asked, head: Head, again: Again) -> None:
        """Answer a request that was asked again."""
        assert asked.entry is not None  # noqa: S101 - the head comes from it
        scope, given = asked.scope, asked.headers.get(REQUEST_ID)
        name = new_name() if given is None else request_id_of(scope)
        exchange = Exchange(scope, name, Recording(asked.began), head.status, template=asked.entry.route)
        spent = asked.answered_at - asked.asked_at
        exchange.settled = {Stage.SERVER: asked.answered_at - asked.began - spent, Stage.EXECUTE: spent}
        size = b"content-length: %d\r\n" % len(again.body) if head.sized else b""
        lines = b"%b%bx-request-id: %b\r\n%b" % (head.lines, again.lines, name.encode(), size)
        if self.timing is not None:
            lines += b"server-timing: %b\r\n" % self.timing(exchange).encode()
        asked.reply.whole(head.status, lines, again.body)
        scope["state"] = {"identity": asked.identity}
        exchange.finished = True
        exchange.seconds = perf_counter() - asked.began
        tell(exchange, self.listeners)


class _Messages:
    """A reply by ASGI's messages, for servers that know no other."""

    __slots__ = ("gone", "outcome")

    def __init__(self) -> None:
        self.gone = False
        self.outcome: asyncio.Future[tuple[int, bytes, bytes] | None] = asyncio.get_running_loop().create_future()

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        if not self.outcome.done():
            self.outcome.set_result((status, lines, body))

    def usual(self) -> None:
        if not self.outcome.done():
            self.outcome.set_result(None)


async def _send(answer: tuple[int, bytes, bytes], send: Send) -> None:
    status, lines, body = answer
    headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines.split(b"\r\n")) if name]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _first(scope: Scope, receive: Receive) -> tuple[Receive, bytes]:
    """A short body, and what gives it once more; nothing is read of one that is long, or as long as it likes."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    if not length.isdigit() or len(length) > _DIGITS:
        return receive, b""
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return _Replay(messages, receive), b"".join([message.get("body", b"") for message in messages])


class _Replay:
    """The way in, with what has been read once more."""

    __slots__ = ("messages", "receive")

    def __init__(self, messages: list[Message], receive: Receive) -> None:
        self.messages = messages[::-1]
        self.receive = receive

    async def __call__(self) -> Message:
        return self.messages.pop() if self.messages else await self.receive()


def _rows(exchange: Exchange) -> int | None:
    """How many rows the answer had, as the pipeline noted it."""
    found = (span.facts["rows"] for span in exchange.recording.spans if "rows" in span.facts)
    rows = next(found, None)
    return rows if isinstance(rows, int) else None


def _head(start: Message) -> Head:
    """What is the same for the next answer of this kind."""
    names = {name for name, _ in start["headers"]}
    kept = [(name, value) for name, value in start["headers"] if name not in _OWN]
    lines = b"".join([b"%b: %b\r\n" % header for header in kept])
    return Head(start["status"], lines, b"content-length" in names)
