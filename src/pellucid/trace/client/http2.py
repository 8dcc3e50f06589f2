"""HTTP/2 (RFC 9113), by h2."""

from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

from pellucid.trace.client.asked import Asked
from pellucid.trace.client.failure import Failed, HungUp
from pellucid.trace.client.notes import Facts
from pellucid.trace.client.talk import UNSENDABLE, Head, Sink, head_of, pseudo
from pellucid.trace.client.wire import Wire

_FRAME = 9
"""Bytes before each frame's content (RFC 9113, 4.1)."""
_DATA, _HEADERS, _CONTINUATION = 0, 1, 9
WINDOW = 8 * 1024 * 1024
"""How much an answer may send before it hears that it was received."""

Kind = TypeVar("Kind", bound=h2.events.Event)


class Frames:
    """Counts what comes in by the kind of its frames, for h2 does not tell sizes."""

    def __init__(self) -> None:
        self.sizes: Counter[int] = Counter()
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Look at the next bytes."""
        self._rest += data
        while len(self._rest) >= _FRAME:
            size = _FRAME + int.from_bytes(self._rest[:3])
            if len(self._rest) < size:
                return
            self.sizes[self._rest[3]] += size
            self._rest = self._rest[size:]


class Http2:
    """One HTTP/2 connection, with one request at a time; a `talk.Talk`."""

    version = "HTTP/2"

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))
        self._frames = Frames()
        self._stream = 0
        self._answered = 0
        self._events: list[h2.events.Event] = []
        self._ended = self._gone = False

    async def _greeted(self) -> None:
        if not self._stream:
            self._greet()
            await self._flush()

    def _greet(self) -> None:
        """Say that this is HTTP/2; it goes out right before the first request."""
        self._state.initiate_connection()
        self._state.update_settings(
            {h2.settings.SettingCodes.ENABLE_PUSH: 0, h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW}
        )
        self._state.increment_flow_control_window(WINDOW)

    async def send(self, asked: Asked) -> Facts:
        """Send a request.

        Raises:
            Failed: it breaks HTTP's rules.
        """
        self._events, self._ended = [], False
        self._frames.sizes.clear()
        await self._greeted()
        self._stream = self._state.get_next_available_stream_id()
        try:
            self._state.send_headers(self._stream, pseudo(asked), end_stream=not asked.body)
        except h2.exceptions.ProtocolError as fault:
            raise Failed(*UNSENDABLE) from fault
        sizes: Facts = {"header_bytes": await self._flush(), "stream": self._stream}
        return sizes | {"body_bytes": await self._send_body(asked.body or b"")}

    async def _send_body(self, body: bytes) -> int:
        """The body, as fast as the server lets it come; gives its size on the wire. One that the server does not want is cut off."""
        size = 0
        while body and not self._ended:
            try:
                room = min(self._state.local_flow_control_window(self._stream), self._state.max_outbound_frame_size)
                if room > 0:
                    self._state.send_data(self._stream, body[:room], end_stream=room >= len(body))
            except h2.exceptions.ProtocolError:
                break
            body = body[max(room, 0) :]
            size += await self._flush()
            if room <= 0:
                await self._hear()
        return size

    async def wait(self) -> Head:
        """Wait for the headers of the answer."""
        while True:
            for event in self._taken(h2.events.ResponseReceived):
                self._answered += 1
                return head_of(event.headers or [])
            self._broken_off()
            await self._hear()

    async def receive(self, sink: Sink) -> Facts:
        """Receive the body."""
        size = 0
        while True:
            for event in self._taken(h2.events.DataReceived):
                size += len(event.data or b"")
                sink(event.data or b"")
            if self._ended:
                break
            self._broken_off()
            await self._hear()
        sizes = self._frames.sizes
        return {
            "header_bytes": sizes[_HEADERS] + sizes[_CONTINUATION],
            "body_bytes": size,
            "body_on_wire": sizes[_DATA],
        }

    def _taken(self, kind: type[Kind]) -> Iterator[Kind]:
        """The events of a kind that have come, each once."""
        for event in [each for each in self._events if isinstance(each, kind)]:
            self._events.remove(event)
            yield event

    async def _hear(self) -> None:
        data = await self._wire.read()
        if not data:
            self._gone = True
            raise (HungUp if self._answered else Failed)(
                "the server hung up without an answer", "does it speak HTTP/2? Its log may say why"
            )
        self._frames.feed(data)
        try:
            heard = self._state.receive_data(data)
        except h2.exceptions.ProtocolError as fault:
            raise Failed(f"the answer is not HTTP/2: {fault}", "ask without --http2") from fault
        for event in heard:
            self._note(event)
        await self._flush()

    def _note(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.StreamEnded(stream_id=self._stream):
                self._ended = True
            case h2.events.DataReceived():
                self._state.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
            case h2.events.ConnectionTerminated():
                self._gone = True
        self._events.append(event)

    def _broken_off(self) -> None:
        for event in self._taken(h2.events.StreamReset):
            raise Failed(f"the server broke off the answer (HTTP/2 error {event.error_code!s})", "its log may say why")
        if self._gone:
            raise (HungUp if self._answered else Failed)(
                "the server ended the connection without an answer", "its log may say why"
            )

    async def _flush(self) -> int:
        data = self._state.data_to_send()
        if data:
            await self._wire.write(data)
        return len(data)

    def open(self) -> bool:
        """Whether it can be asked again."""
        return not (self._gone or self._wire.ended())

    async def close(self) -> None:
        """Hang up."""
        self._wire.close()
