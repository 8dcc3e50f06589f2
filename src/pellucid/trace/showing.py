"""A trace that is kept, shown for people: as text or as a picture, by the same hands that draw a client's journey."""

from pellucid.observe import Stage
from pellucid.trace.document import Row
from pellucid.trace.drawing.picture import picture
from pellucid.trace.encode import from_bytes
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.page import phrase
from pellucid.trace.waterfall import Sheet, waterfall

_COLUMNS = 120


def as_text(content: bytes) -> str:
    """A trace as lines of text.

    Args:
        content: the trace as JSON.
    """
    sheet = Sheet(columns=_COLUMNS)
    return "".join(
        f"{''.join(piece.text for piece in line).rstrip()}\n" for line in waterfall(_journey(content), sheet)
    )


def as_picture(content: bytes) -> str:
    """A trace as SVG.

    Args:
        content: the trace as JSON.
    """
    return picture(_journey(content))


def _journey(content: bytes) -> Journey:
    """What a client would have seen of it: it waited."""
    trace = from_bytes(content)
    waited = (Row(Stage.WAIT, 0.0, trace.seconds),)
    return Journey(
        (Hop(trace.method, trace.target, waited, "", trace.status, phrase(trace.status), trace.id, trace),),
        trace.findings,
    )
