"""What tracing costs a request that nobody traces: each thing that is done for its sake, timed by itself.

Two servers with and without tracing differ by more than this from one second to the next, so no load can show it.
``python -m benchmarks.off SHORT USUAL`` also tells which share that is of requests that take so many microseconds of the server's
processor, on the short way and on the usual one.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from timeit import repeat

from pellucid.observe import Recording, deep, recorded
from pellucid.trace.layer import TraceLayer
from pellucid.trace.options import TraceOptions
from pellucid.trace.tracer import Tracer
from pellucid.web.exchange import Exchange
from pellucid.web.recorder import tell

TIMES, ROUNDS = 100_000, 7
MEMBERS = 14
"""How many requests travelled in a call, where 32 connections asked for rows by their keys."""


def nanoseconds(work: Callable[[], object], nothing: Callable[[], object] = lambda: None) -> float:
    """How long it takes beyond what is there without it: the best of several rounds."""
    with_it, without = (min(repeat(each, number=TIMES, repeat=ROUNDS)) for each in (work, nothing))
    return max(0.0, with_it - without) / TIMES * 1e9


def parts() -> dict[str, float]:
    """What is done for tracing where nothing is traced, in nanoseconds."""
    tracer = Tracer(TraceOptions(directory=Path()))
    headers = [(b"host", b"a"), (b"authorization", b"Bearer x"), (b"accept", b"*/*"), (b"user-agent", b"x")]
    exchange = Exchange({"type": "http", "headers": headers}, "name", Recording(0.0), 200)
    scope = {"type": "http", "headers": headers}
    count, holders = Count(), dict[Count, object]()

    def lent_and_back() -> None:
        holders[count] = (recorded(), perf_counter(), None)
        holders.pop(count, None)

    layer = TraceLayer(_app, tracer=tracer)  # type: ignore[arg-type]
    return {
        "the number of the request": nanoseconds(count.up),
        "the listener": nanoseconds(lambda: tell(exchange, (tracer.listen,)), lambda: tell(exchange, ())),
        "who holds a connection": nanoseconds(lent_and_back),
        "whether somebody looks": nanoseconds(deep),
        "the layer (usual way)": nanoseconds(
            lambda: layer(scope, None, None),  # type: ignore[arg-type]
            lambda: _app(scope, None, None),
        ),
    }


class Count:
    """Counts, as a connection does."""

    def __init__(self) -> None:
        self.served = 0

    def up(self) -> None:
        """One more."""
        self.served += 1


def _app(_scope: object, _receive: object, _send: object) -> None:
    return None


def ways(found: dict[str, float]) -> dict[str, float]:
    """What all of it is for one request: on the short way, where a connection is taken for many at once, and on the usual one."""
    call = found["who holds a connection"] + found["whether somebody looks"]
    return {"short": found["the number of the request"] + call / MEMBERS, "usual": sum(found.values())}


def main() -> None:
    """Print each part, and the sums."""
    found = parts()
    for what, spent in found.items():
        print(f"{what:<28}{spent:>8.0f} ns")
    for number, (way, total) in enumerate(ways(found).items(), start=1):
        share = f" = {total / 10 / float(sys.argv[number]):.2f} % of a request" if number < len(sys.argv) else ""
        print(f"{f'the {way} way':<28}{total:>8.0f} ns{share}")


if __name__ == "__main__":
    main()
