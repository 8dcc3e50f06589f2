"""Headers that tell browsers what not to do (OWASP ASVS 5, 3.4)."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_POLICY = b"content-security-policy"
_DATA = b"default-src 'none'; frame-ancestors 'none'"
_PAGE = b"frame-ancestors 'none'; base-uri 'self'; object-src 'none'"
_HTTPS_ONLY = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")

_NAMES = frozenset({_POLICY, _HTTPS_ONLY[0], *(name for name, _ in _ALWAYS)})
_WANTED = {
    (page, secure): (*_ALWAYS, (_POLICY, _PAGE if page else _DATA), *([_HTTPS_ONLY] if secure else []))
    for page in (False, True)
    for secure in (False, True)
}
"""The headers for a page or for data, over https or not."""


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
    wanted = _WANTED[_is_page(present.get(b"content-type", b"")), secure]
    if present.keys().isdisjoint(_NAMES):
        return [*given, *wanted]
    return [*given, *(header for header in wanted if header[0] not in present)]


def _is_page(content_type: bytes) -> bool:
    return content_type.startswith((b"text/html", b"application/xhtml"))
