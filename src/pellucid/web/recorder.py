"""The outermost layer: a name for every request, a recording of its stages, and word to those who listen when it is over."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pellucid.observe import Fact, Span, Stage, listen, observe, unlisten
from pellucid.web.exchange import Exchange, Listener, current
from pellucid.web.names import new_name
from pellucid.web.options import WebOptions
from pellucid.web.style import ErrorStyle, style_of

_log = logging.getLogger("pellucid.web")

_WELL_FORMED = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,127}")
REQUEST_ID = b"x-request-id"
TRACE = b"pellucid-trace"
"""Asks for a trace, and in the answer names it."""

TRACE_TOKEN = b"pellucid-trace-token"
"""Proves beside the request's own credentials that whoever asks for a trace may have it."""

CLIENT_GONE = 499
"""The status that logs and metrics show when the client left before its answer began. Nobody receives it."""


class Recorder:
    """Gives each request an id, records its stages, adds ``X-Request-Id`` and, if wanted, ``Server-Timing`` to the answer.

    A well-formed incoming ``X-Request-Id`` is kept, so that one name follows a request through proxies. The context variables and the
    request's state are set afresh for each request, whatever a server left in them, and the former are taken back after it.
    """

    def __init__(self, app: ASGIApp, *, options: WebOptions, listeners: Sequence[Listener] = ()) -> None:
        self.app = app
        self.listeners = tuple(listeners)
        self.look = _Look(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        recording, listening = listen()
        exchange = Exchange(scope, request_id_of(scope), recording)
        recording.about = exchange.about
        scope["state"] = {**scope.get("state", {}), "exchange": exchange, "identity": None}
        being = current.set(exchange)
        try:
            await self.app(scope, receive, _Stamp(exchange, send, self.look))
        finally:
            self._tell(exchange)
            current.reset(being)
            unlisten(listening)

    def _tell(self, exchange: Exchange) -> None:
        exchange.status = exchange.status or CLIENT_GONE
        exchange.settle()
        tell(exchange, self.listeners)


def tell(exchange: Exchange, listeners: Sequence[Listener]) -> None:
    """Tell those who listen of an exchange that is over."""
    for listener in listeners:
        try:
            listener(exchange)
        except Exception:  # noqa: BLE001 - one that fails must not silence the others, nor the answer
            _log.exception("a listener failed")


def timing_of(options: WebOptions) -> Callable[[Exchange], str] | None:
    """How answers tell where their time went; None where they do not."""

    def timing(exchange: Exchange) -> str:
        style = style_of(exchange.scope, options.postgrest_prefixes)
        return server_timing(exchange, _POSTGREST_STAGES if style is ErrorStyle.POSTGREST else {})

    return timing if options.shows_timing else None


class _Look:
    """Which headers are added to an answer; worked out once."""

    def __init__(self, options: WebOptions) -> None:
        self.traced = (options.trace_header or "").lower().encode()
        self.named = self.traced != REQUEST_ID
        self.timing = timing_of(options)

    def headers(self, exchange: Exchange) -> list[tuple[bytes, bytes]]:
        headers = [(REQUEST_ID, exchange.request_id.encode())] if self.named else []
        if self.traced:
            headers.append((self.traced, dict(exchange.scope["headers"]).get(self.traced, b"")))
        if self.timing is not None:
            headers.append((b"server-timing", self.timing(exchange).encode()))
        if exchange.traced is not None and exchange.traced.told:
            headers.append((TRACE, exchange.traced.told.encode()))
        return headers


class _Stamp:
    """The way out: notes how the answer goes, and adds the headers that tell of it."""

    __slots__ = ("exchange", "look", "responding", "send", "size")

    def __init__(self, exchange: Exchange, send: Send, look: _Look) -> None:
        self.exchange = exchange
        self.send = send
        self.look = look
        self.responding: Span | None = None
        self.size = 0

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._start(message)
        await self.send(message)
        if kind == "http.response.body":
            self.size += len(message.get("body", b""))
            if not message.get("more_body", False):
                self._finish()

    def _start(self, message: Message) -> None:
        exchange = self.exchange
        exchange.status = message["status"]
        message["headers"] = [*message.get("headers", ()), *self.look.headers(exchange)]
        self.responding = observe(Stage.RESPOND)
        if self.responding.depth:
            self.responding.note(**_head_facts(message))

    def _finish(self) -> None:
        self.exchange.finished = True
        if self.responding is not None:
            self.responding.ended = perf_counter()
            if self.responding.depth:
                self.responding.note(body_bytes=self.size)


def _head_facts(message: Message) -> dict[str, Fact]:
    """What the head of an answer tells of it."""
    headers = message["headers"]
    facts: dict[str, Fact] = {
        "status": message["status"],
        "headers": len(headers),
        "header_bytes": sum([len(name) + len(value) + 4 for name, value in headers]),
    }
    named = dict(headers)
    for fact, name in (("media_type", b"content-type"), ("compression", b"content-encoding")):
        if name in named:
            facts[fact] = named[name].decode("latin-1")
    return facts


def request_id_of(scope: Scope) -> str:
    """The id that came with the request where it is well formed (8 to 128 letters, digits, ``.``, ``_``, ``-``), else a new one."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID:
            return value.decode() if _WELL_FORMED.fullmatch(value) else new_name()
    return new_name()


_POSTGREST_STAGES: Mapping[str, tuple[Stage, ...]] = {
    "jwt": (Stage.IDENTITY,),
    "parse": (Stage.PARSE,),
    "plan": (Stage.VALIDATE, Stage.PLAN),
    "transaction": (Stage.POOL, Stage.SESSION, Stage.EXECUTE, Stage.COMMIT),
    "response": (Stage.RESPOND,),
}
"""PostgREST's names for parts of the way, and what of ours is in each."""


def server_timing(exchange: Exchange, others: Mapping[str, tuple[Stage, ...]] | None = None) -> str:
    """The stages up to now, in milliseconds, as the header says them (W3C Server Timing).

    Args:
        exchange: the request.
        others: other names, each for several stages, that stand in front; of ours those follow that are not among these names.
    """
    stages, others = exchange.stages(), others or {}
    renamed = {name: sum(stages.get(stage, 0.0) for stage in parts) for name, parts in others.items()}
    own = {str(stage): seconds for stage, seconds in stages.items() if str(stage) not in others}
    parts = [f"{name};dur={seconds * 1000:.3f}" for name, seconds in {**renamed, **own}.items()]
    return ", ".join([*parts, f"total;dur={sum(stages.values()) * 1000:.3f}"])
