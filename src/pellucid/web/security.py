"""Headers that tell browsers what not to do (OWASP ASVS 5, 3.4)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_POLICY = b"content-security-policy"
_DATA = b"default-src 'none'; frame-ancestors 'none'"
_PAGE = b"frame-ancestors 'none'; base-uri 'self'; object-src 'none'"
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class SecurityHeaders:
    """Adds what is missing; a response that sets one of these headers itself keeps its own.

    Pages of users' own code may load what they like unless they say otherwise, but nobody may frame them. ``Strict-Transport-Security``
    (RFC 6797) is sent over https in production only: on a developer's machine it would lock plain http out of localhost for a year.
    """

    def __init__(self, app: ASGIApp, *, production: bool) -> None:
        self.app = app
        self.production = production

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        secure = self.production and scope.get("scheme") == "https"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _completed(message.get("headers", ()), secure=secure)
            await send(message)

        await self.app(scope, receive, guarded)


def _completed(given: list[tuple[bytes, bytes]], *, secure: bool) -> list[tuple[bytes, bytes]]:
    present = {name.lower(): value for name, value in given}
    wanted = [*_ALWAYS, (_POLICY, _policy(present.get(b"content-type", b"")))]
    if secure:
        wanted.append(_HTTPS_ONLY)
    return [*given, *(header for header in wanted if header[0] not in present)]


def _policy(content_type: bytes) -> bytes:
    return _PAGE if content_type.startswith((b"text/html", b"application/xhtml")) else _DATA
