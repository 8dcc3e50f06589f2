"""What the tracer can be told."""

from pathlib import Path
from urllib.parse import unquote

from msgspec import Struct

from pellucid.errors import StartupError


class TraceOptions(Struct, frozen=True):
    """Everything the tracer can be told. Times are in seconds, sizes in bytes.

    ``sample`` is the share of requests that are always traced, from 0 to 1, and ``slow`` the time from which on a request is; both trace
    what is easily told and change nothing of how requests run. ``keep``, ``keep_bytes`` and ``keep_seconds`` bound what is kept in
    ``directory``. ``proxies`` are addresses or networks whose headers are believed. ``endpoint`` is where traces are sent to as well
    (OTLP over HTTP), with ``headers``.
    """

    directory: Path
    sample: float = 0.0
    slow: float | None = None
    keep: int = 1000
    keep_bytes: int = 64 << 20
    keep_seconds: float = 7 * 86_400.0
    proxies: tuple[str, ...] = ()
    production: bool = False
    endpoint: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    service: str = "pellucid"

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0.0 <= self.sample <= 1.0:
            raise StartupError(f"the share of requests to trace is from 0 to 1, not {self.sample:g}")

    @property
    def always(self) -> bool:
        """Whether requests may be traced that nobody has asked it for."""
        return self.sample > 0.0 or self.slow is not None


def header_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """The headers in ``name=value,name=value``, percent-encoded as OpenTelemetry has it (OTLP exporter, OTEL_EXPORTER_OTLP_HEADERS).

    Raises:
        StartupError: a part is no such pair.
    """
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if any(not equals or not name.strip() for name, equals, _ in pairs):
        raise StartupError("otlp_headers are written name=value, with commas between them")
    return tuple((unquote(name.strip()), unquote(value.strip())) for name, _, value in pairs)
