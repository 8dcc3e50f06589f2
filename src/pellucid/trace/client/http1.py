"""HTTP/1.1 (RFC 9112), by h11."""

import h11

from pellucid.trace.client.asked import Asked
from pellucid.trace.client.failure import Failed, HungUp
from pellucid.trace.client.notes import Facts
from pellucid.trace.client.talk import UNSENDABLE, Head, Sink, raw, text
from pellucid.trace.client.wire import Wire
from pellucid.trace.page import phrase

MOST_HEAD = 1024 * 1024


class Http1:
    """One HTTP/1.1 connection; a `talk.Talk`."""

    version = "HTTP/1.1"

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD)
        self._fed = self._head = self._answered = 0

    async def send(self, asked: Asked) -> Facts:
        """Send a request.

        Raises:
            Failed: it breaks HTTP's rules.
        """
        self._fed = self._head = 0
        try:
            head = self._state.send(
                h11.Request(
                    method=asked.method,
                    target=asked.target,
                    headers=raw([("host", asked.authority), *asked.sent_headers()]),
                )
            )
            body = self._state.send(h11.Data(data=asked.body)) if asked.body else b""
            body = (body or b"") + (self._state.send(h11.EndOfMessage()) or b"")
        except h11.LocalProtocolError as fault:
            raise Failed(*UNSENDABLE) from fault
        facts: Facts = {"header_bytes": len(head or b""), "body_bytes": len(body)}
        try:
            await self._wire.write((head or b"") + body)
        except Failed as failure:
            facts["cut_off"] = failure.message  # the server may have answered before it hung up
        return facts

    async def wait(self) -> Head:
        """Wait for the head of the answer; those that only say that more is to come are passed over."""
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                self._head = self._fed - len(self._state.trailing_data[0])
                self._answered += 1
                version = event.http_version.decode()
                self.version = f"HTTP/{version}"
                headers = tuple((text(name), text(value)) for name, value in event.headers)
                return Head(event.status_code, text(event.reason) or phrase(event.status_code), headers)

    async def receive(self, sink: Sink) -> Facts:
        """Receive the body."""
        size = 0
        while not isinstance(event := await self._next(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                size += len(event.data)
                sink(bytes(event.data))
        on_wire = self._fed - self._head - len(self._state.trailing_data[0])
        if self._state.our_state is h11.DONE and self._state.their_state is h11.DONE:
            self._state.start_next_cycle()
        return {"header_bytes": self._head, "body_bytes": size, "body_on_wire": on_wire}

    async def _next(self) -> h11.Event:
        try:
            while (event := self._state.next_event()) is h11.NEED_DATA:
                data = await self._wire.read()
                if not data and not self._fed:
                    raise (HungUp if self._answered else Failed)(
                        "the server hung up without an answer", "its log may say why"
                    )
                self._fed += len(data)
                self._state.receive_data(data)
        except h11.RemoteProtocolError as fault:
            raise Failed(f"the answer is not HTTP/1.1, or broke off: {fault}", "its log may say why") from fault
        if not isinstance(event, h11.Event) or isinstance(event, h11.ConnectionClosed):
            raise Failed("the server hung up without an answer", "its log may say why")
        return event

    def open(self) -> bool:
        """Whether it can be asked again."""
        return self._state.our_state is h11.IDLE and not self._wire.ended()

    async def close(self) -> None:
        """Hang up."""
        self._wire.close()
