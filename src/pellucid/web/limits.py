"""How much of a request is read: checked before the body is touched, and counted while it arrives."""

import asyncio
from time import perf_counter

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pellucid.errors import BodyTooLarge, BodyTooSlow, HeadersTooLarge, MalformedBody, UrlTooLong
from pellucid.web.options import Limits

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Limiter:
    """Refuses requests that are too large or arrive too slowly.

    ASGI servers have no such limits of their own. Nothing is kept here: each piece of a body is counted and handed on. What is left of
    a refused body is the server's to swallow or to cut off.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] == "http":
            check_url(scope, self.limits)
            check_headers(scope, self.limits)
            if has_body(scope):
                check_length(scope, self.limits)
                receive = _Meter(receive, self.limits)
        await self.app(scope, receive, send)


def within(limits: Limits, request: Request) -> Request:
    """The same request, of which no more is read than narrower limits allow: whoever reads on gets a `BodyTooLarge`."""
    return Request(request.scope, _Meter(request.receive, limits))


class _Meter:
    """The way in: counts the body's bytes and watches the clock until the last of them is there."""

    __slots__ = ("complete", "count", "deadline", "limits", "receive")

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self.receive = receive
        self.limits = limits
        self.count = 0
        self.complete = False
        self.deadline: float | None = None

    async def __call__(self) -> Message:
        if self.complete:
            return await self.receive()
        message = await self._in_time()
        if message["type"] == "http.request":
            self.count += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
        if self.count > self.limits.body:
            raise too_large(self.limits)
        return message

    async def _in_time(self) -> Message:
        now = perf_counter()
        self.deadline = self.deadline or now + self.limits.body_seconds
        try:
            async with asyncio.timeout(self.deadline - now):
                return await self.receive()
        except TimeoutError:
            raise BodyTooSlow(f"The body did not arrive within {self.limits.body_seconds:g} seconds.") from None


def check_url(scope: Scope, limits: Limits) -> None:
    """Refuse a path and query that are too long.

    Raises:
        UrlTooLong: they are.
    """
    length = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
    if length > limits.url:
        raise UrlTooLong(f"The URL has {length} bytes; this server reads {limits.url}.")


def check_headers(scope: Scope, limits: Limits) -> None:
    """Refuse headers that are too many or too large.

    Raises:
        HeadersTooLarge: they are.
    """
    headers = scope["headers"]
    if len(headers) > limits.header_count:
        raise HeadersTooLarge(f"There are {len(headers)} headers; this server reads {limits.header_count}.")
    size = sum([len(name) + len(value) + 4 for name, value in headers])
    if size > limits.headers:
        raise HeadersTooLarge(f"The headers have {size} bytes; this server reads {limits.headers}.")


def check_length(scope: Scope, limits: Limits) -> None:
    """Refuse a body that announces itself as too large, before any of it is read.

    Raises:
        BodyTooLarge: it does.
        MalformedBody: it is not certain where the body ends (RFC 9112, 6.3): the length is no number, or there is more than one, or
            the body is coded in a way that nobody here undoes.
    """
    lengths = [value.strip(b" \t") for name, value in scope["headers"] if name == b"content-length"]
    codings = [value.strip(b" \t").lower() for name, value in scope["headers"] if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1 or any(not value.isdigit() for value in lengths):
        raise MalformedBody("The headers do not tell where the body ends.", hint="Send one Content-Length, a number.")
    if codings not in ([], [b"chunked"]):
        raise MalformedBody(
            "The body has a transfer coding that is not read here.", hint="Send it as it is, or chunked."
        )
    if lengths and (len(lengths[0]) > 18 or int(lengths[0]) > limits.body):
        raise too_large(limits)


def has_body(scope: Scope) -> bool:
    """Whether a body may follow. In HTTP/1 its headers tell (RFC 9112, 6.3); later versions need none."""
    if not scope["http_version"].startswith("1"):
        return True
    return not _FRAMING.isdisjoint([name for name, _ in scope["headers"]])


def too_large(limits: Limits) -> BodyTooLarge:
    """The refusal of a body that is too large."""
    return BodyTooLarge(f"The body has more than {_size(limits.body)}; that is all this server reads.")


def _size(count: int) -> str:
    for unit, factor in (("MiB", 1024 * 1024), ("KiB", 1024)):
        if count >= factor and count % factor == 0:
            return f"{count // factor} {unit}"
    return f"{count} bytes"
