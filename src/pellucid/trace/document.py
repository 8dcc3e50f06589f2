"""A trace as a value: what a server knows of one request, in the form in which it is kept, sent and drawn.

The client's half has the same rows (`Row`), measured with the client's own clock. The two are joined where the client waits: the server's
first row begins inside of the client's `wait`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from pellucid.observe import Fact, Stage


class Reason(StrEnum):
    """Why a request was traced."""

    ASKED = "asked"
    """Somebody who may asked for it, by the header."""
    SAMPLED = "sampled"
    """It was one of the share that is always traced, or its ``traceparent`` said so."""
    SLOW = "slow"
    """It took longer than the threshold."""


class Row(Struct, frozen=True):
    """One stay in one stage. ``start`` is in seconds from the beginning of the trace."""

    stage: Stage
    start: float
    seconds: float
    facts: Mapping[str, Fact] = field(default_factory=dict)


class Lock(Struct, frozen=True):
    """A lock that was taken, or waited for. ``holders`` say who had it: their process, what they did, for how long."""

    kind: str
    mode: str
    relation: str | None
    granted: bool
    waited: float = 0.0
    holders: tuple[str, ...] = ()


class Advice(Struct, frozen=True):
    """An index that would help a plan: the SQL that makes it, and an estimate of the statement's cost before and after.

    ``how`` tells what the estimate goes by. Costs are in PostgreSQL's own unit.
    """

    table: str
    sql: str
    how: str
    before: float | None = None
    after: float | None = None


class Statement(Struct, frozen=True):
    """One statement as PostgreSQL ran it. Seconds throughout.

    ``plan`` is PostgreSQL's own JSON of the plan with what it really did, where that could be had: an object with ``Plan`` (the topmost
    node) and ``Triggers``, as EXPLAIN (FORMAT JSON) has it; ``estimated`` tells that nothing in it was measured. ``nested`` are the
    statements that functions, triggers and policies ran inside of it; one that ran often stands there once, with the number of its
    ``calls`` and the sum of their seconds. ``policies`` are the conditions that row level security added, as ``table: policy: condition``.
    ``waits`` are the seconds in PostgreSQL's wait events, such as ``IO/DataFileRead``, as far as sampling saw them. With ``replanned``,
    ``planning`` is the time of planning it once more, which a prepared statement may have been spared. Secret parameters are masked.
    ``failed`` names the error of one that failed.
    """

    sql: str
    parameters: tuple[str | None, ...] = ()
    seconds: float = 0.0
    planning: float | None = None
    execution: float | None = None
    rows: int | None = None
    plan: Mapping[str, Any] | None = None
    nested: tuple["Statement", ...] = ()
    policies: tuple[str, ...] = ()
    locks: tuple[Lock, ...] = ()
    calls: int = 1
    estimated: bool = False
    replanned: bool = False
    waits: Mapping[str, float] = field(default_factory=dict)
    advice: tuple[Advice, ...] = ()
    failed: str = ""


class Record(Struct, frozen=True):
    """One record of the write-ahead log; ``meaning`` says in words what it is."""

    lsn: str
    manager: str
    kind: str
    length: int
    description: str
    blocks: str
    meaning: str = ""


class Place(Struct, frozen=True):
    """Where a row lies: the table, its file below the data directory, the page and the line pointer on it; sizes in bytes.

    ``mapped`` is what the free space map believes to be free there, which may lag behind. Where the page could not be looked at there is no
    picture, and ``free`` and ``rows`` are 0.
    ``picture`` has one character for each 128 bytes of the page: ``h`` header, ``l`` line pointers, ``.`` free, ``r`` rows, ``*`` this row.
    """

    table: str
    file: str
    page: int
    line: int
    free: int
    rows: int
    picture: str = ""
    mapped: int | None = None


class Commit(Struct, frozen=True):
    """What a commit wrote: log positions (LSN), records and bytes, and where the rows are now. ``waits`` are as a statement's."""

    before: str
    after: str
    flushed: str | None = None
    xid: str | None = None
    size: int = 0
    records: tuple[Record, ...] = ()
    places: tuple[Place, ...] = ()
    waits: Mapping[str, float] = field(default_factory=dict)


class Missing(Struct, frozen=True):
    """What could not be seen, why, and what would let it be seen."""

    what: str
    why: str
    remedy: str = ""


class Finding(Struct, frozen=True):
    """One sentence of the verdict: what took the time, because of what, what to do; and what that would gain, where it was tried.

    ``share`` is the part of the wall time that it explains, from 0 to 1. ``code`` names its kind, such as ``sequential-scan``.
    """

    code: str
    what: str
    because: str
    do: str
    share: float
    gain: str = ""


class Trace(Struct, frozen=True):
    """All that the server knows of one request.

    ``id`` and ``span`` are those of W3C Trace Context; ``parent`` is the caller's span. ``started`` is seconds since 1970.
    ``unaccounted`` is the part of ``seconds`` that no row explains.
    """

    id: str
    span: str
    parent: str | None
    request_id: str
    reason: Reason
    method: str
    target: str
    route: str
    status: int
    role: str | None
    user: str | None
    worker: int
    started: float
    seconds: float
    unaccounted: float
    rows: tuple[Row, ...]
    statements: tuple[Statement, ...] = ()
    commits: tuple[Commit, ...] = ()
    missing: tuple[Missing, ...] = ()
    findings: tuple[Finding, ...] = ()
