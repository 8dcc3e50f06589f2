"""The root of the PostgREST profile, where the API describes itself."""

import json
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from pellucid.errors import NotAcceptable, OpenApiOff
from pellucid.rest.api import DataApi
from pellucid.rest.grammar import media
from pellucid.rest.openapi.swagger import Viewer, describe, place_of
from pellucid.rest.options import OpenApiMode
from pellucid.rest.plan.form import content_type
from pellucid.rest.profile import POSTGREST
from pellucid.rest.request import RestRequest
from pellucid.rest.result import VARY
from pellucid.web.identity import Identity

_PRODUCED = {media.OPENAPI, media.JSON, media.ANY}


def check_root(api: DataApi) -> None:
    """Refuse the root where nothing is served at it.

    Raises:
        OpenApiOff: the API does not describe itself.
    """
    if api.options.openapi_mode is OpenApiMode.DISABLED:
        raise OpenApiOff("Root endpoint metadata is disabled")


async def root(api: DataApi, request: Request, asked: RestRequest, identity: Identity) -> Response:
    """Describe the API, as far as the caller may use it.

    Raises:
        NotAcceptable: the description is JSON.
    """
    if not any(accepted.media in _PRODUCED for accepted in asked.accept):
        raise NotAcceptable(f"None of these media types are available: {', '.join(map(str, asked.accept))}")
    headers = {"Content-Type": content_type(media.OPENAPI), "Vary": VARY}
    headers |= {"Content-Profile": asked.name.schema} if asked.negotiated else {}
    if asked.method == "HEAD":
        response = Response(headers=headers)
        del response.headers["Content-Length"]
        return response
    catalog, viewer = api.database.catalog, Viewer(identity.role, asked.name.schema, guarded=api.grower is None)
    kept = await api.descriptions.of(catalog.version, viewer, partial(describe, catalog, api.options, viewer))
    place = json.dumps(place_of(api.options.openapi_server_proxy_uri or _address(request)), separators=(",", ":"))
    return Response(place[:-1].encode() + b"," + kept.content[1:], headers=headers)


def _address(request: Request) -> str:
    """Under which URL the root was reached. It is the client's to say, so nothing is kept by it."""
    return str(request.base_url).rstrip("/") + POSTGREST.prefix
