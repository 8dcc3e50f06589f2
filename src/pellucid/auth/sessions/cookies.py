"""The cookie of a browser's session (RFC 6265bis): opaque, for this host alone, out of reach of scripts, and never sent along by other
sites' forms."""

from starlette.responses import Response

from pellucid.web.cookies import cookie_name


def set_cookie(response: Response, secret: str, *, seconds: int, secure: bool) -> None:
    """Hand a browser its secret for as long as the session may last."""
    response.set_cookie(
        cookie_name(secure=secure), secret, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax"
    )


def clear_cookie(response: Response, *, secure: bool) -> None:
    """Take it back."""
    response.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="lax")
