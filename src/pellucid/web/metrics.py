"""What is counted, for Prometheus. Every label has a bounded number of values: route templates, never paths.

With several workers each of them writes its numbers into files, and whichever is asked adds all of them up: the supervisor sets
``PROMETHEUS_MULTIPROC_DIR`` to an empty directory before this module is imported, for prometheus_client decides at import.
"""

import os
import time
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


class Metrics:
    """The counters of one process."""

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
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._known_stages: dict[Stage, Histogram] = {}
        self._gauged = 0.0
        if not _shared_directory():
            ProcessCollector(registry=self.registry)

    def count(self, exchange: Exchange) -> None:
        """Count an exchange that is over."""
        method = exchange.method if exchange.method in _METHODS else "OTHER"
        requests, seconds = self._request(method, exchange.route, exchange.status)
        requests.inc()
        seconds.observe(exchange.seconds)
        for stage, spent in exchange.stages().items():
            self._stage(stage).observe(spent)
        self._gauge_sometimes(exchange)

    def _request(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """The two series of a kind of request; looking them up by their labels each time would be slow."""
        key = (method, route, status)
        if key not in self._known:
            self._known[key] = (self._requests.labels(method, route, str(status)), self._seconds.labels(method, route))
        return self._known[key]

    def _stage(self, stage: Stage) -> Histogram:
        if stage not in self._known_stages:
            self._known_stages[stage] = self._stages.labels(stage.value)
        return self._known_stages[stage]

    def text(self, resources: Resources | None) -> bytes:
        """Everything counted so far, by all workers, in Prometheus' text format."""
        if resources:
            self._gauge(resources)
        directory = _shared_directory()
        if directory is None:
            return generate_latest(self.registry)
        _forget_the_dead(directory)
        together = CollectorRegistry()
        MultiProcessCollector(together, str(directory))  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _gauge_sometimes(self, exchange: Exchange) -> None:
        """Now and then is enough for gauges that others may ask another worker for."""
        now = time.monotonic()
        resources = getattr(exchange.scope["app"].state, "pellucid", None) if "app" in exchange.scope else None
        if resources is not None and now - self._gauged >= _GAUGE_SECONDS:
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
