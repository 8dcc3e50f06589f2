"""Where traces are kept: files of their own, in a directory that all workers of a machine share.

A trace is wanted most when the database is in trouble, so it is not kept there; and memory is no worker's to share. Files need no lock,
survive a restart, and can be read with any program. What is kept is bounded by number, size and age, and the oldest go first.
"""

import json
import logging
import os
import queue
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pellucid.trace.document import Missing, Trace
from pellucid.trace.encode import to_bytes
from pellucid.trace.options import TraceOptions

_log = logging.getLogger("pellucid.trace")

_MOST_WAITING = 256
"""Traces on their way to the disk; what comes then is lost."""
_LARGEST = 1 << 20
"""Bytes of one trace. A larger one is kept without its plans."""
_PRUNE_SECONDS = 1.0
_DRAFT_SECONDS = 60.0
"""No trace takes longer to be written: whoever began it has been killed."""
_COMPLAIN_SECONDS = 60.0
_NAME = re.compile(r"(\d{13})-([0-9a-f]{32})-([0-9a-f]{16})\.json")
_WANTED = re.compile(r"([0-9a-f]{32})(?:-([0-9a-f]{16}))?")
_SUMMARY = (
    "id",
    "span",
    "request_id",
    "started",
    "method",
    "route",
    "target",
    "status",
    "seconds",
    "reason",
    "role",
    "worker",
)


class Wanted(Struct, frozen=True):
    """Which traces are asked for: those that have all of these."""

    route: str | None = None
    status: int | None = None
    seconds: float = 0.0
    reason: str | None = None
    limit: int = 50

    def has(self, summary: dict[str, Any]) -> bool:
        """Whether a trace is among them."""
        return (
            self.route in (None, summary.get("route"))
            and self.status in (None, summary.get("status"))
            and self.reason in (None, summary.get("reason"))
            and float(summary.get("seconds", 0.0)) >= self.seconds
        )


class TraceStore:
    """Keeps traces. What is put is written by a thread of its own; looking is for threads too, as it reads files."""

    def __init__(self, options: TraceOptions, finish: Callable[[Trace], Trace]) -> None:
        """Keep them.

        Args:
            options: where, and how many.
            finish: what is done to a trace before it is kept, beside the requests.
        """
        self.options = options
        self.lost = 0
        self._finish = finish
        self._queue: queue.Queue[Trace | None] = queue.Queue(_MOST_WAITING)
        self._thread: Thread | None = None
        self._starting = Lock()
        self._pruned = self._complained = 0.0

    def put(self, trace: Trace) -> None:
        """Keep a trace, soon. It is lost where too many are waiting."""
        if self._thread is None:
            self._start()
        try:
            self._queue.put_nowait(trace)
        except queue.Full:
            self.lost += 1

    def settle(self) -> None:
        """Write what is waiting, and let the thread end. It blocks."""
        thread = self._thread
        if thread is not None:
            self._queue.put(None)
            thread.join()
            self._thread = None

    # -- looking ------------------------------------------------------------------------------------------------------

    def find(self, wanted: Wanted) -> list[dict[str, Any]]:
        """What is known in short of the newest traces of a kind."""
        found: list[dict[str, Any]] = []
        for path in self._newest():
            summary = _summary(path)
            if summary is not None and wanted.has(summary):
                found.append(summary)
                if len(found) >= wanted.limit:
                    break
        return found

    def knows_how(self, name: str) -> bool:
        """Whether a trace could have such a name."""
        return _WANTED.fullmatch(name) is not None

    def get(self, name: str) -> bytes | None:
        """A trace as JSON by its name, which is its id, or its id and its span where several requests belong to it."""
        match = _WANTED.fullmatch(name)
        if match is None:
            return None
        for path in self._newest():
            kept = _NAME.fullmatch(path.name)
            if kept is not None and kept[2] == match[1] and match[2] in (None, kept[3]):
                with suppress(OSError):
                    return path.read_bytes().partition(b"\n")[2]
        return None

    def _newest(self) -> Iterator[Path]:
        try:
            names = [name for name in os.listdir(self.options.directory) if _NAME.fullmatch(name)]  # noqa: PTH208 - names alone
        except OSError:
            return
        for name in sorted(names, reverse=True):
            yield self.options.directory / name

    # -- keeping ------------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._work, name="traces", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while (trace := self._queue.get()) is not None:
            try:
                self._keep(self._finish(trace))
                self._prune()
            except Exception as fault:  # noqa: BLE001 - one trace that cannot be kept is not the end of the others
                self._complain(fault)

    def _keep(self, trace: Trace) -> None:
        content = _content(trace)
        if len(content) > _LARGEST:
            content = _content(_without_plans(trace))
        directory = self.options.directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{int(trace.started * 1000):013d}-{trace.id}-{trace.span}.json"
        draft = directory / f".{name}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            draft.replace(directory / name)
        except OSError:
            draft.unlink(missing_ok=True)
            raise

    def _prune(self) -> None:
        """Let the oldest go where there are too many, too large or too old ones."""
        now = time.monotonic()
        if now - self._pruned < _PRUNE_SECONDS:
            return
        self._pruned = now
        oldest, size = (time.time() - self.options.keep_seconds) * 1000, 0
        for number, path in enumerate(self._newest()):
            with suppress(OSError):
                size += path.stat().st_size
                if number >= self.options.keep or size > self.options.keep_bytes or int(path.name[:13]) < oldest:
                    path.unlink()
        self._clear()

    def _clear(self) -> None:
        """Remove what others have begun to write, and never will write to its end."""
        with suppress(OSError):
            for path in self.options.directory.glob(".*.json"):
                if _NAME.fullmatch(path.name[1:]) and time.time() - path.stat().st_mtime > _DRAFT_SECONDS:
                    path.unlink(missing_ok=True)

    def _complain(self, fault: Exception) -> None:
        self.lost += 1
        now = time.monotonic()
        if now - self._complained >= _COMPLAIN_SECONDS:
            self._complained = now
            _log.error("a trace could not be kept", exc_info=fault)


def _content(trace: Trace) -> bytes:
    """Two lines of JSON: what is known in short, and all of it."""
    short = {name: getattr(trace, name) for name in _SUMMARY}
    short["verdict"] = trace.findings[0].what if trace.findings else ""
    return json.dumps(short, ensure_ascii=True).encode() + b"\n" + to_bytes(trace)


def _without_plans(trace: Trace) -> Trace:
    """A trace that is too large, without what made it so."""
    statements = tuple(replace(each, plan=None, nested=()) for each in trace.statements[:50])
    lost = Missing("plans", "the trace would have been larger than one is kept")
    return replace(trace, statements=statements, commits=(), rows=trace.rows[:500], missing=(*trace.missing, lost))


def _summary(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            summary: dict[str, Any] = json.loads(file.readline(65_536))
    except (OSError, ValueError):  # gone meanwhile, or not ours
        return None
    return summary
