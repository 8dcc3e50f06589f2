"""Our own load generator, for machines without wrk: ``python -m benchmarks.presser DECK PORT CONNECTIONS SECONDS``.

It takes more of a core than wrk does, so figures from the two are not to be compared with each other.
"""

import asyncio
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import cast

import httptools
import uvloop

from benchmarks.generator import Load
from benchmarks.requests import read_deck


@dataclass(slots=True)
class Tally:
    """What has come back: how long each answer took (seconds), and how many were none or not 2xx."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0


class Caller(asyncio.Protocol):
    """One connection (HTTP/1.1, kept open), until the deadline."""

    def __init__(self, requests: Iterator[bytes], deadline: float, tally: Tally) -> None:
        self.requests = requests
        self.deadline = deadline
        self.tally = tally
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent = 0.0

    def itself(self) -> "Caller":
        """What the event loop asks for a protocol."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.send()

    def send(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.sent = perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = perf_counter()
        self.tally.seconds.append(now - self.sent)
        self.tally.errors += self.parser.get_status_code() >= 400
        if now < self.deadline:
            asyncio.get_running_loop().call_soon(self.send)
        else:
            self.done.set_result(None)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.tally.errors += 1
            self.done.set_result(None)


async def press(requests: list[bytes], port: int, *, connections: int, seconds: float) -> Load:
    """Load a server on this machine.

    Raises:
        OSError: it cannot be reached.
    """
    tally, loop, start = Tally(), asyncio.get_running_loop(), perf_counter()
    turn = islice(cycle(requests), random.randrange(len(requests)), None)  # each run begins elsewhere
    callers = [Caller(turn, start + seconds, tally) for _ in range(connections)]
    await asyncio.gather(*(loop.create_connection(caller.itself, "127.0.0.1", port) for caller in callers))
    await asyncio.gather(*(caller.done for caller in callers))
    return summed(tally, perf_counter() - start)


def summed(tally: Tally, seconds: float) -> Load:
    """The figures of a tally."""
    ordered = sorted(tally.seconds) or [0.0]
    p50, p99 = (ordered[int(share * (len(ordered) - 1))] * 1000 for share in (0.5, 0.99))
    return Load(len(tally.seconds), seconds, tally.errors, p50, p99)


def main() -> None:
    """Press, and print what came of it."""
    deck, port, connections, seconds = sys.argv[1:]
    requests = list(read_deck(Path(deck)))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(press(requests, int(port), connections=int(connections), seconds=float(seconds)))
    print(json.dumps(asdict(load)))


if __name__ == "__main__":
    main()
