"""The root of the PostgREST profile, where the API describes itself."""

import json

from starlette.requests import Request
from starlette.responses import Response

from pellucid.errors import NotAcceptable, OpenApiOff
from pellucid.rest.grammar import media
from pellucid.rest.options import OpenApiMode
from pellucid.rest.pipeline import DataApi
from pellucid.rest.plan.form import content_type
from pellucid.rest.profile import POSTGREST
from pellucid.rest.request import RestRequest
from pellucid.rest.result import VARY
from pellucid.rest.openapi.swagger import Viewer, describe
from pellucid.web.identity import Identity

_PRODUCED = {media.OPENAPI, media.JSON, media.ANY}


def check_root(api: DataApi) -> None:
    """Refuse the root where nothing is served at it.

    Raises:
        OpenApiOff: the API does not describe itself.
    """
    if api.options.openapi_mode is OpenApiMode.DISABLED:
        raise OpenApiOff("Root endpoint metadata is disabled")


def root(api: DataApi, request: Request, asked: RestRequest, identity: Identity) -> Response:
    """Describe the API, as far as the caller may use it.

    Raises:
        NotAcceptable: the description is JSON.
    """
    if not any(accepted.media in _PRODUCED for accepted in asked.accept):
        raise NotAcceptable(f"None of these media types are available: {', '.join(map(str, asked.accept))}")
    address = str(request.base_url).rstrip("/") + POSTGREST.prefix
    viewer = Viewer(identity.role, asked.name.schema, address, guarded=api.grower is None)
    document = describe(api.database.catalog, api.options, viewer)
    headers = {"Content-Type": content_type(media.OPENAPI), "Vary": VARY}
    headers |= {"Content-Profile": asked.name.schema} if asked.negotiated else {}
    if asked.method == "HEAD":
        response = Response(headers=headers)
        del response.headers["Content-Length"]
        return response
    return Response(json.dumps(document, ensure_ascii=False, separators=(",", ":")), headers=headers)
