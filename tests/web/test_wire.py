"""The web room behind a real server on a real socket: what clients do that no client library would."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from fastapi import Request
from fastapi.responses import StreamingResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pellucid.server.options import Limits as ServerLimits
from pellucid.server.protocol import guarded
from pellucid.web.options import Limits, WebOptions
from tests.web.site import Site

pytestmark = pytest.mark.anyio

LIMITS = Limits(body=4096, body_seconds=0.2, headers=4096, header_count=50, url=1024)
PROTOCOLS: dict[str, type[HttpToolsProtocol]] = {
    "plain": HttpToolsProtocol,
    "guarded": guarded(ServerLimits(linger_seconds=1.0)),
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["code"])


@dataclass(frozen=True)
class Wire:
    """A connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def answer(self) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(status.split()[1]), headers, body)


@pytest.fixture(params=PROTOCOLS)
async def port(site: Site, request: pytest.FixtureRequest) -> AsyncIterator[int]:
    """A server on the loopback interface; both uvicorn's own protocol and the guarded one."""
    site.options = WebOptions(limits=LIMITS)
    _add_routes(site)
    listening = socket.create_server(("127.0.0.1", 0))
    protocol = PROTOCOLS[request.param]
    config = uvicorn.Config(site.install(), http=protocol, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listening]))
    yield int(listening.getsockname()[1])
    server.should_exit = True
    await task


def _add_routes(site: Site) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError

    @site.app.post("/read")
    async def read(request: Request) -> int:
        return len(await request.body())

    @site.app.post("/model")
    async def model(body: dict[str, str]) -> int:
        return len(body)

    @site.app.get("/half")
    async def cut() -> StreamingResponse:
        return StreamingResponse(half())


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(60):
            yield Wire(reader, writer)
    finally:
        writer.close()


HEAD = b"POST /read HTTP/1.1\r\nHost: localhost\r\n"


async def test_a_body_that_announces_itself_as_too_large_is_refused_unread(port: int) -> None:
    async with connected(port) as wire:
        await wire.send(HEAD + b"Content-Length: 1000000000000\r\n\r\n")
        answer = await wire.answer()
    assert (answer.status, answer.code) == (413, "body-too-large")
    assert answer.headers["x-request-id"]


async def test_a_chunked_body_that_never_ends_is_cut(port: int) -> None:
    async with connected(port) as wire:
        await wire.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            await wire.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
        answer = await wire.answer()
    assert (answer.status, answer.code) == (413, "body-too-large")


@pytest.mark.parametrize("path", [b"/read", b"/model"])
async def test_a_body_that_trickles_is_given_up(port: int, path: bytes) -> None:
    async with connected(port) as wire:
        head = HEAD.replace(b"/read", path)
        await wire.send(head + b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a')
        answer = await wire.answer()
    assert (answer.status, answer.code) == (408, "body-too-slow")


async def test_who_waits_to_be_asked_for_a_large_body_is_not_asked(port: int) -> None:
    async with connected(port) as wire:
        await wire.send(HEAD + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
        assert (await wire.answer()).status == 413


async def test_a_flood_of_headers_is_refused(port: int) -> None:
    async with connected(port) as wire:
        await wire.send(HEAD + b"".join(b"X-%d: 1\r\n" % number for number in range(100)) + b"\r\n")
        answer = await wire.answer()
    assert (answer.status, answer.code) == (431, "headers-too-large")


async def test_a_long_url_is_refused(port: int) -> None:
    async with connected(port) as wire:
        await wire.send(b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = await wire.answer()
    assert (answer.status, answer.code) == (414, "url-too-long")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST /read HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused(port: int, request_: bytes) -> None:
    async with connected(port) as wire:
        await wire.send(request_)
        assert (await wire.answer()).status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (b"/%", 404),
        (b"/%ff%fe", 404),
        (b"/%00", 404),
        (b"/%0d%0aX-Evil:1", 404),
        (b"//", 404),
        (b"/?a=%ff&&&==", 503),
        (b"http://evil/read", 405),
    ],
)
async def test_odd_paths_are_answered(port: int, path: bytes, status: int) -> None:
    async with connected(port) as wire:
        await wire.send(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = await wire.answer()
    assert answer.status == status
    assert "x-evil" not in answer.headers


async def test_a_host_that_is_none_of_ours_is_refused(port: int) -> None:
    async with connected(port) as wire:
        await wire.send(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        answer = await wire.answer()
        await wire.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await wire.answer()).status == 200
    assert (answer.status, answer.code) == (421, "unknown-host")


async def test_an_answer_that_breaks_off_ends_the_connection_so_that_the_client_can_tell(port: int) -> None:
    async with connected(port) as wire:
        await wire.send(b"GET /half HTTP/1.1\r\nHost: localhost\r\n\r\n")
        everything = await wire.reader.read()
    assert b"first" in everything
    assert not everything.endswith(b"0\r\n\r\n")


async def test_requests_on_one_connection_have_ids_of_their_own(port: int, site: Site) -> None:
    async with connected(port) as wire:
        await wire.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3)
        ids = {(await wire.answer()).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


async def test_a_client_that_hangs_up_midway_is_noted_and_nothing_breaks(port: int, site: Site) -> None:
    async with connected(port) as wire:
        await wire.send(HEAD + b"Content-Length: 100\r\n\r\nabc")
        await wire.send(b"")
    async with connected(port) as wire:
        await wire.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await wire.answer()).status == 200
