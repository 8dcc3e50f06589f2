"""What happens to a request, stage by stage: one vocabulary, many listeners.

The code that does the work says ``with observe(Stage.PLAN): …`` and knows no more. Server-Timing, the log, the metrics and the
tracer read the `Recording` afterwards. Emitters give strings and numbers only, never domain objects. With no recording open,
`observe` does nothing. A recording opened inside another one hears its own part; the outer one still hears all.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from enum import StrEnum
from time import perf_counter
from typing import Self

from msgspec import Struct, field


class Stage(StrEnum):
    """The stages of a request, in the order in which it meets them."""

    # seen from the client
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    SEND = "send"
    WAIT = "wait"
    RECEIVE = "receive"
    # seen in the server
    PROXY = "proxy"
    SERVER = "server"
    IDENTITY = "identity"
    PARSE = "parse"
    VALIDATE = "validate"
    PLAN = "plan"
    POOL = "pool"
    SESSION = "session"
    EXECUTE = "execute"
    COMMIT = "commit"
    RESPOND = "respond"
    # seen in PostgreSQL
    PLANNING = "planning"
    EXECUTION = "execution"
    LOCKS = "locks"
    WAL = "wal"
    DISK = "disk"
    # the looking itself
    TRACE = "trace"


Fact = str | int | float | bool
"""What an emitter may say about a stage."""

FACTS, ALL = 1, 2
"""How deeply somebody looks (`Recording.depth`): at what is easily told, or at everything. With 0 only times are kept."""


class Span(Struct):
    """One stay in one stage; a context manager that ends when its block does. Times are seconds of `time.perf_counter`.

    ``depth`` tells how deeply somebody looks: what costs something to be worked out is noted only where it is not 0.
    """

    stage: Stage
    started: float
    ended: float | None = None
    facts: dict[str, Fact] = field(default_factory=dict)
    depth: int = 0

    @property
    def seconds(self) -> float:
        """How long it took; 0.0 while it is still under way."""
        return 0.0 if self.ended is None else self.ended - self.started

    def note(self, **facts: Fact) -> None:
        """Add what is known about this stay."""
        self.facts.update(facts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = perf_counter()


class _Silent(Span):
    """The span given out when nobody listens: it forgets."""

    def note(self, **facts: Fact) -> None:
        """Forget."""

    def __exit__(self, *_: object) -> None:
        """Keep no time either."""


_SILENT = _Silent(Stage.SERVER, 0.0, 0.0)


class Recording(Struct):
    """All spans of one request, in the order in which they began.

    ``depth`` tells how deeply somebody looks at it, and ``about`` says what is recorded, such as a method and a route.
    """

    started: float = field(default_factory=perf_counter)
    spans: list[Span] = field(default_factory=list)
    outer: "Recording | None" = None
    depth: int = 0
    about: Callable[[], str] | None = None

    def totals(self) -> Mapping[Stage, float]:
        """Seconds spent in each stage that was met."""
        totals: dict[Stage, float] = {}
        for span in self.spans:
            totals[span.stage] = totals.get(span.stage, 0.0) + span.seconds
        return totals


_recording: ContextVar[Recording | None] = ContextVar("pellucid_recording", default=None)


def listen() -> tuple[Recording, Token[Recording | None]]:
    """Open a recording for the current context; close it with `unlisten`."""
    outer = _recording.get()
    recording = Recording(outer=outer)
    if outer is not None:
        recording.depth, recording.about = outer.depth, outer.about
    return recording, hear(recording)


def hear(recording: Recording) -> Token[Recording | None]:
    """Open this very recording for the current context; close it with `unlisten`."""
    return _recording.set(recording)


def unlisten(token: Token[Recording | None]) -> None:
    """Close the recording that `listen` opened."""
    _recording.reset(token)


def observe(stage: Stage, **facts: Fact) -> Span:
    """Observe one stay in a stage: ``with observe(Stage.PLAN) as span: …``.

    Args:
        stage: which one.
        facts: what is known beforehand; more can be added with `Span.note`.
    """
    recording = _recording.get()
    if recording is None:
        return _SILENT
    span = Span(stage, perf_counter(), None, facts, recording.depth)
    while recording is not None:
        recording.spans.append(span)
        recording = recording.outer
    return span


def deep() -> int:
    """How deeply somebody looks at what is done here: 0, `FACTS` or `ALL`."""
    recording = _recording.get()
    return 0 if recording is None else recording.depth


def recorded() -> Recording | None:
    """The recording that is open here, if any is."""
    return _recording.get()


def remark(stage: Stage, **facts: Fact) -> None:
    """Add what is known about the last stay in a stage, for those who know it and have not begun that stay themselves."""
    recording = _recording.get()
    if recording is None:
        return
    for span in reversed(recording.spans):
        if span.stage is stage:
            span.facts.update(facts)
            return
