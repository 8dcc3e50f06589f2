"""Where the data API hangs: ``/{table}``, ``/{table}/{key}`` and ``/rest/v1/{table}``."""

from collections.abc import Mapping
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from pellucid.database.capabilities import Feature
from pellucid.database.catalog.model import Function
from pellucid.errors import MalformedQuery, MethodNotAllowed, RequestError, UnknownRoute
from pellucid.observe import Stage, observe
from pellucid.rest.api import DataApi
from pellucid.rest.grammar.bodies import Payload, json_payload
from pellucid.rest.pipeline import answer
from pellucid.rest.plan.build import allowed
from pellucid.rest.profile import NATIVE, POSTGREST, Profile
from pellucid.rest.repeat import Way, learn
from pellucid.rest.request import Envelope, Method, RestRequest
from pellucid.rest.result import VARY
from pellucid.rest.root import check_root, root
from pellucid.rest.shape import Shape, shape_of
from pellucid.rest.shortcut import Shortcut
from pellucid.rest.target import context_of, find_target, parsed
from pellucid.web.identity import Identity, current_identity
from pellucid.web.memory import FAULT, LEARNT, WANTED

POSTGREST_PREFIX = POSTGREST.prefix
_METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
MOST_KEYS = 64
"""How many keys a body may have that is remembered."""
_NAMES = ("postgrest root", "postgrest table", "table", "row")


def add_data_routes(routes: list[BaseRoute], api: DataApi) -> None:
    """Add the routes of the data API. They match any name, so they belong behind all others; a `Shortcut` to them goes in front."""
    places = (
        (POSTGREST_PREFIX, POSTGREST),
        (f"{POSTGREST_PREFIX}/{{table:path}}", POSTGREST),
        ("/{table}", NATIVE),
        ("/{table}/{key:path}", NATIVE),
    )
    shortcut = Shortcut(routes)
    shortcut.lead_to(
        Route(path, _Endpoint(api, profile, shortcut), methods=_METHODS, name=name)
        for name, (path, profile) in zip(_NAMES, places, strict=True)
    )
    routes.insert(0, shortcut)
    routes.extend(shortcut.data.values())


class Reader:
    """Looks at requests, for those that come again. It fills `pellucid.web.memory.Reader`."""

    def likeness(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Shape | None:
        """What a request is like; None for one that takes the usual way."""
        return shape_of(scope, headers)

    def payload(self, content: bytes) -> tuple[tuple[str, ...], Payload] | None:
        """The one row of a body, and its keys."""
        try:
            payload = json_payload(content, helpful=False)
        except RequestError:
            return None
        if payload.listed or len(payload.rows[0]) > MOST_KEYS:
            return None
        return tuple(payload.rows[0]), payload


class _Endpoint:
    """Answers the requests of one profile (ASGI)."""

    def __init__(self, api: DataApi, profile: Profile, shortcut: Shortcut) -> None:
        self.api = api
        self.profile = profile
        self.shortcut = shortcut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        api, profile, scope = self.api, self.profile, request.scope
        if FAULT in scope:
            raise scope[FAULT]
        api.database.capabilities.require(Feature.DATA_API)
        if profile is NATIVE:
            _check_name(api, request)
        identity = await current_identity(request)
        with observe(Stage.PARSE):
            envelope = await _envelope(request, profile.prefix)
        if envelope.path in ((), ("",)):
            check_root(api)
            asked = parsed(envelope, profile, api.options)
            if asked.reads and not asked.call:
                return await root(api, request, asked, identity)
        if request.method == "OPTIONS":
            return _methods(api, envelope, profile, identity)
        catalog = api.database.catalog
        response = await answer(api, envelope, profile, identity)
        if WANTED in scope and self.shortcut.takes(scope) and api.database.catalog is catalog:
            way = Way(self.shortcut.routes, len(self.shortcut.routes))
            with observe(Stage.PLAN, learns=True):
                scope[LEARNT] = learn(api, envelope, profile, identity, shape=scope[WANTED].likeness, way=way)
        return response


def _methods(api: DataApi, envelope: Envelope, profile: Profile, identity: Identity) -> Response:
    """What there is at this path (RFC 9110, 9.3.7)."""
    asked = parsed(envelope, profile, api.options)
    headers = {"Allow": _allowed(api, asked, identity), "Vary": VARY}
    return Response(headers=headers)


def _allowed(api: DataApi, asked: RestRequest, identity: Identity) -> str:
    if asked.root and not asked.call:
        return "OPTIONS,GET,HEAD"
    guarded = api.grower is None
    target = find_target(asked, context_of(api.database.catalog, asked.profile, identity, api.options, guarded=guarded))
    if isinstance(target, Function):
        return "OPTIONS,POST" if target.volatility == "volatile" else "OPTIONS,GET,HEAD,POST"
    return allowed(target, asked)


def _check_name(api: DataApi, request: Request) -> None:
    """Keep names that other routes own: a table of such a name would answer some methods, and another route the rest."""
    name = request.path_params["table"]
    if name not in api.reserved:
        return
    hint = f"/docs lists what is here. A table named {name} is at {POSTGREST_PREFIX}/{name}."
    if methods := _others(request):
        headers = {"Allow": ", ".join(methods)}
        raise MethodNotAllowed(f"{request.method} is not for {request.url.path}.", hint=hint, headers=headers)
    raise UnknownRoute(f"Nothing is at {request.url.path}.", hint=hint)


def _others(request: Request) -> list[str]:
    """The methods that other routes have at this path."""
    routes = [
        route
        for route in request.app.routes
        if not isinstance(route, Shortcut) and getattr(route, "name", None) not in _NAMES
    ]
    probes = {method: {**request.scope, "method": method} for method in _METHODS}
    return [
        method for method, probe in probes.items() if any(route.matches(probe)[0] is Match.FULL for route in routes)
    ]


async def _envelope(request: Request, prefix: str) -> Envelope:
    scope = request.scope
    return Envelope(
        method=cast("Method", scope["method"]),
        path=_path(scope, prefix),
        query=_query(scope),
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
        body=await request.body() if scope["method"] in ("POST", "PATCH", "PUT") else b"",
    )


def _query(scope: Scope) -> str:
    try:
        return str(scope["query_string"], "utf-8")
    except UnicodeDecodeError:
        raise MalformedQuery("The query is not UTF-8.", hint="Percent-encode it as UTF-8.") from None


def _path(scope: Scope, prefix: str) -> tuple[str, ...]:
    """The path as it was sent: a slash or a comma inside a key comes percent-encoded and must stay apart from a bare one."""
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1").removeprefix(scope.get("root_path", "")).removeprefix(prefix)
    return tuple(path[1:].split("/", 1))
