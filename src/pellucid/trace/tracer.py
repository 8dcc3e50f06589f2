"""The tracer of one worker: hears of each exchange that is over, and keeps those that are to be kept."""

import asyncio
import random
from typing import TYPE_CHECKING

from pellucid.lifecycle import Lifecycle
from pellucid.trace.assemble import assemble, ended_at
from pellucid.trace.context import Context
from pellucid.trace.document import Reason, Trace
from pellucid.trace.loopwatch import LoopWatch
from pellucid.trace.masking import masked
from pellucid.trace.neighbours import Neighbours
from pellucid.trace.options import TraceOptions
from pellucid.trace.plain import Plain
from pellucid.trace.proxies import Believed
from pellucid.trace.store import TraceStore
from pellucid.trace.tracing import Lookers, Tracing
from pellucid.trace.verdict import judged
from pellucid.trace.witness import Lookout
from pellucid.trace.witness.slow import SlowPlans
from pellucid.web.exchange import Exchange

if TYPE_CHECKING:
    from pellucid.trace.export import Exporter


class Tracer(Lifecycle):
    """Makes traces of exchanges, and keeps them."""

    def __init__(
        self,
        options: TraceOptions,
        lookout: Lookout | None = None,
        *,
        lookers: Lookers = Plain,
        slow: SlowPlans | None = None,
        exporter: "Exporter | None" = None,
    ) -> None:
        """Trace.

        Args:
            options: what, and where it is kept.
            lookout: is closed in the end.
            lookers: make the witness of a request that is looked at in full.
            slow: hears the plans of slow statements.
            exporter: sends them on.
        """
        super().__init__()
        self.options = options
        self.lookout = lookout
        self.lookers = lookers
        self.slow = slow
        self.exporter = exporter
        self.watch = LoopWatch()
        self.store = TraceStore(options, self._finished)
        self.believed = Believed(options.proxies)
        self._neighbours = Neighbours()
        self._unasked = options.always

    def listen(self, exchange: Exchange) -> None:
        """Hear of an exchange that is over (`pellucid.web.exchange.Listener`)."""
        tracing = exchange.traced
        if tracing is None and not self._unasked:
            return
        self._neighbours.see(exchange)
        if tracing is None:
            tracing = self._afterwards(exchange)
        if isinstance(tracing, Tracing) and (tracing.reason is not Reason.SLOW or self._is_slow(exchange)):
            tracing.siblings, tracing.listed = self._neighbours.alike(exchange)
            self.store.put(assemble(exchange, tracing, self.believed, self.slow))

    def _afterwards(self, exchange: Exchange) -> Tracing | None:
        """Whether a request is traced of which nothing was noted: it went the short way, or was refused by a layer outside."""
        if self.options.sample and random.random() < self.options.sample:  # noqa: S311 - nothing is secret about it
            return Tracing(Context.of(None), Reason.SAMPLED)
        return Tracing(Context.of(None), Reason.SLOW) if self._is_slow(exchange) else None

    def _is_slow(self, exchange: Exchange) -> bool:
        slow = self.options.slow
        if slow is None or exchange.seconds < slow:
            return False
        return ended_at(exchange) - exchange.recording.started >= slow

    def _finished(self, trace: Trace) -> Trace:
        """The trace as it is kept, and sent on."""
        trace = judged(masked(trace))
        if self.exporter is not None:
            self.exporter.receive(trace)
        return trace

    async def _start(self) -> None:
        if self.exporter is not None:
            await self.exporter.start()

    async def _stop(self) -> None:
        await asyncio.to_thread(self.store.settle)
        if self.exporter is not None:
            await self.exporter.stop()
        if self.lookout is not None:
            await self.lookout.close()
