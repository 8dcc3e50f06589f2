"""Which web pages of other origins may read the answers (the CORS protocol of the Fetch standard).

Under the paths of PostgREST's and Supabase's dialects the answers to browsers are theirs too: any request header may be sent, and the
headers that they name can be read. Everywhere else they are those of `pellucid.web.stack`.
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pellucid.web.options import WebOptions
from pellucid.web.style import ErrorStyle, style_of

METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
REQUEST_HEADERS = (
    "Accept-Profile", "Apikey", "Authorization", "Content-Profile", "Idempotency-Key", "If-Match", "If-None-Match", "Pellucid-Trace",
    "Prefer", "Range", "Range-Unit", "Traceparent", "Tracestate", "X-Client-Info", "X-Request-Id",
)  # fmt: skip
"""What clients of this API, PostgREST's among them, send beside the headers that need no leave."""

RESPONSE_HEADERS = (
    "Allow", "Content-Location", "Content-Profile", "Content-Range", "ETag", "Location", "Pellucid-Trace", "Preference-Applied",
    "Proxy-Status", "Retry-After", "Server-Timing", "WWW-Authenticate", "X-Request-Id",
)  # fmt: skip

LOOPBACK_ORIGIN = r"https?://(localhost|[a-z0-9-]+\.localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
_LOOPBACK = re.compile(LOOPBACK_ORIGIN)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_POSTGREST_METHODS = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
_POSTGREST_EXPOSED = (
    "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, Transfer-Encoding,"
    " Range-Unit"
)
_AUTH_EXPOSED = "X-Total-Count, Link, X-Supabase-Api-Version, X-Sb-Error-Code, Retry-After"
_DAY = "86400"


class CrossOriginRules:
    """Tells browsers which pages may read what: in development those of this machine, and the origins that were listed.

    PostgREST lets any page read where no origins are listed, without cookies, and listed ones with them; so do its paths and Supabase's
    in production, where nothing but a token says who asks. In development whoever reaches the server is trusted, so that no stranger's
    page may.
    """

    def __init__(self, app: ASGIApp, *, options: WebOptions) -> None:
        self.app = app
        self.options = options
        self.elsewhere = _elsewhere(app, options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http" or (style := style_of(scope, self.options.postgrest_prefixes)) is ErrorStyle.PROBLEM:
            await self.elsewhere(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        allowed = self._allowed(origin) if origin else "*" if scope["method"] == "OPTIONS" else None
        if allowed is None:
            await self.app(scope, receive, send)
        elif (
            scope["method"] == "OPTIONS"
            and origin
            and headers.get("access-control-request-method") in (*METHODS, "OPTIONS")
        ):
            await Response(headers=self._leave(headers, allowed))(scope, receive, send)
        else:
            await self.app(scope, receive, self._stamped(send, allowed, style if origin else None))

    def _allowed(self, origin: str) -> str | None:
        """The value of ``Access-Control-Allow-Origin`` for this origin, None where there is none."""
        chosen = self.options.cross_origin.origins
        if "*" in chosen or (self.options.production and not chosen):
            return "*"
        if origin in chosen:
            return origin
        return origin if not self.options.production and _LOOPBACK.fullmatch(origin) else None

    def _who(self, allowed: str) -> dict[str, str]:
        headers = {"Access-Control-Allow-Origin": allowed}
        if allowed != "*":
            headers["Vary"] = "Origin"
            if allowed in self.options.cross_origin.origins:
                headers["Access-Control-Allow-Credentials"] = "true"
        return headers

    def _leave(self, headers: Headers, allowed: str) -> dict[str, str]:
        """The answer to a browser that asks before it sends the request itself."""
        wanted = [name.strip() for name in headers.get("access-control-request-headers", "").split(",")]
        named = ["Authorization", *(name for name in wanted if _TOKEN.fullmatch(name))]
        return {
            **self._who(allowed),
            "Access-Control-Allow-Methods": _POSTGREST_METHODS,
            "Access-Control-Allow-Headers": ", ".join([*named, "Accept", "Accept-Language", "Content-Language"]),
            "Access-Control-Max-Age": _DAY,
        }

    def _stamped(self, send: Send, allowed: str, style: ErrorStyle | None) -> Send:
        """The way out, with the headers that let the page read the answer."""
        exposed = _AUTH_EXPOSED if style is ErrorStyle.AUTH else _POSTGREST_EXPOSED
        extra = self._who(allowed) | ({"Access-Control-Expose-Headers": exposed} if style else {})
        vary = extra.pop("Vary", None)

        async def stamp(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(extra)
                if vary:
                    headers.add_vary_header(vary)
            await send(message)

        return stamp


def _elsewhere(app: ASGIApp, options: WebOptions) -> ASGIApp:
    chosen = options.cross_origin
    if options.production and not chosen.origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=chosen.origins,
        allow_origin_regex=None if options.production else LOOPBACK_ORIGIN,
        allow_credentials=chosen.credentials,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
    )
