"""The few small HTML pages of the web room, and the files they need: all of it served from here, so that it works without a network."""

import hashlib
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from msgspec import Struct
from starlette.responses import HTMLResponse, Response

from pellucid.errors import UnknownRoute

PATH = "/docs/assets"
READ = ["GET", "HEAD"]
"""The methods of a page."""
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_YEAR = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


class Asset(Struct, frozen=True):
    """A file that a page needs. ``tag`` changes when the content does (RFC 9110, 8.8.3)."""

    content: bytes
    media_type: str
    tag: str


def _sources() -> Mapping[str, tuple[Traversable, str]]:
    own = files("pellucid.web") / "assets"
    swagger = files("fastapi_swagger") / "resources"
    return {
        "favicon.svg": (own / "favicon.svg", "image/svg+xml"),
        "pellucid.css": (own / "pellucid.css", "text/css; charset=utf-8"),
        "docs.css": (own / "docs.css", "text/css; charset=utf-8"),
        "docs.js": (own / "docs.js", "text/javascript; charset=utf-8"),
        "swagger-ui.css": (swagger / "swagger-ui.css", "text/css; charset=utf-8"),
        "swagger-ui-bundle.js": (swagger / "swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    }


@cache
def asset(name: str) -> Asset:
    """Read a file once.

    Raises:
        UnknownRoute: there is none of this name.
    """
    sources = _sources()
    if name not in sources:
        raise UnknownRoute(f"No page needs a file {name[:100]}.")
    source, media_type = sources[name]
    content = source.read_bytes()
    return Asset(content, media_type, hashlib.sha256(content).hexdigest()[:16])


def asset_url(request: Request, name: str) -> str:
    """Where a page finds a file. The address names the content, so browsers keep it for good."""
    return f"{request.scope.get('root_path', '')}{PATH}/{name}?v={asset(name).tag}"


@router.api_route(PATH + "/{name}", methods=READ)
def serve_asset(request: Request, name: str, v: str = "") -> Response:
    """Serve a file, or say that the browser's copy is still the same (RFC 9110, 13)."""
    found = asset(name)
    headers = {"ETag": f'"{found.tag}"', "Cache-Control": _YEAR if v == found.tag else "no-cache"}
    if f'"{found.tag}"' in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)


@router.api_route("/favicon.ico", methods=READ)
def favicon(request: Request) -> Response:
    """Browsers ask for it by themselves."""
    return serve_asset(request, "favicon.svg")


def page(request: Request, title: str, content: str) -> HTMLResponse:
    """A plain page. ``content`` is HTML whose texts have been escaped; the page runs no scripts."""
    icon = asset_url(request, "favicon.svg")
    return HTMLResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><link rel=icon href='{escape(icon)}'>"
        f"<link rel=stylesheet href='{escape(asset_url(request, 'pellucid.css'))}'>"
        f"<body class=page><h1><img src='{escape(icon)}' alt=''>{escape(title)}</h1>{content}",
        headers={"Content-Security-Policy": POLICY},
    )


def prefers_html(request: Request) -> bool:
    """Whether a person with a browser asks: it names HTML, where programs ask for JSON or for anything."""
    return "text/html" in request.headers.get("accept", "")
