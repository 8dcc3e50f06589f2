"""Requests whose fields came before are the same requests, whoever reads them."""

import asyncio
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import httptools
import pytest

from pellucid.server import familiar
from pellucid.server.familiar import Familiar
from pellucid.server.options import Limits
from pellucid.server.protocol import GuardedProtocol
from tests.server.applications import Receive, Send, live, read_body, respond
from tests.server.serving import Client, Served, serving

pytestmark = pytest.mark.anyio

FIELDS = [(b"host", b"a"), (b"accept", b"*/*")]
HEAD = b"Host: a\r\nAccept: */*"
GET = b"GET /a?b=1 HTTP/1.1\r\n" + HEAD + b"\r\n\r\n"


class Plain:
    """Answers with what it was asked. It has no short way, so all that it is asked is parsed."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        told = {
            name: str(value) for name, value in scope.items() if name not in {"client", "server", "pellucid.arrival"}
        }
        await respond(send, json.dumps([told, str(await read_body(receive))], sort_keys=True).encode())


class Short(Plain):
    """The same, with a short way that never takes anything."""

    def short_way(self, _scope: Any, _body: bytes, _reply: Any) -> bool:
        return False


@pytest.fixture
def served_so(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The paths of requests that were not parsed."""
    paths: list[bytes] = []
    serve = GuardedProtocol._serve

    def heard(self: GuardedProtocol, message: familiar.Message) -> None:
        paths.append(message.path)
        serve(self, message)

    monkeypatch.setattr(GuardedProtocol, "_serve", heard)
    return paths


# -- the same as by the parser ----------------------------------------------------------------------------------------

METHODS = ("GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "get", "CONNECT", "OPTIONS")
TARGETS = (
    "/", "/a", "/a/1", "/a/1?b=2&c", "/a%20b", "/a?x=%zz", "//a", "/a//b", "/a?", "/a#b", "/a?b#c", "*", "a", "http://a/b", "/ä", "/a b",
    "/a'b(c)", "/a;b=c", "/.", "/../a", "/a?b?c", '/a"b', "/a\\b", "/a|b", "/~a,b", "/a?" + "q" * 3000,
)  # fmt: skip
VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/1.1 ", "HTTP/1.2")
LINES = (
    "Accept: */*", "Authorization: Bearer abc", "Connection: keep-alive", "Connection: Keep-Alive", "Connection: close", "Connection: x",
    "Expect: 100-continue", "Upgrade: h2c", "Proxy-Connection: close", "Host: b", "X: a\r\n b", "X:", "X: \t a \t", "X : a", "X: ä",
    "Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Content-Length: 0", "Content-Length: 00", "Content-Length: 1, 1",
    "Prefer: return=minimal", "X: " + "y" * 3000, "X-Long-Name-Of-A-Field: 1\nY: 2", "Te: trailers", "Content-Length: x",
)  # fmt: skip
BODIES = (b"", b"a", b'{"a":1}', b"\r\n\r\n", b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n", b"\0\xff", b"0\r\n\r\n")


def requests(chance: Random) -> Iterator[bytes]:
    """Requests of all kinds, most of them plain."""
    for _ in range(120):
        odd = chance.random() < 0.5
        method, target = chance.choice(METHODS if odd else METHODS[:4]), chance.choice(TARGETS if odd else TARGETS[:4])
        lines = ["Host: a", *chance.sample(LINES if odd else LINES[:3], chance.randint(0, 3))]
        body = chance.choice(BODIES) if method not in {"GET", "HEAD"} or odd else b""
        length = [f"Content-Length: {len(body)}"] if body and chance.random() < 0.9 else []
        head = "\r\n".join([f"{method} {target} {chance.choice(VERSIONS[: 4 if odd else 1])}", *lines, *length])
        request = head.encode() + b"\r\n\r\n" + body
        if answered_at_once(request):
            yield request


class Ends:
    """Counts the ends of requests."""

    def __init__(self) -> None:
        self.ends = 0

    def on_message_complete(self) -> None:
        self.ends += 1


def answered_at_once(request: bytes) -> bool:
    """Whether a server waits for nothing else: it is whole, or wrong. How much of a next one follows it is not to be a matter of time."""
    ends = Ends()
    parser = httptools.HttpRequestParser(ends)
    try:
        parser.feed_data(request)
        whole = ends.ends == 1
        parser.feed_data(GET)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return True
    return whole and ends.ends == 2


async def conversation(served: Served, request: bytes) -> list[bytes]:
    """What is answered when a request comes three times on a connection."""
    client = await served.connect()
    answers = []
    try:
        for _ in range(3):
            client.send(request)
            answers.append(await answer(client))
    except (asyncio.IncompleteReadError, ConnectionError):
        answers.append(b"")
    client.close()
    return answers


async def answer(client: Client) -> bytes:
    """A response without its date; one that has no body comes alone."""
    head = await client.reader.readuntil(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"date:")]
    lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length")]
    return b"\r\n".join(lines) + (await client.reader.readexactly(lengths[0]) if lengths else b"")


@pytest.mark.parametrize("seed", range(4))
async def test_an_application_is_asked_the_same(seed: int, served_so: list[bytes]) -> None:
    async with serving(Plain()) as parsing, serving(Short()) as remembering:
        asked = [request for request in requests(Random(seed)) if not request.startswith(b"HEAD")]
        parsed = await asyncio.gather(*(conversation(parsing, request) for request in asked))
        remembered = await asyncio.gather(*(conversation(remembering, request) for request in asked))
    for request, one, other in zip(asked, parsed, remembered, strict=True):
        assert one == other, request
    assert len(served_so) > 50


async def test_requests_in_one_piece_or_many_are_the_same(served_so: list[bytes]) -> None:
    post = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    async with serving(Short()) as served:
        client = await served.connect()
        answers = []
        for pieces in ([post], [post], [post[:20], post[20:]], [post[:-1], post[-1:]], [post]):
            for piece in pieces:
                client.send(piece)
                await client.writer.drain()
                await asyncio.sleep(0)
            answers.append(await answer(client))
        client.send(post * 3)
        answers += [await answer(client) for _ in range(3)]
        client.close()
    assert len(set(answers)) == 1
    assert served_so


# -- what is remembered -----------------------------------------------------------------------------------------------


def test_the_same_fields_are_read_for_another_line() -> None:
    known = Familiar()
    assert known.read(GET) is None
    known.learn(GET, FIELDS)
    assert known.read(GET) == ("GET", b"/a", b"b=1", FIELDS, b"")
    assert known.read(b"DELETE /c/2 HTTP/1.1\r\n" + HEAD + b"\r\n\r\n") == ("DELETE", b"/c/2", b"", FIELDS, b"")


def test_nobody_changes_what_is_remembered() -> None:
    known, fields = Familiar(), FIELDS.copy()
    known.learn(GET, fields)
    fields.append((b"x", b"1"))
    read = known.read(GET)
    assert read is not None
    read.fields.clear()
    assert known.read(GET) == ("GET", b"/a", b"b=1", FIELDS, b"")


@pytest.mark.parametrize(
    "other",
    [
        GET[:-1],
        GET + b"x",
        GET + GET,
        GET.replace(b"*/*", b"*/1"),
        GET.replace(b"Host: a", b"Host: a "),
        GET.replace(b"1.1", b"1.0"),
        GET.replace(b"/a", b"//a"),
        GET.replace(b"/a", b"/%61"),
        GET.replace(b"GET", b"PUT"),
        GET.replace(b"GET ", b"GET  "),
        GET.replace(b"\r\nHost", b"\nHost"),
        b"\r\n" + GET,
    ],
)
def test_all_else_is_for_the_parser(other: bytes) -> None:
    known = Familiar()
    known.learn(GET, FIELDS)
    assert known.read(other) is None


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        (b"connection", b"keep-alive", True),
        (b"connection", b"Keep-Alive", True),
        (b"connection", b"close", False),
        (b"connection", b"upgrade", False),
        (b"proxy-connection", b"close", False),
        (b"upgrade", b"websocket", False),
        (b"expect", b"100-continue", False),
        (b"transfer-encoding", b"chunked", False),
        (b"content-length", b"1", False),
        (b"x", b"y" * familiar.LARGEST, False),
    ],
)
def test_what_speaks_of_the_connection_is_parsed_each_time(name: bytes, value: bytes, kept: bool) -> None:
    known, request = Familiar(), b"GET / HTTP/1.1\r\nHost: a\r\n%b: %b\r\n\r\n" % (name, value)
    known.learn(request, [(b"host", b"a"), (name, value)])
    assert (known.read(request) is not None) is kept


