"""Pages for people whom a provider sends back."""

from html import escape

from fastapi import Request
from starlette.responses import HTMLResponse

from pellucid.errors import PellucidError
from pellucid.web.pages import page

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""The address of the page holds what the provider sent: it is told to nobody."""


def told_page(request: Request, title: str) -> HTMLResponse:
    """How it went well."""
    answer = page(request, title, "<p>You can close this page.")
    answer.headers.update(_HEADERS)
    return answer


def refusal_page(request: Request, fault: PellucidError) -> HTMLResponse:
    """What went wrong, and the way out."""
    answer = page(request, type(fault).title, f"<p>{escape(fault.message)} {escape(fault.hint or fault.way_out)}")
    answer.status_code = fault.status
    answer.headers.update({**_HEADERS, **fault.headers})
    return answer
