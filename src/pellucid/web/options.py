"""What the web room can be told. Each limit is checked before anything is read or parsed."""

from msgspec import Struct

from pellucid.errors import StartupError


class Limits(Struct, frozen=True):
    """How much of a request is read. Sizes are in bytes, times in seconds.

    The numbers are those of common proxies, so that a proxy in front changes nothing.
    """

    body: int = 16 * 1024 * 1024
    body_seconds: float = 60.0
    """From the first byte of the body to the last."""
    url: int = 16 * 1024
    headers: int = 32 * 1024
    header_count: int = 100


class CrossOrigin(Struct, frozen=True):
    """Which web pages of other origins may read the answers (the CORS protocol of the Fetch standard).

    ``origins`` are exact, such as ``https://app.example.com``, or the one word ``*``. In development, pages served from this very
    machine may too. ``credentials`` lets cookies through; it never goes with ``*``.
    """

    origins: tuple[str, ...] = ()
    credentials: bool = False

    def __post_init__(self) -> None:
        """Refuse the combination that hands every page its visitors' cookies."""
        if self.credentials and "*" in self.origins:
            raise StartupError(
                "cross-origin requests from everywhere (*) cannot carry credentials",
                hint="list the exact origins, or leave credentials off",
            )


class WebOptions(Struct, frozen=True):
    """Everything the web room can be told.

    ``allowed_hosts`` are the names in the Host header that are answered: exact, ``*.example.com``, or ``*``. Empty means any host in
    production (the proxy decides), and in development this machine's own names and plain addresses, so that no web page can reach a
    development server through a name that it controls (DNS rebinding). ``server_timing`` of None means: in development only.
    ``trace_header`` names a request header that every answer repeats. ``verbose_errors``: errors under PostgREST's paths have details and
    hints.
    """

    production: bool = False
    limits: Limits = Limits()
    allowed_hosts: tuple[str, ...] = ()
    cross_origin: CrossOrigin = CrossOrigin()
    postgrest_prefixes: tuple[str, ...] = ("/rest/v1",)
    server_timing: bool | None = None
    access_log: bool = True
    trace_header: str | None = None
    verbose_errors: bool = True

    @property
    def shows_timing(self) -> bool:
        """Whether answers carry ``Server-Timing``."""
        return not self.production if self.server_timing is None else self.server_timing
