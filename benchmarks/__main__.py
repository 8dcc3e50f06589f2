"""``make bench``: requests a second and latency of Pellucid, beside a constant answer, interleaved, medians with their spread.

One worker each, on this machine, with durable writes. The load comes from Python on the same cores, so only the ratios within one run
mean anything; they do not say what a larger machine would do.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.load import Tally, press

ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of request."""

    name: str
    head: str
    body: str = ""

    def request(self) -> bytes:
        """As it goes over the wire."""
        length = f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n" if self.body else ""
        return f"{self.head} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}\r\n{self.body}".encode()


CONSTANT = Work("a constant answer", "GET /")
WORKS = (
    Work("GET one row by key", "GET /data/777"),
    Work("GET 20 rows of 10,000, filtered and ordered", "GET /data?age=gte.50&order=age,id&limit=20"),
    Work("POST one row, durable", "POST /data", '{"name":"Sir","age":20}'),
    Work("PATCH one row by key, durable", "PATCH /data/777", '{"age":21}'),
)


@dataclass(slots=True)
class Measured:
    """The rounds of one work at one number of connections."""

    work: str
    connections: int
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def add(self, tally: Tally, seconds: float) -> None:
        """Add a round."""
        if tally.refused:
            sys.exit(f"{self.work}: {tally.refused} requests were refused, so there is nothing to measure")
        self.rates.append(len(tally.seconds) / seconds)
        self.latencies += tally.seconds

    @property
    def rate(self) -> float:
        """Requests a second, the median of the rounds."""
        return statistics.median(self.rates)

    def percentile(self, share: float) -> float:
        """The latency, in milliseconds, that this share of the requests stayed below."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, pellucid(directory) as port, constant(directory) as other:
        fill(port)
        measured = [
            figure
            for count in chosen.connections
            for figure in measure(port, other, count, chosen.rounds, chosen.seconds)
        ]
    show(measured)
    if chosen.json:
        figures = [
            {"work": m.work, "connections": m.connections, "rates": m.rates, "p99_ms": m.percentile(0.99)}
            for m in measured
        ]
        chosen.json.write_text(json.dumps(figures, indent=2))


@contextmanager
def pellucid(directory: str) -> Iterator[int]:
    """A server like any other, on a database of its own."""
    command = [str(Path(sys.executable).parent / "pellucid"), "serve", "--workers", "1"]
    with server(command, directory, 8750) as port:
        yield port


@contextmanager
def constant(directory: str) -> Iterator[int]:
    """The constant answer, from the same ASGI server with the same event loop and parser."""
    root = str(Path(__file__).resolve().parent.parent)
    options = [
        "--app-dir",
        root,
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    with server([sys.executable, "-m", "uvicorn", "benchmarks.constant:app", *options], directory, 8751) as port:
        yield port


@contextmanager
def server(command: list[str], directory: str, port: int) -> Iterator[int]:
    """A process that serves on the port, until the block ends."""
    with Path(directory, f"{port}.log").open("w") as log:
        process = subprocess.Popen([*command, "--port", str(port)], cwd=directory, stdout=log, stderr=log)
        try:
            while process.poll() is None and not answers(port):
                pass
            if process.returncode is not None:
                sys.exit(Path(log.name).read_text())
            yield port
        finally:
            process.terminate()
            process.wait()


def answers(port: int) -> bool:
    """Whether somebody answers there."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=5).is_success
    except httpx.TransportError:
        return False


def fill(port: int) -> None:
    """Make the table that is measured."""
    rows = [{"name": f"N{number}", "age": number % 100} for number in range(ROWS)]
    httpx.post(f"http://127.0.0.1:{port}/data", json=rows, timeout=60).raise_for_status()


def measure(port: int, other: int, connections: int, rounds: int, seconds: float) -> list[Measured]:
    """Let each work have its turn in each round, after one turn that does not count."""
    measured = [Measured(work.name, connections) for work in (CONSTANT, *WORKS)]
    for turn in range(rounds + 1):
        for figure, work in zip(measured, (CONSTANT, *WORKS), strict=True):
            requests = [work.request()] * connections
            tally = asyncio.run(press(other if work is CONSTANT else port, requests, seconds if turn else 0.5))
            if turn:
                figure.add(tally, seconds)
    return measured


def show(measured: list[Measured]) -> None:
    """Print the figures."""
    print(f"{'':46} {'conn':>4} {'req/s':>8} {'from':>8} {'to':>8} {'p50 ms':>8} {'p99 ms':>8} {'of constant':>12}")
    base = {figure.connections: figure.rate for figure in measured if figure.work == CONSTANT.name}
    for figure in measured:
        share = figure.rate / base[figure.connections]
        spread = f"{figure.rate:8.0f} {min(figure.rates):8.0f} {max(figure.rates):8.0f}"
        print(
            f"{figure.work:46} {figure.connections:4} {spread} {figure.percentile(0.5):8.2f} {figure.percentile(0.99):8.2f} {share:12.2f}"
        )


if __name__ == "__main__":
    main()
