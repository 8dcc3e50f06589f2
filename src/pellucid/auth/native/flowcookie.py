"""The cookie that ties a sign-in elsewhere to one browser: out of reach of scripts, and gone after ten minutes."""

from fastapi import Request, Response

from pellucid.auth.providers.flows import LIFE
from pellucid.web.cookies import FLOW

SECURE = f"__Host-{FLOW}"
PLAIN = FLOW
"""In development without TLS; browsers refuse the other name there."""


def browser_of(request: Request, *, secure: bool) -> str | None:
    """The browser's secret, if it has one."""
    return request.cookies.get(_name(secure=secure))


def keep_browser(response: Response, secret: str, *, secure: bool) -> None:
    """Have the browser keep it. It comes along when the provider sends the browser back, for that is a link (``SameSite=Lax``)."""
    response.set_cookie(
        _name(secure=secure),
        secret,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _name(*, secure: bool) -> str:
    return SECURE if secure else PLAIN
