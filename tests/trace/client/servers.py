"""Real servers to look at: hypercorn with HTTP/1.1, 2 and 3, and a name server."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import dns.message
import dns.rrset
from hypercorn.asyncio import serve
from hypercorn.config import Config

from tests.postgres.world import free_port
from tests.trace.client.authority import Served

BIG = b"pellucid " * 20_000
Answers = Mapping[tuple[str, str], list[str]]


async def site(scope: Any, receive: Any, send: Any) -> None:
    """A few pages: an echo, a big one, and some that send elsewhere."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    status, headers, content = page(scope, body)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def page(scope: Any, body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    match scope["path"]:
        case "/big":
            return 200, [(b"content-type", b"text/plain"), (b"content-length", str(len(BIG)).encode())], BIG
        case "/moved":
            return int(query.get("status", "302")), [(b"location", query["to"].encode())], b"elsewhere"
        case _:
            told = {
                "method": scope["method"],
                "http": scope["http_version"],
                "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
                "body": body.decode(),
            }
            return 200, [(b"content-type", b"application/json")], json.dumps(told).encode()


@asynccontextmanager
async def served(tls: Served | None = None, *, quic: bool = False, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """The site on a free port; with TLS where there is a certificate, over QUIC on the same port too if wanted."""
    port = free_port()
    config = Config()
    config.bind = [f"{host}:{port}"]
    config.graceful_timeout = 0.1
    config.errorlog = config.accesslog = None
    if tls is not None:
        config.certfile, config.keyfile = str(tls.chain), str(tls.key)
        config.quic_bind = [f"{host}:{port}"] if quic else []
    stop = asyncio.Event()
    task = asyncio.create_task(serve(site, config, shutdown_trigger=stop.wait))
    try:
        await listening(host, port)
        yield port
    finally:
        stop.set()
        await task


async def listening(host: str, port: int) -> None:
    """Wait until somebody answers there."""
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            await asyncio.sleep(0)
        else:
            writer.close()
            return


class Names(asyncio.DatagramProtocol):
    """A name server that knows a few names, and keeps silent as often as it is told to.

    Attributes:
        answers: the records by name and kind; a name that is not there does not exist.
        silences: how many questions of a kind are not answered.
        asked: what it was asked.
    """

    def __init__(self, answers: Answers, silences: dict[str, int]) -> None:
        self.answers, self.silences = answers, silences
        self.asked: list[tuple[str, str]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        question = dns.message.from_wire(data)
        name, kind = str(question.question[0].name), question.question[0].rdtype.name
        self.asked.append((name, kind))
        if self.silences.get(kind, 0) > 0:
            self.silences[kind] -= 1
            return
        self.transport.sendto(self.answer(question, name, kind).to_wire(), addr)

    def answer(self, question: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        response = dns.message.make_response(question)
        alias = self.answers.get((name, "CNAME"), [])
        response.answer += [dns.rrset.from_text(name, 30, "IN", "CNAME", target) for target in alias]
        final = alias[0] if alias else name
        if records := self.answers.get((final, kind)):
            response.answer.append(dns.rrset.from_text(final, 300, "IN", kind, *records))
        elif not any(known == final for known, _ in self.answers):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


@asynccontextmanager
async def name_server(answers: Answers, **silences: int) -> AsyncIterator[tuple[Names, tuple[str, int]]]:
    """A name server on a free port, and its address."""
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(lambda: Names(answers, silences), ("127.0.0.1", 0))
    try:
        yield names, transport.get_extra_info("sockname")
    finally:
        transport.close()


Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw(connected: Connected) -> AsyncIterator[int]:
    """A TCP server that does what the test says."""
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
