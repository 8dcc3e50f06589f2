"""What a client went through for one answer: one hop a request, redirects included, each with its rows and perhaps the server's half."""

from collections.abc import Mapping

from msgspec import Struct

from pellucid.observe import Fact, Stage
from pellucid.trace.document import Finding, Row, Trace


class Hop(Struct, frozen=True):
    """One request and what came back.

    ``rows`` are the client's; they begin in seconds from the beginning of the journey. ``server`` has the server's half, on its own clock;
    where it is not there, ``absent`` says why. ``failure`` is empty where an answer came, and ``hint``
    is the way out; ``complaint`` is the reason that an answer gave for refusing.
    """

    method: str
    url: str
    rows: tuple[Row, ...]
    http: str = ""
    status: int | None = None
    reason: str = ""
    trace_id: str = ""
    server: Trace | None = None
    absent: str = ""
    failure: str = ""
    hint: str = ""
    complaint: str = ""

    @property
    def started(self) -> float:
        """When it began, in seconds from the beginning of the journey."""
        return min((row.start for row in self.rows), default=0.0)

    @property
    def ended(self) -> float:
        """When its last byte was there."""
        return max((row.start + row.seconds for row in self.rows), default=0.0)

    @property
    def seconds(self) -> float:
        """How long it took, from the first question to the last byte."""
        return self.ended - self.started

    def row(self, stage: Stage) -> Row | None:
        """The client's row of a stage; none where it was not needed, as with a connection that was kept."""
        return next((row for row in self.rows if row.stage is stage), None)

    def facts(self, stage: Stage) -> Mapping[str, Fact]:
        """What the client saw in a stage."""
        row = self.row(stage)
        return {} if row is None else row.facts


class Journey(Struct, frozen=True):
    """All hops until the last answer, and the verdict on them."""

    hops: tuple[Hop, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def last(self) -> Hop:
        """The hop that gave the answer, or that failed."""
        return self.hops[-1]

    @property
    def seconds(self) -> float:
        """From the first question to the last byte."""
        return self.last.ended - self.hops[0].started
