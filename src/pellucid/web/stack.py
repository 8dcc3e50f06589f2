"""All of the web room around an application, in the one right order."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exception_handlers import http_exception_handler, request_validation_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from pellucid.web import docs, error_pages, health, metrics, pages, welcome
from pellucid.web.access import log_access
from pellucid.web.catcher import Catcher, Problems
from pellucid.web.cross_origin import LOOPBACK_ORIGIN, CrossOriginRules
from pellucid.web.exchange import Listener
from pellucid.web.hosts import ANY, LOCAL, HostGuard
from pellucid.web.limits import Limiter
from pellucid.web.operators import require_operator
from pellucid.web.options import WebOptions
from pellucid.web.origins import OriginGuard
from pellucid.web.recorder import Recorder
from pellucid.web.resources import resources_of
from pellucid.web.security import SecurityHeaders


def install(app: FastAPI, options: WebOptions, listeners: Sequence[Listener] = ()) -> Sequence[Listener]:
    """Put the web room around an application. Call it once, before the application serves, and before routes that match any name.

    Args:
        app: gets the layers (outside of those it has already), the handlers of errors, and the routes ``/``, ``/docs``,
            ``/health/…`` and ``/metrics``. What it already has of these stays in front.
        options: what to do and what not.
        listeners: told about each exchange, beside the access log and the metrics.

    Returns:
        all who are told.
    """
    counters = metrics.Metrics()
    problems = Problems(options.postgrest_prefixes, production=options.production, verbose=options.verbose_errors)
    heard = [counters.count, *([log_access] if options.access_log else []), *listeners]
    for layer in reversed(_layers(options, problems, heard)):
        app.add_middleware(layer.cls, *layer.args, **layer.kwargs)
    _handle_errors(app, problems)
    _settle_at_the_end(app, counters)
    for router in (
        welcome.router,
        docs.router,
        error_pages.router,
        pages.router,
        health.router,
        _metrics_route(counters),
    ):
        # Taken one by one: FastAPI searches a router that was included twice, and slowly, for every request that it is not for.
        app.router.routes.extend(router.routes)
    return heard


def _layers(options: WebOptions, problems: Problems, listeners: Sequence[Listener]) -> list[Middleware]:
    """From the outside in. Every answer gets an id, the headers of security and those of CORS, also where it is an error."""
    return [
        Middleware(Recorder, options=options, listeners=listeners),
        Middleware(SecurityHeaders, production=options.production),
        Middleware(CrossOriginRules, options=options),
        Middleware(Catcher, problems=problems),
        Middleware(HostGuard, allowed=_hosts(options), addresses=not options.allowed_hosts),
        *_same_origin(options),
        Middleware(Limiter, limits=options.limits),
    ]


def _same_origin(options: WebOptions) -> list[Middleware]:
    """In development everybody who reaches the server may write; in production a token has to say who asks, and pages have none."""
    if options.production:
        return []
    return [Middleware(OriginGuard, allowed=options.cross_origin.origins, pattern=LOOPBACK_ORIGIN)]


def _hosts(options: WebOptions) -> tuple[str, ...]:
    return options.allowed_hosts or (ANY if options.production else LOCAL)


def _handle_errors(app: FastAPI, problems: Problems) -> None:
    """Replace FastAPI's own handlers, and leave those that somebody chose."""
    for kind, original in (
        (HTTPException, http_exception_handler),
        (RequestValidationError, request_validation_exception_handler),
    ):
        if app.exception_handlers.get(kind) in (None, original):
            app.add_exception_handler(kind, problems.handle)


def _settle_at_the_end(app: FastAPI, counters: metrics.Metrics) -> None:
    own = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        try:
            async with own(app) as state:
                yield state
        finally:
            counters.settle()

    app.router.lifespan_context = lifespan


def _metrics_route(counters: metrics.Metrics) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/metrics", dependencies=[Depends(require_operator)])
    def prometheus(request: Request) -> Response:
        """Everything counted, for those who run the server (`pellucid.web.operators`)."""
        return Response(counters.text(resources_of(request)), media_type=metrics.CONTENT_TYPE)

    return router
