"""That a request is traced: why, how deeply, under which name, and what is noted of it on its way."""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from pellucid.database.witness import Witness
from pellucid.observe import FACTS
from pellucid.trace.context import Context
from pellucid.trace.document import Commit, Missing, Reason, Statement


class Looking(Witness, Protocol):
    """A witness of one request, which tells in the end what it has seen."""

    @property
    def statements(self) -> Sequence[Statement]:
        """The statements that ran, in their order."""
        ...

    @property
    def commits(self) -> Sequence[Commit]:
        """What was committed."""
        ...

    @property
    def missing(self) -> Sequence[Missing]:
        """What could not be seen."""
        ...

    async def close(self) -> None:
        """The request is over: look no more."""
        ...


Lookers = Callable[[], Looking]
"""Makes a witness for one request."""


class Tracing(Struct):
    """A request that is traced. Times are of `time.perf_counter`.

    ``entered`` is when it came in to the router, ``answered`` when its answer began there, and ``left`` when it was done there.
    ``asked`` tells that whoever asked for the trace is told its name. ``pause`` is how long the event loop took for one turn just then,
    and ``late`` for how long it was held up meanwhile. ``siblings`` and ``listed`` are of `pellucid.trace.neighbours`.
    """

    context: Context
    reason: Reason
    depth: int = FACTS
    asked: bool = False
    looking: Looking | None = None
    entered: float = 0.0
    answered: float | None = None
    left: float | None = None
    pause: float | None = None
    late: float = 0.0
    siblings: int = 0
    listed: bool = False

    @property
    def name(self) -> str:
        """What the trace can be found by: several requests may belong to one trace that began elsewhere."""
        return self.context.trace if self.context.parent is None else f"{self.context.trace}-{self.context.span}"

    @property
    def told(self) -> str | None:
        """The name, where whoever asked is told."""
        return self.name if self.asked else None
