"""An exchange that is over, as a trace."""

import os
import time
from collections.abc import Mapping
from time import perf_counter

from pellucid.observe import Fact, Span, Stage
from pellucid.server.arrival import ARRIVAL, Arrival
from pellucid.trace.document import Row, Statement, Trace
from pellucid.trace.proxies import UNTIMED, Believed, facts_of
from pellucid.trace.rows import Marks, rows_of
from pellucid.trace.tracing import Tracing
from pellucid.trace.witness.slow import SlowPlans
from pellucid.web.access import shown_path
from pellucid.web.exchange import Exchange


def assemble(exchange: Exchange, tracing: Tracing, believed: Believed, slow: SlowPlans | None = None) -> Trace:
    """Make a trace. Nothing in it is masked yet (`pellucid.trace.masking`), and nothing judged (`pellucid.trace.verdict`).

    Args:
        exchange: the request, which is over.
        tracing: what was noted on its way.
        believed: the proxies whose headers are believed.
        slow: has heard the plans of slow statements, where that was asked for.
    """
    rows, seconds, left = _rows(exchange, tracing)
    started = time.time() - (perf_counter() - _arrived(exchange))
    proxy = _proxy(exchange, believed, started)
    if proxy is not None:
        rows = (proxy, *(Row(row.stage, row.start + proxy.seconds, row.seconds, row.facts) for row in rows))
        seconds, started = seconds + proxy.seconds, started - proxy.seconds
    looking = tracing.looking
    identity = exchange.scope.get("state", {}).get("identity")
    user = getattr(identity, "user_id", None)
    return Trace(
        id=tracing.context.trace,
        span=tracing.context.span,
        parent=tracing.context.parent,
        request_id=exchange.request_id,
        reason=tracing.reason,
        method=exchange.method,
        target=shown_path(exchange),
        route=exchange.route,
        status=exchange.status,
        role=exchange.role,
        user=None if user is None else str(user),
        worker=os.getpid(),
        started=started,
        seconds=seconds,
        unaccounted=left,
        rows=rows,
        statements=tuple(looking.statements) if looking is not None else _slow(exchange, slow),
        commits=tuple(looking.commits) if looking is not None else (),
        missing=tuple(looking.missing) if looking is not None else (),
    )


def ended_at(exchange: Exchange) -> float:
    """When the answer was given, by `time.perf_counter`. What a route leaves to be done in the background is no part of its request."""
    over = exchange.recording.started + exchange.seconds
    if exchange.finished:
        for span in reversed(exchange.recording.spans):
            if span.stage is Stage.RESPOND and span.ended is not None and "header_bytes" in span.facts:
                return span.ended
    return over


def _slow(exchange: Exchange, slow: SlowPlans | None) -> tuple[Statement, ...]:
    """The plans of its slow statements: those that its connections were heard to tell while it had them, and not before or after."""
    if slow is None:
        return ()
    ended = ended_at(exchange)
    had = [each for span in exchange.recording.spans if (each := _had(span, ended)) is not None]
    return tuple(statement for stretch in had for statement in slow.between(*stretch))


def _had(span: Span, ended: float) -> tuple[int, float, float, str] | None:
    """The connection that a stay brought, and from when to when it was in hand; of a shared call, while the call had it, and what was this
    request's own in it."""
    shared = span.stage is not Stage.POOL
    backend, held, lent = (span.facts.get(name) for name in (_SHARED if shared else _OWN))
    since = span.ended
    if shared:
        since = span.started + lent if isinstance(lent, float) else None
    if not isinstance(backend, int) or since is None:
        return None
    own = str(span.facts.get("sql", "")) if shared else ""
    return backend, since, min(since + held, ended) if isinstance(held, float) else ended, own


_OWN, _SHARED = ("backend", "held", ""), ("pool_backend", "pool_held", "lent")


def _rows(exchange: Exchange, tracing: Tracing) -> tuple[tuple[Row, ...], float, float]:
    """The rows, the seconds that they lie in, and those that no row explains."""
    recording = exchange.recording
    if not recording.spans and exchange.settled is not None and tracing.left is None:
        return _settled(exchange)
    ended = ended_at(exchange)
    spans = [span for span in recording.spans if span.started < ended]
    came: Arrival | None = exchange.scope.get(ARRIVAL)
    arrived = _arrived(exchange)
    own = all(span.stage is not Stage.PARSE for span in spans)
    answered = tracing.answered or tracing.left
    marks = Marks(arrived, recording.started, tracing.entered or None, answered, ended, own)
    rows, left = rows_of(marks, spans, _arrival(exchange, tracing, came))
    return rows, ended - arrived, left


def _arrived(exchange: Exchange) -> float:
    """When the request was there, by `time.perf_counter`."""
    came: Arrival | None = exchange.scope.get(ARRIVAL)
    return exchange.recording.started if came is None else min(came[0], exchange.recording.started)


def _settled(exchange: Exchange) -> tuple[tuple[Row, ...], float, float]:
    """Of a request that went the short way only sums are known: it was looked at, asked again, and answered."""
    rows, at = [], 0.0
    for stage, seconds in exchange.stages().items():
        rows.append(Row(stage, at, seconds, {"part": "short way"} if stage is Stage.SERVER else {}))
        at += seconds
    return tuple(rows), exchange.seconds, max(0.0, exchange.seconds - at)


def _arrival(exchange: Exchange, tracing: Tracing, came: Arrival | None) -> dict[str, Fact]:
    scope = exchange.scope
    facts: dict[str, Fact] = {
        "protocol": f"HTTP/{scope.get('http_version', '1.1')}",
        "scheme": str(scope.get("scheme", "http")),
    }
    if came is not None:
        facts |= {"request_of_connection": came[1], "connection_reused": came[1] > 1}
    if tracing.pause is not None:
        facts["loop_turn"] = tracing.pause
    if tracing.late:
        facts["loop_late"] = tracing.late
    if tracing.siblings > 1:
        facts |= {"siblings": tracing.siblings, "listed": tracing.listed}
    return facts


def _proxy(exchange: Exchange, believed: Believed, began: float) -> Row | None:
    """The time in the proxy and on the way from it, by its own clock; None where there is no proxy that is believed."""
    came: Arrival | None = exchange.scope.get(ARRIVAL)
    peer = came[2][0] if came is not None and came[2] is not None else None
    if peer is None or peer not in believed:
        return None
    headers: Mapping[bytes, bytes] = dict(exchange.scope["headers"])
    at, facts = facts_of(headers)
    if at is None and not facts:
        return None
    if at is None:
        return Row(Stage.PROXY, 0.0, 0.0, {"address": peer, **facts, "time": UNTIMED})
    return Row(Stage.PROXY, 0.0, max(0.0, began - at), {"address": peer, **facts})
