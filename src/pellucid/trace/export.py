"""Sends traces on to a receiver of OpenTelemetry (OTLP over HTTP), in a thread that no request waits for."""

import asyncio
import logging
import queue
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

import httpx

from pellucid.lifecycle import Lifecycle
from pellucid.trace.document import Trace
from pellucid.trace.options import TraceOptions
from pellucid.version import VERSION

_log = logging.getLogger("pellucid.trace")

Encode = Callable[[Sequence[Trace], str], bytes]
"""Writes traces of a service as one message (`pellucid.trace.otlp.request_of`)."""

MOST_WAITING = 1024
"""Traces on their way; what comes then is lost."""
_AT_ONCE = 64
_SECONDS = 10.0
"""How long one export may take."""
_AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which a receiver wants to be asked again (OTLP, 'Retryable Response Codes')."""
_TRIES = 3
_LONGEST_PAUSE = 5.0
_COMPLAIN_SECONDS = 60.0
_STOP_SECONDS = 3.0


class Exporter(Lifecycle):
    """Takes traces, and sends them in batches. What the receiver does not take is lost, and only the log says so."""

    def __init__(self, options: TraceOptions, encode: Encode) -> None:
        """Prepare it.

        Args:
            options: where to.
            encode: writes a batch.
        """
        super().__init__()
        self.options = options
        self.lost = 0
        self._encode = encode
        self._queue: queue.Queue[Trace | None] = queue.Queue(MOST_WAITING)
        self._stopping = Event()
        self._thread: Thread | None = None
        self._complained = 0.0

    def receive(self, trace: Trace) -> None:
        """Take a trace. It returns at once."""
        try:
            self._queue.put_nowait(trace)
        except queue.Full:
            self.lost += 1

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return self._queue.unfinished_tasks == 0

    async def _start(self) -> None:
        self._thread = Thread(target=self._work, name="otlp", daemon=True)
        self._thread.start()

    async def _stop(self) -> None:
        """Send what is waiting, as far as that goes quickly."""
        self._stopping.set()
        self._wake()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _STOP_SECONDS)

    def _wake(self) -> None:
        """For the last time."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:  # it is awake
            return

    def _work(self) -> None:
        headers = {
            "content-type": "application/x-protobuf",
            "user-agent": f"pellucid/{VERSION}",
            **dict(self.options.headers),
        }
        with httpx.Client(headers=headers, timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
            while batch := self._batch():
                try:
                    self._send(client, batch)
                except Exception as fault:  # noqa: BLE001 - a receiver that cannot be reached is no reason to stop
                    self._complain(len(batch), f"{type(fault).__name__}: {fault}")
                for _ in batch:
                    self._queue.task_done()

    def _batch(self) -> list[Trace]:
        """The next traces; none when it is to end."""
        batch: list[Trace] = []
        while len(batch) < _AT_ONCE:
            try:
                trace = self._queue.get(block=not batch and not self._stopping.is_set())
            except queue.Empty:
                break
            if trace is not None:
                batch.append(trace)
            elif not batch and self._queue.empty():
                break
        return batch

    def _send(self, client: httpx.Client, batch: Sequence[Trace]) -> None:
        content = self._encode(batch, self.options.service)
        for attempt in range(1, _TRIES + 1):
            answer = client.post(address_of(self.options.endpoint or ""), content=content)
            if answer.is_success:
                return
            if answer.status_code not in _AGAIN or attempt == _TRIES or self._stopping.is_set():
                self._complain(len(batch), f"it answered {answer.status_code}")
                return
            self._stopping.wait(_pause(answer, attempt))

    def _complain(self, number: int, why: str) -> None:
        """Say it, but not again and again."""
        self.lost += number
        now = time.monotonic()
        if now - self._complained >= _COMPLAIN_SECONDS or not self._complained:
            self._complained = now
            _log.warning(
                "Traces could not be sent to the receiver of OpenTelemetry (%s); %d were lost so far.", why, self.lost
            )


def address_of(endpoint: str) -> str:
    """Where traces go: below an address that is that of the whole receiver (OTLP exporter, 'Endpoint URLs')."""
    return endpoint if endpoint.rstrip("/").endswith("/v1/traces") else f"{endpoint.rstrip('/')}/v1/traces"


def _pause(answer: httpx.Response, attempt: int) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked) if asked.isdigit() else 0.5 * 2.0**attempt, _LONGEST_PAUSE)
