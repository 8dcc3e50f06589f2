"""Real servers to look at: hypercorn with HTTP/1.1, 2 and 3; a name server; and servers that do what no good one does."""

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, QuicEvent
from aioquic.tls import SessionTicket

from tests.postgres.world import free_port
from tests.trace.client.authority import Served

ROOT = Path(__file__).parents[3]
Answers = Mapping[tuple[str, str], list[str]]


@contextmanager
def hypercorn(tls: Served | None = None) -> Iterator[int]:
    """The site on a free port, in a process of its own; with TLS, and over QUIC on the same port, where there is a certificate."""
    port = free_port()
    secure = [f"--certfile={tls.chain}", f"--keyfile={tls.key}", f"--quic-bind=127.0.0.1:{port}"] if tls else []
    command = [
        sys.executable,
        "-m",
        "hypercorn",
        "tests.trace.client.site:site",
        f"--bind=127.0.0.1:{port}",
        "--graceful-timeout=0",
        *secure,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not listens(port):
                assert process.poll() is None
            yield port
        finally:
            process.terminate()


def listens(port: int) -> bool:
    """Whether somebody answers there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Names(asyncio.DatagramProtocol):
    """A name server that knows a few names, and keeps silent as often as it is told to.

    Attributes:
        answers: the records by name and kind; a name that is not there does not exist.
        silences: how many questions of a kind are not answered.
        asked: what it was asked.
        asked_twice: is set once it was asked two questions.
    """

    def __init__(self, answers: Answers, silences: dict[str, int]) -> None:
        self.answers, self.silences = answers, silences
        self.asked: list[tuple[str, str]] = []
        self.asked_twice = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        question = dns.message.from_wire(data)
        name, kind = str(question.question[0].name), question.question[0].rdtype.name
        self.asked.append((name, kind))
        if len(self.asked) == 2:
            self.asked_twice.set()
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
async def raw(connected: Connected, tls: Served | None = None) -> AsyncIterator[int]:
    """A TCP server that does what the test says, behind TLS where there is a certificate."""
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.chain, tls.key)
    served: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        with suppress(OSError):
            await connected(reader, writer)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*served)


def saying(answer: bytes, *, keep: bool = False) -> Connected:
    """Says the same to each request, and hangs up."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            writer.write(answer)
            await writer.drain()
            if not keep:
                break
        writer.close()

    return connected


class Remembering(QuicConnectionProtocol):
    """Answers each request over HTTP/3 with nothing more than that it is well."""

    def quic_event_received(self, event: QuicEvent) -> None:
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        for heard in self.http.handle_event(event) if hasattr(self, "http") else ():
            if isinstance(heard, HeadersReceived) and heard.stream_ended:
                self.http.send_headers(heard.stream_id, [(b":status", b"204")], end_stream=True)
                self.transmit()


@asynccontextmanager
async def quic(tls: Served) -> AsyncIterator[int]:
    """A server of HTTP/3 that gives tickets, and takes a session up again for whoever brings one."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(tls.chain, tls.key)
    tickets: dict[bytes, SessionTicket] = {}
    port = free_port()
    server = await serve(
        "127.0.0.1",
        port,
        configuration=configuration,
        create_protocol=Remembering,
        session_ticket_fetcher=lambda label: tickets.pop(label, None),
        session_ticket_handler=lambda ticket: tickets.update({ticket.ticket: ticket}),
    )
    try:
        yield port
    finally:
        server.close()
