"""A load from this process: each connection sends its next request when the answer to the last one is whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast


@dataclass(slots=True)
class Tally:
    """What came back: how many answers, how long each took (seconds), how many were not 2xx."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0


class Caller(asyncio.Protocol):
    """One connection (HTTP/1.1, kept open) that sends the same request again and again until the deadline."""

    def __init__(self, request: bytes, deadline: float, tally: Tally) -> None:
        self.request = request
        self.deadline = deadline
        self.tally = tally
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = bytearray()
        self.sent = 0.0

    def itself(self) -> "Caller":
        """What the event loop asks for a protocol."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send()

    def send(self) -> None:
        self.received.clear()
        self.sent = perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not complete(self.received):
            return
        now = perf_counter()
        self.tally.seconds.append(now - self.sent)
        self.tally.refused += self.received[9:10] != b"2"
        if now < self.deadline:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(exc)


def complete(received: bytearray) -> bool:
    """Whether a whole answer is there; every server measured here tells its length."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(received[:end]).lower()
    length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
    return len(received) >= end + 4 + int(length or 0)


async def press(port: int, requests: Sequence[bytes], seconds: float) -> Tally:
    """Load a server on this machine for so many seconds, with one connection for each request given."""
    tally, loop = Tally(), asyncio.get_running_loop()
    deadline = perf_counter() + seconds
    callers = [Caller(request, deadline, tally) for request in requests]
    await asyncio.gather(*(loop.create_connection(caller.itself, "127.0.0.1", port) for caller in callers))
    await asyncio.gather(*(caller.done for caller in callers))
    return tally
