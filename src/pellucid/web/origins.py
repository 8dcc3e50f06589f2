"""Which web pages may change something here (OWASP, Cross-Site Request Forgery Prevention)."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from pellucid.errors import Forbidden

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""


class OriginGuard:
    """Refuses changes that a page of another origin asks for.

    A browser lets any page send some requests anywhere without asking first; CORS only keeps the answer from it. Where a network
    position is all that a caller needs, as on a developer's machine, the request itself has to be refused. Programs other than
    browsers send no ``Origin``, and pass.
    """

    def __init__(self, app: ASGIApp, *, allowed: tuple[str, ...], pattern: str) -> None:
        """Guard an application.

        Args:
            app: the application.
            allowed: origins that may, exactly as browsers write them, or ``*``.
            pattern: further ones, as a regular expression for the whole origin.
        """
        self.app = app
        self.allowed = allowed
        self.pattern = re.compile(pattern)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            self._check(scope)
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        host = _values(scope, b"host")
        for origin in _values(scope, b"origin"):
            if not self._trusts(origin, host):
                raise Forbidden(
                    "A page of another origin asked for this change.",
                    hint="If the page is yours, let whoever runs this server add its origin to the CORS origins.",
                )

    def _trusts(self, origin: str, host: list[str]) -> bool:
        if "*" in self.allowed or origin in self.allowed or self.pattern.fullmatch(origin):
            return True
        return [origin.partition("://")[2].lower()] == [name.lower() for name in host]


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
