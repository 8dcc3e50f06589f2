"""The short way to the data: past the routes that certainly do not match."""

from collections.abc import Iterable, Sequence

from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, Mount, NoMatchFound, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from pellucid.rest.profile import POSTGREST

_BY_PATH = frozenset(kind.matches for kind in (APIRoute, APIWebSocketRoute, Mount, Route, WebSocketRoute))
"""How routes match that match nothing but what their path says."""

_FIRST, _, _REST = POSTGREST.prefix[1:].partition("/")


class Shortcut(BaseRoute):
    """The first of all routes. It takes what the routes of the data API would take in the end, at the end of a long row.

    A router asks one route after the other, and those of the data API match any name and come last. Here a request goes straight to
    them if no route in between can want it: its path begins with another name than all of theirs, and those that have no fixed
    beginning have been asked. In all other cases this route does not match, and everything goes its usual way.
    """

    def __init__(self, routes: Sequence[BaseRoute], data: Iterable[Route] = ()) -> None:
        """Make one, for the front of the routes.

        Args:
            routes: the router's own list; what is added to it later counts too.
            data: the routes of the data API, by name.
        """
        self.routes = routes
        self.data: dict[str, Route] = {}
        self.lead_to(data)
        self._seen: list[BaseRoute] = []
        self._taken: frozenset[str] = frozenset()
        self._uncertain: tuple[BaseRoute, ...] = ()

    def lead_to(self, data: Iterable[Route]) -> None:
        """Lead to these routes of the data API."""
        self.data |= {route.name: route for route in data}

    def takes(self, scope: Scope) -> bool:
        """Whether a request of such a path comes here whatever its values are: no route of somebody else's can want it."""
        return _is_simple(scope) and self._route(scope) is not None and not self._uncertain

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match what is certainly for the data API."""
        route = self._route(scope) if _is_simple(scope) else None
        if route is None or any(other.matches(scope)[0] is not Match.NONE for other in self._uncertain):
            return Match.NONE, {}
        match, child_scope = route.matches(scope)
        return (match, {**child_scope, "route": route}) if match is Match.FULL else (Match.NONE, {})

    def _route(self, scope: Scope) -> Route | None:
        """The route of the data API for a path whose first part nobody else has taken."""
        if self._seen != self.routes:
            self._look_around()
        first, slash, rest = scope["path"][1:].partition("/")
        if first in self._taken:
            return None
        if first == _FIRST and rest.partition("/")[0] == _REST:
            return self.data["postgrest table" if "/" in rest else "postgrest root"]
        return self.data["row" if slash else "table"]

    def _look_around(self) -> None:
        self._seen = list(self.routes)
        passed = {id(route) for route in (self, *self.data.values())}
        others = [(route, _beginning(route)) for route in self._seen if id(route) not in passed]
        self._taken = frozenset({"", *(first for _, first in others if first is not None)})
        self._uncertain = tuple(route for route, first in others if first is None)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that matched."""
        await scope["route"].handle(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """Name no path: the routes themselves do."""
        raise NoMatchFound(name, dict(path_params))


def _is_simple(scope: Scope) -> bool:
    """Whether a path means here what it says: a prefix, a line break or a tracer in the way are for the router."""
    return (
        scope["type"] == "http"
        and not scope.get("root_path")
        and scope.get("fastapi.telemetry") is None
        and scope["path"][:1] == "/"
        and "\n" not in scope["path"]
    )


def _beginning(route: BaseRoute) -> str | None:
    """The first part of all paths that a route matches, None where it can be anything."""
    if type(route).matches not in _BY_PATH:
        return None
    first = str(getattr(route, "path", "")).split("/")[1:2]
    return first[0] if first and "{" not in first[0] else None
