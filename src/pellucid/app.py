"""The composition root: settings to resources to an ASGI application. The only file that sees every room."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from msgspec import Struct
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from pellucid import version
from pellucid.auth import routes as accounts_routes
from pellucid.auth.gotrue.routes import routes as supabase_routes
from pellucid.auth.hooks import Hooks
from pellucid.auth.identifier import BearerIdentifier
from pellucid.auth.keywatch import KeyWatch
from pellucid.auth.messenger import Messenger
from pellucid.auth.passwords import PasswordOptions, Passwords
from pellucid.auth.service import Accounts
from pellucid.auth.tokens import open_tokens
from pellucid.auth.trusted import open_keys
from pellucid.database.capabilities import Capabilities
from pellucid.database.core import Database
from pellucid.errors import StartupError
from pellucid.lifecycle import Stack
from pellucid.rest.api import DataApi
from pellucid.rest.develop import Grower
from pellucid.rest.openapi.document import describe, merge
from pellucid.rest.openapi.kept import Documents
from pellucid.rest.routes import POSTGREST_PREFIX, Reader, add_data_routes
from pellucid.rest.share import Share
from pellucid.rest.validate import ModelCache
from pellucid.server.reply import ShortWay
from pellucid.settings import Settings
from pellucid.trace.history import historian_of
from pellucid.trace.layer import TraceLayer
from pellucid.trace.looking import slow_plans, telling, tracer_of
from pellucid.trace.routes import trace_routes
from pellucid.trace.tracer import Tracer
from pellucid.web.described import PROBLEM_RESPONSE
from pellucid.web.exchange import Listener
from pellucid.web.identity import current_identity
from pellucid.web.memory import Memory
from pellucid.web.resources import Resources
from pellucid.web.stack import install

Front = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
"""An application as its server sees it (ASGI 3)."""

EVERYBODY = "service_role"
"""The role whose view shows every table; what development shows."""


class Deployment(Struct, frozen=True):
    """What was found out before the workers began: where the database is, what can be done there, and what should not be."""

    dsn: str
    admin_dsn: str | None
    capabilities: Capabilities
    cautions: tuple[str, ...] = ()


class Pellucid(FastAPI):
    """A FastAPI application with a database behind it: routers, dependencies and middleware as usual.

    What Pellucid generates is added when it is served, behind the application's own routes, so that these win.
    """

    def __init__(self, *, title: str = "Pellucid", version: str = version.VERSION, **options: Any) -> None:
        """Take FastAPI's own arguments; the documentation is Pellucid's own and answers at ``/docs`` and ``/openapi.json``."""
        options["responses"] = {"default": PROBLEM_RESPONSE} | (options.get("responses") or {})
        super().__init__(
            title=title,
            version=version,
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            **options,
        )
        self.data: DataApi | None = None
        self.front: Front = super().__call__
        self.short_way: ShortWay | None = None
        self.hooks = Hooks()
        """What to call around sign-up and sign-in, and for the claims of tokens (`pellucid.auth.hooks`)."""
        self.messenger: Messenger | None = None
        """What sends text messages (`pellucid.auth.messenger`). Without it they are on the inbox page, or in production are not sent."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Serve one request (ASGI)."""
        return self.front(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The whole API as OpenAPI 3.1, with every table."""
        return self.openapi_for(EVERYBODY)

    def openapi_for(self, role: str) -> dict[str, Any]:
        """The API as far as a role may use it."""
        own = super().openapi()
        if self.data is None:
            return own
        data = self.data
        tables = describe(
            data.database.catalog,
            role,
            reserved=data.reserved,
            guarded=data.grower is None,
            anonymous=bool(data.database.options.anon_role),
        )
        return merge(own, tables)


def create(application: Pellucid | None, settings: Settings, deployment: Deployment) -> Pellucid:
    """Put an application together; it starts and stops its resources with its lifespan.

    Args:
        application: the user's own; None for one that has nothing of its own.
        settings: what was chosen.
        deployment: what was found.

    Raises:
        StartupError: a key or a secret is missing or not fit, or the application has been put together before.
    """
    application = application or Pellucid()
    if application.data is not None:
        raise StartupError("This application is being served already.", hint="Make one Pellucid() for each server.")
    tracing = settings.trace()
    slow = slow_plans(tracing, deployment.capabilities)
    database = Database(telling(settings.database(deployment.dsn, deployment.admin_dsn), slow), deployment.capabilities)
    tracer = application.state.tracer = tracer_of(database, tracing, slow, deployment.admin_dsn)
    tokens = open_tokens(settings.tokens(), settings.keys())
    passwords = Passwords(PasswordOptions(calibrated=settings.production))
    accounts = Accounts(
        database, passwords, tokens, settings.accounts(), application.hooks, messenger=application.messenger
    )
    keys = partial(open_keys, settings.tokens().secret, settings.keys())
    watch = KeyWatch(settings.keys().path, keys, accounts.use_keys)
    identifier = BearerIdentifier(
        tokens,
        lambda: database.catalog.roles,
        settings.anon_role,
        revocations=accounts.revocations,
        proofs=accounts.proofs,
    )
    application.state.pellucid = Resources(database, identifier, settings.production)
    application.state.accounts = accounts
    claimed, own = first_segments(application.routes), len(application.routes)
    own_layers = bool(application.user_middleware)
    web = settings.web()
    listeners = install(application, web, [tracer.listen])
    application.user_middleware.append(Middleware(TraceLayer, tracer=tracer))
    # FastAPI searches an included router anew for each request that goes past it; plain routes cost nothing.
    application.router.routes.extend(accounts_routes.router.routes)
    application.router.routes.extend(supabase_routes())
    application.router.routes.extend(trace_routes(tracer.store).routes)
    application.router.routes.extend(_documents(application, production=settings.production).routes)
    application.data = DataApi(
        database,
        settings.data_api(),
        grower=None if settings.production else Grower(database, claimed),
        models=ModelCache(),
        reserved=first_segments(application.routes[own:]) | {POSTGREST_PREFIX.split("/")[1]},
        share=Share(database) if settings.share else None,
    )
    add_data_routes(application.router.routes, application.data)
    if application.data.share and not own_layers and not web.trace_header:
        heard = _of_untraced(listeners, tracer)
        memory = Memory(application.front, Reader(), identifier.known, listeners=heard, options=web)
        application.front, application.short_way = memory, memory.take
    parts = [each for each in (historian_of(database, deployment.admin_dsn), application.data.share) if each]
    _live_with(application, Stack(tracer, database, accounts.life, watch, *parts))
    return application


def _of_untraced(listeners: Sequence[Listener], tracer: Tracer) -> Sequence[Listener]:
    """Those who have something to hear of requests that nobody wants to be traced; the tracer only where it traces unasked."""
    return listeners if tracer.options.always else [each for each in listeners if each != tracer.listen]


def _documents(application: Pellucid, *, production: bool) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    documents = Documents()

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        """Describe the API: in development all of it, in production what the caller may use."""
        role = (await current_identity(request)).role if production else EVERYBODY
        version = application.data.database.catalog.version if application.data else None
        document = await documents.of(version, role, partial(application.openapi_for, role))
        headers = {"ETag": document.tag, "Cache-Control": "private, no-cache"}
        if document.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(document.content, media_type="application/json", headers=headers)

    return router


def first_segments(routes: Iterable[BaseRoute]) -> frozenset[str]:
    """The first part of every path that these routes answer: names that no table has in the native profile."""
    return frozenset(str(getattr(route, "path", "/")).split("/")[1] for route in routes) - {""}


def _live_with(application: Pellucid, resources: Stack) -> None:
    """Start the resources before the application's own lifespan, and stop it after."""
    own = application.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with resources, own(app) as state:
            yield state

    application.router.lifespan_context = lifespan
