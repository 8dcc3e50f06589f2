"""``GET /traces`` and ``GET /traces/{id}``: what was traced, for those who run the server. To everybody else there is nothing here."""

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from pellucid.errors import UnknownRoute
from pellucid.later import later
from pellucid.trace.document import Reason
from pellucid.trace.store import TraceStore, Wanted
from pellucid.web.operators import is_proved_operator

if TYPE_CHECKING:
    from pellucid.trace import showing
else:
    showing = later("pellucid.trace.showing")

_PATIENCE = 40
"""How often a trace is looked for that is not there yet: its request has just been answered, and it is still being written."""
_PAUSE = 0.05
_MOST = 500
_UNSTORED = {"Cache-Control": "no-store"}
_DRAWN = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""A picture has its style in itself, and nothing else."""


class Shown(StrEnum):
    """How a trace can be shown."""

    JSON = "json"
    TEXT = "text"
    SVG = "svg"


def trace_routes(store: TraceStore) -> APIRouter:
    """The routes that show what a store keeps."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(_require)])

    @router.get("/traces")
    async def traces(
        route: Annotated[str | None, Query(max_length=500)] = None,
        status: Annotated[int | None, Query(ge=100, le=999)] = None,
        min_ms: Annotated[float, Query(ge=0.0)] = 0.0,
        reason: Reason | None = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
    ) -> Response:
        """List the newest traces: of a route, with a status, that took so many milliseconds, or were made for a reason."""
        wanted = Wanted(route, status, min_ms / 1000, None if reason is None else reason.value, limit)
        return JSONResponse(await asyncio.to_thread(store.find, wanted), headers=_UNSTORED)

    @router.get("/traces/{name}")
    async def trace(
        request: Request, name: str, shown_as: Annotated[Shown | None, Query(alias="as")] = None
    ) -> Response:
        """Show one trace: as JSON, or for people as text or as a picture."""
        content = await _found(store, name)
        if content is None:
            raise _nothing(request)
        match shown_as or _wanted(request.headers.get("accept", "")):
            case Shown.TEXT:
                return PlainTextResponse(await asyncio.to_thread(showing.as_text, content), headers=_UNSTORED)
            case Shown.SVG:
                drawn = await asyncio.to_thread(showing.as_picture, content)
                return Response(drawn, media_type="image/svg+xml", headers=_UNSTORED | _DRAWN)
            case _:
                return Response(content, media_type="application/json", headers=_UNSTORED)

    return router


def _wanted(accept: str) -> Shown:
    """What the client likes best, of text and pictures; a browser that would take anything gets JSON."""
    first = accept.partition(",")[0].partition(";")[0].strip().lower()
    return {"text/plain": Shown.TEXT, "image/svg+xml": Shown.SVG}.get(first, Shown.JSON)


async def _require(request: Request) -> None:
    if not await is_proved_operator(request):
        raise _nothing(request)


async def _found(store: TraceStore, name: str) -> bytes | None:
    for _ in range(_PATIENCE):
        content = await asyncio.to_thread(store.get, name)
        if content is not None or not store.knows_how(name):
            return content
        await asyncio.sleep(_PAUSE)
    return None


def _nothing(request: Request) -> UnknownRoute:
    """The error of a path at which nothing is."""
    path: Any = request.scope["path"]
    return UnknownRoute(f"Nothing is served at {path if len(path) <= 200 else path[:200] + '…'}.")
