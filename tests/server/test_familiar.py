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
    """The same, with a short way that takes everything, and then has it served as usual."""

    def short_way(self, _scope: Any, _body: bytes, reply: Any) -> bool:
        asyncio.get_running_loop().call_soon(reply.usual)
        return True


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
    "Prefer: return=minimal",
    "Content-Length: " + "0" * 4301, "Content-Length: 0000000000", "content-length:0", "Content-Length:  0",
    "X: " + "y" * 3000, "X-Long-Name-Of-A-Field: 1\nY: 2", "Te: trailers", "Content-Length: x",
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


async def test_requests_in_one_piece_or_many_are_the_same(
    served_so: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    post, came = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", asyncio.Event()
    parse = GuardedProtocol._parse

    def heard(self: GuardedProtocol, data: bytes) -> None:
        parse(self, data)
        came.set()

    monkeypatch.setattr(GuardedProtocol, "_parse", heard)
    async with serving(Short()) as served:
        client = await served.connect()
        answers = []
        for first, rest in (
            (post, b""),
            (post, b""),
            (post, b""),
            (post[:20], post[20:]),
            (post[:-1], post[-1:]),
            (post, b""),
        ):
            came.clear()
            client.send(first)
            if rest:
                await came.wait()
                client.send(rest)
            answers.append(await answer(client))
        client.send(post * 3)
        answers += [await answer(client) for _ in range(3)]
        client.close()
    assert len(set(answers)) == 1
    assert len(served_so) == 2


def learn(known: Familiar, request: bytes, fields: familiar.Fields) -> None:
    """Have it come twice."""
    for _ in range(2):
        known.learn(request, fields)


# -- what is remembered -----------------------------------------------------------------------------------------------


def test_the_same_fields_are_read_for_another_line() -> None:
    known = Familiar()
    known.learn(GET, FIELDS)
    assert known.read(GET) is None, "it came once"
    known.learn(GET, FIELDS)
    assert known.read(GET) == ("GET", b"/a", b"b=1", FIELDS, b"")
    assert known.read(b"DELETE /c/2 HTTP/1.1\r\n" + HEAD + b"\r\n\r\n") == ("DELETE", b"/c/2", b"", FIELDS, b"")


def test_nobody_changes_what_is_remembered() -> None:
    known, fields = Familiar(), FIELDS.copy()
    learn(known, GET, fields)
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
    learn(known, GET, FIELDS)
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
    learn(known, request, [(b"host", b"a"), (name, value)])
    assert (known.read(request) is not None) is kept


def test_a_body_has_the_length_that_its_head_tells() -> None:
    known, head = Familiar(), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nX: y\r\n\r\n"
    learn(known, head % 3 + b"abc", [(b"host", b"a"), (b"content-length", b"3"), (b"x", b"y")])
    for body in (b"xyz", b"", b"ab" * 50):
        read = known.read(head % len(body) + body)
        assert read is not None
        assert (read.body, read.fields[1]) == (body, (b"content-length", b"%d" % len(body)))
    assert [known.read(head % 3 + body) for body in (b"", b"xy", b"xyz1")] == [None] * 3
    assert known.read((head % 3).replace(b"3", b"0" * 12 + b"3") + b"abc") is None


def test_a_length_that_the_parser_read_otherwise_is_not_remembered() -> None:
    known, request = Familiar(), b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    for fields in ([(b"host", b"a")], [(b"content-length", b"4")], [(b"content-length", b"3")] * 2):
        learn(known, request, fields)
        assert known.read(request) is None


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(familiar, "MOST", 3)
    known = Familiar()
    asked = [GET.replace(b"Host: a", b"Host: %d" % number) for number in range(5)]
    for request in asked:
        learn(known, request, FIELDS)
    assert [known.read(request) is not None for request in asked] == [False, False, True, True, True]


# -- a connection that rests ------------------------------------------------------------------------------------------


async def test_a_connection_that_rests_too_long_is_closed() -> None:
    async with serving(Short(), limits=Limits(keep_alive_seconds=0.05)) as served:
        client = await served.connect()
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


async def test_what_is_no_request_any_more_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that became a WebSocket after a request is the WebSocket's."""
    ends: list[str] = []

    class Sockets(Short):
        async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
            if scope["type"] != "websocket":
                await super().__call__(scope, receive, send)
                return
            await receive()
            await send({"type": "websocket.accept"})
            ends.append((await receive())["type"])
            await send({"type": "websocket.close"})

    handler = GuardedProtocol.timeout_keep_alive_handler

    def heard(self: GuardedProtocol) -> None:
        ends.append("rested")
        handler(self)

    monkeypatch.setattr(GuardedProtocol, "timeout_keep_alive_handler", heard)
    upgrade = (
        b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with serving(Sockets(), limits=Limits(keep_alive_seconds=0.2)) as served:
        client = await served.connect()
        client.send(GET)
        await answer(client)
        client.send(upgrade)
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        other = await served.connect()  # rests as long as the first would have
        other.send(GET)
        await answer(other)
        assert await other.rest() == b""
        client.send(b"\x81\x81\0\0\0\0x")  # a text of one letter (RFC 6455, 5.2)
        await client.rest()
    assert ends == ["rested", "websocket.receive"]
