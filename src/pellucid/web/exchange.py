"""One request and its answer, as those who listen see it: the access log, the metrics, the tracer."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from time import perf_counter
from typing import Any, Protocol

from msgspec import Struct, field
from starlette.routing import BaseRoute
from starlette.types import Scope

from pellucid.observe import Recording, Stage

_ORDER = tuple(Stage)

NO_ROUTE = "(none)"
"""The route of a request that matched none; one label for all of them, so that they cannot be told apart by number."""


class Traced(Protocol):
    """That a request is traced (`pellucid.trace.tracing`)."""

    @property
    def told(self) -> str | None:
        """The id of the trace, where whoever asked for it is told so."""
        ...


class Exchange(Struct):
    """One request on its way. ``status`` is 0 until the answer starts; ``seconds``, from the request's arrival, is 0.0 until it is over.

    ``traced`` is what the tracer keeps of it, where it is traced.
    """

    scope: Scope
    request_id: str
    recording: Recording
    status: int = 0
    finished: bool = False
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    settled: Mapping[Stage, float] | None = None
    template: str | None = None
    traced: Traced | None = None

    @property
    def method(self) -> str:
        """The method as it was sent."""
        return str(self.scope["method"])

    @property
    def route(self) -> str:
        """The template that matched, such as ``/{table}/{key}``; never the raw path."""
        return route_template(self.scope) if self.template is None else self.template

    @property
    def role(self) -> str | None:
        """The PostgreSQL role of the caller, where somebody asked for it."""
        identity = self.scope.get("state", {}).get("identity")
        return getattr(identity, "role", None)

    def stages(self) -> Mapping[Stage, float]:
        """Seconds in each stage so far, in the order of `Stage`; `Stage.SERVER` is the time that no other stage accounts for."""
        if self.settled is not None:
            return self.settled
        now = perf_counter()
        named: dict[Stage, float] = {}
        for span in self.recording.spans:
            named[span.stage] = named.get(span.stage, 0.0) + (span.ended or now) - span.started
        named[Stage.SERVER] = max(0.0, now - self.recording.started - sum(named.values()))
        return {stage: named[stage] for stage in _ORDER if stage in named}

    def about(self) -> str:
        """What is asked, in few words: the method and the template that matched."""
        return f"{self.method} {self.route}"

    def settle(self) -> None:
        """It is over: the times stand still."""
        self.seconds = perf_counter() - self.recording.started
        self.settled = self.stages()
        self.template = self.route


Listener = Callable[[Exchange], None]
"""Is told once about each exchange, when it is over. It must be quick and must not raise."""

current: ContextVar[Exchange | None] = ContextVar("pellucid_exchange", default=None)
"""The exchange under way in this context; the log puts its request id on every line."""


def exchange_of(scope: Scope) -> Exchange | None:
    """The exchange that a scope belongs to, or None outside of the stack."""
    exchange: Exchange | None = scope.get("state", {}).get("exchange")
    return exchange


def route_template(scope: Scope) -> str:
    """The template of the route that a scope matched, with the prefixes of routers before it."""
    effective = scope.get("fastapi", {}).get("effective_route_context")
    route = getattr(effective, "starlette_route", None) or effective or scope.get("route") or _plain_route(scope)
    return str(getattr(route, "path_format", None) or NO_ROUTE)


def _plain_route(scope: Scope) -> BaseRoute | None:
    """FastAPI notes which of its own routes matched; of Starlette's plain ones it tells the endpoint alone."""
    endpoint = scope.get("endpoint")
    if endpoint is None or "router" not in scope:
        return None
    return next((route for route in scope["router"].routes if getattr(route, "endpoint", None) is endpoint), None)
