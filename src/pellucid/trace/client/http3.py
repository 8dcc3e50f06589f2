"""HTTP/3 (RFC 9114) over QUIC (RFC 9000), by aioquic."""

import asyncio
import socket
import ssl
from time import perf_counter

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3 import events as h3
from aioquic.h3.connection import H3_ALPN, H3Connection, H3Stream
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import NetworkAddress, QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, QuicEvent, StreamDataReceived, StreamReset
from aioquic.tls import SessionTicket

from pellucid.trace.client.asked import Asked
from pellucid.trace.client.certificates import Chain
from pellucid.trace.client.failure import Failed, HungUp
from pellucid.trace.client.hosts import spelt
from pellucid.trace.client.notes import Facts
from pellucid.trace.client.talk import Head, Sink, head_of, pseudo


class _Conversation(H3Connection):
    """HTTP/3 in which HEAD can be asked: its answer tells the length of a body that does not come (RFC 9110, 9.3.2)."""

    bodiless = -1

    def _check_content_length(self, stream: H3Stream) -> None:
        if stream.stream_id != self.bodiless:
            super()._check_content_length(stream)


class Quic(QuicConnectionProtocol):
    """A QUIC connection that remembers when it heard what. Times are of `time.perf_counter`.

    Attributes:
        heard: when the first datagram came back; None before it did.
        agreed: what the handshake ended with; None before it did.
        events: what has come since it was last looked at.
        ticket: what the server gave to make the next handshake shorter.
    """

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self.quic = quic
        self.http = _Conversation(quic)
        self.heard: float | None = None
        self.agreed: HandshakeCompleted | None = None
        self.events: list[h3.H3Event | StreamReset] = []
        self.trouble = ""
        self.datagrams = self.received = self.stream_bytes = 0
        self._news = asyncio.Event()

    def datagram_received(self, data: bytes | str, addr: NetworkAddress) -> None:
        """Count, and pass it on."""
        self.heard = self.heard or perf_counter()
        self.datagrams += 1
        self.received += len(data)
        super().datagram_received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """The machine there says that nobody listens."""
        self._end(getattr(exc, "strerror", None) or str(exc))

    def quic_event_received(self, event: QuicEvent) -> None:
        """Sort what has come."""
        match event:
            case HandshakeCompleted():
                self.agreed = event
            case ConnectionTerminated():
                self._end(event.reason_phrase or f"QUIC error {event.error_code:#x}")
            case StreamReset():
                self.events.append(event)
            case StreamDataReceived(stream_id=stream) if stream % 4 == 0:
                self.stream_bytes += len(event.data)
        self.events.extend(self.http.handle_event(event))
        self._news.set()

    def _end(self, why: str) -> None:
        self.trouble = self.trouble or why.lower()
        self._news.set()

    async def news(self) -> None:
        """Wait until something has come.

        Raises:
            Failed: the connection has come to its end.
        """
        if self.trouble:
            raise Failed(f"the QUIC connection ended: {self.trouble}", "ask without --http3")
        self._news.clear()
        await self._news.wait()

    def chain(self) -> Chain:
        """The certificates that the server showed."""
        leaf = self.quic.tls._peer_certificate  # noqa: SLF001 - aioquic has no other way to see them
        return () if leaf is None else (leaf, *self.quic.tls._peer_certificate_chain)  # noqa: SLF001

    def cipher(self) -> str:
        """The cipher that was agreed on."""
        return self.quic.tls.key_schedule.cipher_suite.name if self.quic.tls.key_schedule else "unknown"

    def hang_up(self) -> None:
        """Close it, and the socket below."""
        self.close()
        if self._transport is not None:
            self._transport.close()


class QuicDialled:
    """A QUIC connection whose handshake is done; what `race.race` deals with."""

    def __init__(self, quic: Quic, local: str, remote: str) -> None:
        self.quic, self.local, self.remote = quic, local, remote

    def close(self) -> None:
        """Let it go."""
        self.quic.hang_up()


