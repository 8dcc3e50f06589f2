"""The names of traces that cross services."""

import pytest

from pellucid.trace.context import Context

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_trace_that_began_elsewhere_is_kept() -> None:
    context = Context.of(f"00-{TRACE}-{SPAN}-01".encode(), b"vendor=1")
    assert (context.trace, context.parent, context.sampled, context.state) == (TRACE, SPAN, True, "vendor=1")
    assert len(context.span) == 16
    assert context.span != SPAN
    assert context.outgoing(sampled=True) == {"traceparent": f"00-{TRACE}-{context.span}-01", "tracestate": "vendor=1"}
    later = Context.of(f"cc-{TRACE}-{SPAN}-02-what-the-future-will-be".encode())
    assert (later.trace, later.sampled) == (TRACE, False)


@pytest.mark.parametrize(
    "header",
    [
        None, b"", b"nonsense", f"ff-{TRACE}-{SPAN}-01".encode(), f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(), f"00-{TRACE}-{SPAN}-01-more".encode(), f"00-{TRACE.upper()}-{SPAN}-01".encode(),
        f"00-{TRACE}-{SPAN}".encode(), f"00-{TRACE[:-1]}-{SPAN}-01".encode(), "00-é".encode(),
    ],
)  # fmt: skip
def test_what_cannot_be_read_begins_a_new_one(header: bytes | None) -> None:
    context = Context.of(header, b"vendor=1")
    assert (context.parent, context.sampled, context.state) == (None, False, "")
    assert (len(context.trace), len(context.span)) == (32, 16)


def test_a_state_that_is_too_long_or_odd_is_dropped() -> None:
    header = f"00-{TRACE}-{SPAN}-01".encode()
    assert Context.of(header, b"a=" + b"x" * 600).state == ""
    assert Context.of(header, b"a=\r\nb").state == ""
