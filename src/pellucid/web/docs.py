"""``/docs``: Swagger UI, served whole from this machine."""

import base64
import hashlib
import re
from html import escape

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_oauth2_redirect_html
from starlette.responses import HTMLResponse

from pellucid.web.pages import READ, asset_url

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Swagger UI sets styles in elements and pictures in styles; scripts come from files of ours alone."""

router = APIRouter(include_in_schema=False)


@router.api_route("/docs", methods=READ)
def docs(request: Request) -> HTMLResponse:
    """Show the page; it reads ``/openapi.json`` and calls the API on behalf of whoever signs in there."""
    prefix = escape(request.scope.get("root_path", ""))
    title = escape(request.app.title)

    def at(name: str) -> str:
        return escape(asset_url(request, name))

    return HTMLResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{title}</title>"
        f"<link rel=icon href='{at('favicon.svg')}'><link rel=stylesheet href='{at('swagger-ui.css')}'>"
        f"<link rel=stylesheet href='{at('docs.css')}'>"
        f"<div id=swagger-ui data-openapi='{prefix}/openapi.json' data-redirect='{prefix}/docs/oauth2-redirect'></div>"
        f"<script src='{at('swagger-ui-bundle.js')}'></script><script src='{at('docs.js')}'></script>",
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"},
    )


@router.api_route("/docs/oauth2-redirect", methods=READ)
def oauth2_redirect() -> HTMLResponse:
    """Where a sign-in elsewhere comes back to. The one inline script, Swagger UI's own, is allowed by its digest (CSP 3, 2.3.1)."""
    made = get_swagger_ui_oauth2_redirect_html()
    script = re.search(rb"<script>(.*?)</script>", bytes(made.body), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script[1] if script else b"").digest()).decode()
    made.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'sha256-{digest}'; frame-ancestors 'none'"
    )
    return made