async def dial(
    address: str, port: int, host: str, ticket: SessionTicket | None, keep: "list[SessionTicket]"
) -> QuicDialled:
    """A QUIC connection to one address. The certificate is judged by the caller, before anything is sent.

    Raises:
        Failed: nobody answers there.
        OSError: the network says so itself.
    """
    loop = asyncio.get_running_loop()
    configuration = QuicConfiguration(
        alpn_protocols=H3_ALPN,
        server_name=host,
        verify_mode=ssl.CERT_NONE,
        session_ticket=ticket,
        max_data=8 << 20,
        max_stream_data=8 << 20,
    )
    connection = QuicConnection(configuration=configuration, session_ticket_handler=keep.append)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    transport, quic = await loop.create_datagram_endpoint(
        lambda: Quic(connection), remote_addr=(address, port), family=family
    )
    try:
        quic.connect(transport.get_extra_info("peername"))
        while quic.agreed is None:
            await quic.news()
    except BaseException:
        quic.hang_up()
        raise
    return QuicDialled(quic, spelt(transport.get_extra_info("sockname")), spelt(transport.get_extra_info("peername")))


class Http3:
    """One HTTP/3 connection, with one request at a time; a `talk.Talk`."""

    version = "HTTP/3"

    def __init__(self, quic: Quic) -> None:
        self._quic = quic
        self._stream = 0
        self._answered = 0
        self._ended = False

    async def send(self, asked: Asked) -> Facts:
        """Send a request; QUIC's acknowledgements are not waited for."""
        self._quic.events.clear()
        self._quic.stream_bytes = self._quic.received = self._quic.datagrams = 0
        self._stream = self._quic.quic.get_next_available_stream_id()
        self._quic.http.bodiless = self._stream if asked.method == "HEAD" else -1
        headers = pseudo(asked)
        self._quic.http.send_headers(self._stream, headers, end_stream=not asked.body)
        if asked.body:
            self._quic.http.send_data(self._stream, asked.body, end_stream=True)
        self._quic.transmit()
        return {
            "header_bytes": sum(len(name) + len(value) for name, value in headers),
            "body_bytes": len(asked.body or b""),
            "stream": self._stream,
        }

    async def wait(self) -> Head:
        """Wait for the headers of the answer; those that only say that more is to come are passed over."""
        while True:
            for event in list(self._quic.events):
                if isinstance(event, h3.HeadersReceived) and event.stream_id == self._stream:
                    self._quic.events.remove(event)
                    head = head_of(event.headers)
                    if head.status >= 200:
                        self._answered += 1
                        self._ended = event.stream_ended
                        return head
            await self._hear()

    async def receive(self, sink: Sink) -> Facts:
        """Receive the body."""
        size = 0
        while True:
            for event in list(self._quic.events):
                self._quic.events.remove(event)
                if isinstance(event, h3.DataReceived) and event.stream_id == self._stream:
                    size += len(event.data)
                    sink(event.data)
                    self._ended = self._ended or event.stream_ended
                elif isinstance(event, h3.HeadersReceived):
                    self._ended = self._ended or event.stream_ended
                elif isinstance(event, StreamReset):
                    raise Failed(
                        f"the server broke off the answer (HTTP/3 error {event.error_code:#x})", "its log may say why"
                    )
            if self._ended:
                break
            await self._hear()
        quic = self._quic
        return {
            "header_bytes": quic.stream_bytes - size,
            "body_bytes": size,
            "datagrams": quic.datagrams,
            "udp_bytes": quic.received,
        }

    async def _hear(self) -> None:
        try:
            await self._quic.news()
        except Failed as failure:
            raise (HungUp if self._answered else Failed)(failure.message, failure.hint) from failure

    def open(self) -> bool:
        """Whether it can be asked again."""
        return not self._quic.trouble

    async def close(self) -> None:
        """Hang up, and wait for nothing."""
        self._quic.hang_up()
