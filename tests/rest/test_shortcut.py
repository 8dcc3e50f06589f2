"""The short way to the data leads nowhere else than the long one."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Mount, NoMatchFound, Route, Router, WebSocketRoute

from pellucid.rest.shortcut import Shortcut


async def endpoint(_: Any) -> Response:
    return Response()


METHODS = ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"]
DATA = [
    Route("/rest/v1", endpoint, methods=METHODS, name="postgrest root"),
    Route("/rest/v1/{table:path}", endpoint, methods=METHODS, name="postgrest table"),
    Route("/{table}", endpoint, methods=METHODS, name="table"),
    Route("/{table}/{key:path}", endpoint, methods=METHODS, name="row"),
]
PATHS = [
    "/", "", "//", "/people", "/people/", "/people/1", "/people/1/2", "/token", "/token/", "/token/1", "/static", "/static/a", "/staticky",
    "/rest", "/rest/", "/rest/v1", "/rest/v1/", "/rest/v1/people", "/rest/v1/rpc/f", "/rest/v1x", "/rest/v2/people", "/peo\nple",
    "/people/1\n", "/people\n", "/about.html", "/about.html/1", "/nested/deep/1", "/late", "people", "/live",
]  # fmt: skip


class Odd(BaseRoute):
    """A route of somebody's own making."""

    def matches(self, scope: Any) -> tuple[Match, Any]:
        return (Match.FULL if scope["path"].endswith("/2") else Match.NONE), {}


def chosen(routes: list[BaseRoute], scope: dict[str, Any]) -> tuple[BaseRoute | None, Any]:
    """The route that a router takes, and the parameters of the path."""
    partial: tuple[BaseRoute | None, Any] = (None, None)
    for route in routes:
        match, child = route.matches(dict(scope))
        found = child.get("route", route) if isinstance(route, Shortcut) else route, child.get("path_params")
        if match is Match.FULL:
            return found
        if match is Match.PARTIAL and partial[0] is None:
            partial = found
    return partial


def own_routes() -> list[list[BaseRoute]]:
    app = FastAPI(openapi_url=None)
    inner = APIRouter()
    inner.get("/deep/{number}")(endpoint)
    app.include_router(inner, prefix="/nested")
    plain: list[BaseRoute] = [
        Route("/", endpoint),
        Route("/token", endpoint, methods=["POST"]),
        Mount("/static", Router()),
        WebSocketRoute("/live", endpoint),
    ]
    return [
        plain,
        [*plain, Route("/{page}.html", endpoint)],
        [*plain, Odd(), *app.router.routes],
        [Route("/{anything}", endpoint, methods=["GET"])],
        [Mount("", Router())],
        [Route("/rest/{rest:path}", endpoint)],
    ]


@pytest.mark.parametrize("own", own_routes(), ids=range(6))
@pytest.mark.parametrize("method", ["GET", "POST", "BREW"])
@pytest.mark.parametrize("root_path", ["", "/rest"])
def test_it_leads_where_the_long_way_leads(own: list[BaseRoute], method: str, root_path: str) -> None:
    routes = [*own, *DATA]
    shortcut = Shortcut(routes, DATA)
    routes.insert(0, shortcut)
    for path in PATHS:
        scope = {"type": "http", "method": method, "path": path, "root_path": root_path, "headers": []}
        assert chosen(routes, scope) == chosen(routes[1:], scope), path


def test_it_is_taken_for_names_that_nobody_else_has() -> None:
    routes: list[BaseRoute] = [Route("/token", endpoint), *DATA]
    shortcut = Shortcut(routes, DATA)
    routes.insert(0, shortcut)
    taken = [path for path in PATHS if shortcut.matches(asked(path))[0] is Match.FULL]
    assert {"/people", "/people/1", "/rest/v1", "/rest/v1/people", "/about.html"} <= set(taken)
    assert not {"/", "//", "/token", "/token/1", "/people\n"} & set(taken)


def test_routes_that_come_later_and_tracers_are_heeded() -> None:
    routes: list[BaseRoute] = [*DATA]
    shortcut = Shortcut(routes, DATA)
    routes.insert(0, shortcut)
    assert shortcut.matches(asked("/late"))[0] is Match.FULL
    assert shortcut.matches(asked("/late") | {"fastapi.telemetry": object()})[0] is Match.NONE
    routes.insert(1, Route("/late", endpoint))
    assert shortcut.matches(asked("/late"))[0] is Match.NONE
    assert shortcut.matches(asked("/early"))[1]["route"] is DATA[2]
    with pytest.raises(NoMatchFound):
        shortcut.url_path_for("table", table="people")


def asked(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": path, "headers": []}