def test_a_body_has_the_length_that_its_head_tells() -> None:
    known, head = Familiar(), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
    known.learn(head + b"abc", [(b"host", b"a"), (b"content-length", b"3")])
    read = known.read(head + b"xyz")
    assert read is not None
    assert read.body == b"xyz"
    assert [known.read(head + body) for body in (b"", b"xy", b"xyz1")] == [None] * 3


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(familiar, "MOST", 3)
    known = Familiar()
    asked = [GET.replace(b"Host: a", b"Host: %d" % number) for number in range(5)]
    for request in asked:
        known.learn(request, FIELDS)
    assert [known.read(request) is not None for request in asked] == [False, False, True, True, True]


# -- a connection that rests ------------------------------------------------------------------------------------------


async def test_a_connection_that_rests_too_long_is_closed() -> None:
    async with serving(Short(), limits=Limits(keep_alive_seconds=0.05)) as served:
        client = await served.connect()
        for _ in range(3):
            client.send(GET)
            assert (await answer(client)).startswith(b"HTTP/1.1 200 ")
        assert await client.rest() == b""


async def test_a_connection_that_is_served_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, go = asyncio.Event(), asyncio.Event()
    handler = GuardedProtocol.timeout_keep_alive_handler

    def heard(self: GuardedProtocol) -> None:
        handler(self)
        looked.set()

    monkeypatch.setattr(GuardedProtocol, "timeout_keep_alive_handler", heard)

    class Slow(Short):
        async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
            if scope.get("path") == "/slow":
                await go.wait()
            await super().__call__(scope, receive, send)

    async with serving(Slow(), limits=Limits(keep_alive_seconds=0.05)) as served:
        client = await served.connect()
        client.send(GET)
        await answer(client)
        client.send(GET.replace(b"/a", b"/slow"))
        await looked.wait()
        go.set()
        assert (await answer(client)).startswith(b"HTTP/1.1 200 ")
        assert await client.rest() == b""
