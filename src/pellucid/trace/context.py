"""The names of traces that cross services: W3C Trace Context (``traceparent``, ``tracestate``)."""

import re
from typing import NamedTuple, Self

from pellucid.web.exchange import current
from pellucid.web.names import new_name

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_SAMPLED = 0x01
_LONGEST_STATE = 512
_STATE = re.compile(r"[\x20-\x7e]*")


class Context(NamedTuple):
    """Where a request belongs: its trace, its own span, and the span of the caller, if it came with one.

    ``sampled`` tells that the caller records this trace, and ``state`` is what other systems have said of it (``tracestate``).
    """

    trace: str
    span: str
    parent: str | None = None
    sampled: bool = False
    state: str = ""

    @classmethod
    def of(cls, traceparent: bytes | None, tracestate: bytes | None = None) -> Self:
        """The context that a request came with, or a new one where it has none that can be read."""
        match = _PARENT.fullmatch((traceparent or b"").decode("latin-1").strip())
        if match is None or not _is_good(match):
            return cls(new_name(), new_name()[:16])
        state = (tracestate or b"").decode("latin-1").strip()
        known = state if len(state) <= _LONGEST_STATE and _STATE.fullmatch(state) else ""
        return cls(match[2], new_name()[:16], match[3], bool(int(match[4], 16) & _SAMPLED), known)

    def outgoing(self, *, sampled: bool) -> dict[str, str]:
        """The headers of a call that is made while the request is served."""
        headers = {"traceparent": f"00-{self.trace}-{self.span}-{_SAMPLED if sampled else 0:02x}"}
        return headers | ({"tracestate": self.state} if self.state else {})


def _is_good(match: re.Match[str]) -> bool:
    """Whether it means something: version ff is none, version 00 has four parts, and zeros are no names (Trace Context, 3.2)."""
    version, trace, span, _, more = match.groups()
    return version != "ff" and trace != _NO_TRACE and span != _NO_SPAN and not (version == "00" and more)


def outgoing_headers() -> dict[str, str]:
    """The headers that carry the trace of the request under way on to other services; none where it is not traced."""
    exchange = current.get()
    context = getattr(exchange.traced, "context", None) if exchange is not None else None
    return context.outgoing(sampled=True) if isinstance(context, Context) else {}
