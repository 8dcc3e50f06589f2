"""What is counted, for Prometheus. Every label has a bounded number of values: route templates, never paths.

With several workers each of them writes its numbers into files, and whichever is asked adds all of them up: the supervisor sets
``PROMETHEUS_MULTIPROC_DIR`` to an empty directory before this module is imported, for prometheus_client decides at import.
"""

import asyncio
import os
import time
from bisect import bisect_left
from pathlib import Path
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from pellucid.observe import Stage
from pellucid.web.exchange import Exchange
from pellucid.web.resources import Resources

CONTENT_TYPE = CONTENT_TYPE_LATEST
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_GAUGE_SECONDS = 1.0
_TALLY_SECONDS = 0.2


class _Tally:
    """Observations on their way into a histogram.

    Each write there takes as long as a stage itself, and a request has a dozen stages; what many of them took is written at once.
    """

    __slots__ = ("counts", "histogram", "total")

    def __init__(self, histogram: Histogram) -> None:
        self.histogram = histogram
        self.counts = [0] * (len(_BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_BUCKETS, seconds)] += 1
        self.total += seconds

    def settle(self) -> None:
        """Write it down; a histogram has no public way to observe several things at once."""
        if any(self.counts):
            self.histogram._sum.inc(self.total)  # noqa: SLF001
            for bucket, count in zip(self.histogram._buckets, self.counts, strict=True):  # noqa: SLF001
                if count:
                    bucket.inc(count)
        self.counts = [0] * len(self.counts)
        self.total = 0.0


class _Answers:
    """Requests of one kind on their way into their counter and their histogram."""

    __slots__ = ("count", "counter", "took")

    def __init__(self, counter: Counter, took: _Tally) -> None:
        self.counter = counter
        self.took = took
        self.count = 0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.took.add(seconds)

    def settle(self) -> None:
        """Write down how many there were; what they took is written by itself."""
        if self.count:
            self.counter.inc(self.count)
        self.count = 0


class Metrics:
    """The counters of one process. What is counted is written down within `_TALLY_SECONDS`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "pellucid_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "pellucid_request_seconds",
            "From the arrival of a request to the end of its answer",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "pellucid_stage_seconds",
            "Time in each stage of a request",
            ("stage",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._connections = Gauge(
            "pellucid_pool_connections",
            "Database connections: the most there may be (size), open ones (open), those at work (busy)",
            ("state",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._catalog = Gauge(
            "pellucid_catalog_version",
            "How many times the schema was read",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._known: dict[tuple[str, str, int], _Answers] = {}
        self._took: dict[tuple[str, str], _Tally] = {}
        self._spent: dict[Stage, _Tally] = {}
        self._settling: asyncio.TimerHandle | None = None
        self._settled = self._gauged = 0.0
        if not _shared_directory():
            ProcessCollector(registry=self.registry)

    def count(self, exchange: Exchange) -> None:
        """Count an exchange that is over."""
        method = exchange.method if exchange.method in _METHODS else "OTHER"
        kind = (method, exchange.route, exchange.status)
        (self._known.get(kind) or self._kind(*kind)).add(exchange.seconds)
        for stage, spent in exchange.stages().items():
            (self._spent.get(stage) or self._stage(stage)).add(spent)
        now = time.monotonic()
        self._settle_soon(now)
        self._gauge_sometimes(exchange, now)

    def settle(self) -> None:
        """Write down what is still on its way into the histograms."""
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        self._settled = time.monotonic()
        for answers in self._known.values():
            answers.settle()
        for tally in (*self._took.values(), *self._spent.values()):
            tally.settle()

    def _settle_soon(self, now: float) -> None:
        """At once where there is no event loop to do it later, or where the last time was long ago."""
        if now - self._settled >= _TALLY_SECONDS:
            self.settle()
        elif self._settling is None:
            try:
                self._settling = asyncio.get_running_loop().call_later(_TALLY_SECONDS, self.settle)
            except RuntimeError:
                self.settle()

    def _kind(self, method: str, route: str, status: int) -> "_Answers":
        """The series of a kind of request; looking them up by their labels each time would be slow."""
        took = self._took.setdefault((method, route), _Tally(self._seconds.labels(method, route)))
        answers = self._known[method, route, status] = _Answers(self._requests.labels(method, route, str(status)), took)
        return answers

    def _stage(self, stage: Stage) -> _Tally:
        return self._spent.setdefault(stage, _Tally(self._stages.labels(stage.value)))

    def text(self, resources: Resources | None) -> bytes:
        """Everything counted so far, by all workers, in Prometheus' text format."""
        self.settle()
        if resources:
            self._gauge(resources)
        directory = _shared_directory()
        if directory is None:
            return generate_latest(self.registry)
        _forget_the_dead(directory)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(directory))  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _gauge_sometimes(self, exchange: Exchange, now: float) -> None:
        """Now and then is enough for gauges that others may ask another worker for."""
        if now - self._gauged < _GAUGE_SECONDS:
            return
        resources = getattr(exchange.scope["app"].state, "pellucid", None) if "app" in exchange.scope else None
        if resources is not None:
            self._gauged = now
            self._gauge(resources)

    def _gauge(self, resources: Resources) -> None:
        pool: Any = resources.database.engine.sync_engine.pool
        self._connections.labels("size").set(pool.pool_size)
        self._connections.labels("open").set(pool.opened)
        self._connections.labels("busy").set(pool.taken)
        self._catalog.set(resources.database.catalog.version)


def _shared_directory() -> Path | None:
    named = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(named) if named else None


def _forget_the_dead(directory: Path) -> None:
    """Take the gauges of workers that are gone out of the sums; what they counted stays."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _lives(int(pid)):
            mark_process_dead(int(pid), str(directory))  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
