"""Where a browser is sent on to: addresses that were allowed by their exact spelling, and no others."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.responses import RedirectResponse

from pellucid.auth.gotrue.call import Call
from pellucid.auth.native.base import NEVER_KEPT
from pellucid.auth.options import AccountOptions
from pellucid.errors import AuthRefused, PellucidError
from pellucid.web.auth_errors import spoken

OAUTH_WORDS = {
    400: "invalid_request",
    401: "unauthorized_client",
    403: "access_denied",
    500: "server_error",
    503: "temporarily_unavailable",
}
"""The ``error`` of a redirect (RFC 6749, 4.1.2.1) for a status."""
MARK = {"sb": ""}
"""By this, clients know the fragment for their own."""


def destination(call: Call) -> str:
    """Where this request wants to lead on to, if it may; the site otherwise."""
    wanted = call.request.headers.get("redirect_to") or call.asked("redirect_to") or call.text("redirect_to")
    return wanted if is_allowed(wanted, call.accounts.options) else call.accounts.options.site


def is_allowed(url: str, options: AccountOptions) -> bool:
    """Whether an address was allowed, letter by letter."""
    return url in options.redirect_urls or url in (options.site, f"{options.site}/")


def with_session(url: str, session: Mapping[str, Any], kind: str | None = None) -> RedirectResponse:
    """On to a page, which finds the session in the fragment: no server sees that. ``kind`` is the type of the link that led here."""
    return _redirect(url, fragment={**session, **({"type": kind} if kind else {}), **MARK})


def with_code(url: str, code: str) -> RedirectResponse:
    """On to a page with a code that is good for a session to whoever knows the verifier (RFC 7636)."""
    return _redirect(url, query={"code": code})


def with_message(url: str, message: str, *, pkce: bool) -> RedirectResponse:
    """On to a page that tells how far things are."""
    told = {"message": message}
    return _redirect(url, query=told if pkce else {}, fragment={**told, **MARK})


def with_error(url: str, fault: PellucidError, *, pkce: bool) -> RedirectResponse:
    """On to a page that tells what went wrong."""
    words = spoken(fault)
    told = {"error_code": words.code, "error_description": words.message or ""}
    if word := OAUTH_WORDS.get(words.status):
        told = {"error": word, **told}
    return _redirect(url, query=told if pkce else {}, fragment={**told, **MARK})


def link_expired() -> AuthRefused:
    """The refusal of a link."""
    return AuthRefused(403, "otp_expired", "Email link is invalid or has expired")


def _redirect(
    url: str, query: Mapping[str, str] | None = None, fragment: Mapping[str, Any] | None = None
) -> RedirectResponse:
    parts = urlsplit(url)
    joined = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *(query or {}).items()])
    to = urlunsplit(parts._replace(query=joined, fragment=urlencode(sorted((fragment or {}).items()))))
    return RedirectResponse(to, 303, {**NEVER_KEPT, "Referrer-Policy": "no-referrer"})
