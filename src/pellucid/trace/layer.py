"""The layer that decides whether a request is traced, and has those looked at that are. It lies inside of all others, around the router."""

import asyncio
import logging
import random
from collections.abc import Awaitable
from contextlib import suppress
from operator import itemgetter
from time import perf_counter

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pellucid.database.witness import witness
from pellucid.errors import PellucidError
from pellucid.observe import ALL, FACTS
from pellucid.trace.context import Context
from pellucid.trace.document import Reason
from pellucid.trace.onlooker import Onlooker
from pellucid.trace.tracer import Tracer
from pellucid.trace.tracing import Tracing
from pellucid.web.exchange import Exchange, exchange_of
from pellucid.web.operators import is_proved_operator, names_operator
from pellucid.web.recorder import TRACE, TRACE_TOKEN

_log = logging.getLogger("pellucid.trace")

_DEPTHS = {b"full": ALL, b"light": FACTS}
_PARENT, _STATE = b"traceparent", b"tracestate"
_ASKING = frozenset({TRACE, TRACE_TOKEN, _PARENT})
_name = itemgetter(0)


class TraceLayer:
    """Has a request traced where somebody asks for it who may, where its turn has come, or where it may turn out to be slow.

    Whoever may not is answered as if the header were not there. With tracing off, a request without the header passes at the cost of a
    look at the names of its headers.
    """

    def __init__(self, app: ASGIApp, *, tracer: Tracer) -> None:
        self.app = app
        self.options = tracer.options
        self.watch = tracer.watch
        self.lookers = tracer.lookers

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request (ASGI)."""
        if scope["type"] == "http" and (self.options.always or not _ASKING.isdisjoint(map(_name, scope["headers"]))):
            return self._judged(scope, receive, send)
        return self.app(scope, receive, send)

    async def _judged(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = exchange_of(scope)
        tracing = await self._tracing(scope, exchange) if exchange is not None else None
        scope["headers"] = [
            header for header in scope["headers"] if header[0] != TRACE_TOKEN
        ]  # nobody's business behind here
        if exchange is None or tracing is None:
            await self.app(scope, receive, send)
            return
        exchange.traced = tracing
        if tracing.reason is not Reason.SLOW:
            exchange.facts["trace"] = tracing.name
        exchange.recording.depth = tracing.depth
        began = self.watch.begin()
        try:
            await self._looked_at(tracing, scope, receive, send)
        finally:
            tracing.late = self.watch.end(began)

    async def _looked_at(self, tracing: Tracing, scope: Scope, receive: Receive, send: Send) -> None:
        onlooker = None
        if tracing.depth >= ALL:
            before = perf_counter()
            await asyncio.sleep(0)
            tracing.pause = perf_counter() - before
            tracing.looking = self.lookers()
            onlooker = Onlooker(tracing.looking)
        looking = witness.set(onlooker)
        tracing.entered = perf_counter()

        async def noted(message: Message) -> None:
            if tracing.answered is None:
                tracing.answered = perf_counter()
            await send(message)
            if onlooker is not None and message["type"] == "http.response.body" and not message.get("more_body", False):
                onlooker.close()

        try:
            await self.app(scope, receive, noted)
        finally:
            tracing.left = perf_counter()
            witness.reset(looking)
            if onlooker is not None:
                onlooker.close()
                await self._closed(tracing)

    async def _closed(self, tracing: Tracing) -> None:
        try:
            if tracing.looking is not None:
                await tracing.looking.close()
        except Exception:  # noqa: BLE001 - the request has been answered, and is not to fail for it
            _log.exception("a witness could not be closed")

    # -- the decision -------------------------------------------------------------------------------------------------

    async def _tracing(self, scope: Scope, exchange: Exchange) -> Tracing | None:
        """Whether and how the request is traced. The flag of a ``traceparent`` is a question too: a proxy passes on what strangers send."""
        headers = dict(scope["headers"])
        context = Context.of(headers.get(_PARENT), headers.get(_STATE))
        depth = _DEPTHS.get(headers.get(TRACE, b"").strip().lower())
        if depth is not None and await self._may(scope, exchange, depth):
            return Tracing(context, Reason.ASKED, depth, asked=True)
        if self.options.sample and random.random() < self.options.sample:  # noqa: S311 - nothing is secret about it
            return Tracing(context, Reason.SAMPLED)
        if context.sampled and depth is None and await self._may(scope, exchange, FACTS):
            return Tracing(context, Reason.SAMPLED)
        return Tracing(context, Reason.SLOW) if self.options.slow is not None else None

    async def _may(self, scope: Scope, exchange: Exchange, depth: int) -> bool:
        """Whether the caller runs this server. An operator's identity is proved here, once for the request; of all others nothing remains.

        In production only an access token that names the operators' role is looked at, so that a stranger's header costs no proof.
        """
        token = dict(scope["headers"]).get(TRACE_TOKEN)
        if token is not None:
            return await self._shows(token, scope, exchange)
        if self.options.production and not names_operator(scope):
            return False
        recording, state = exchange.recording, scope["state"]
        before, known, shallow = len(recording.spans), state.get("identity"), recording.depth
        recording.depth = depth
        with suppress(PellucidError):  # the server is not ready yet
            if await is_proved_operator(Request(scope)):
                return True
        del recording.spans[before:]
        recording.depth, state["identity"] = shallow, known
        return False

    async def _shows(self, token: bytes, scope: Scope, exchange: Exchange) -> bool:
        """Whether a token that came for the trace alone is an operator's. The request stays whoever's it is."""
        headers, state = [(b"authorization", b"Bearer " + token)], {**scope["state"], "identity": None}
        shown = {**scope, "headers": headers, "state": state}
        if self.options.production and not names_operator(shown):
            return False
        before = len(exchange.recording.spans)
        try:
            return await is_proved_operator(Request(shown))
        except PellucidError:  # the server is not ready yet
            return False
        finally:
            del exchange.recording.spans[before:]
