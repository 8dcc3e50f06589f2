"""What a database is doing, as values: statements, connections, locks, replication, and the like. Seconds and bytes throughout."""

from msgspec import Struct, field

from pellucid.trace.document import Missing


class Ran(Struct, frozen=True):
    """A statement since the statistics began: how often, how long in all, on average and as a share of all, and the rows that it gave.

    ``hit`` is the share of its pages that were in memory. ``rate`` is how often it runs in a second now.
    """

    query: int
    role: str
    sql: str
    calls: int
    seconds: float
    mean: float
    share: float
    rows: int
    hit: float | None
    rate: float | None = None


class Slower(Struct, frozen=True):
    """A statement that takes longer than it did: seconds on average, before and now."""

    query: int
    role: str
    sql: str
    before: float
    now: float
    calls: int

    @property
    def factor(self) -> float:
        """How many times longer."""
        return self.now / self.before if self.before else float("inf")


class Connections(Struct, frozen=True):
    """Connections of one kind, and how long the oldest of them has been in its state."""

    application: str
    state: str
    count: int
    longest: float


class Busy(Struct, frozen=True):
    """A process of PostgreSQL that has a transaction open; ``seconds`` is the transaction's age."""

    process: int
    role: str
    application: str
    state: str
    waits: str
    seconds: float
    sql: str


class Blocked(Struct, frozen=True):
    """A process that waits for a lock, or holds one that others wait for. ``blockers`` are those that it waits for."""

    process: int
    application: str
    state: str
    lock: str
    seconds: float
    sql: str
    blockers: tuple[int, ...] = ()


class Replica(Struct, frozen=True):
    """A server that follows this one, or a slot that keeps the log for one; ``behind`` in bytes of log."""

    name: str
    kind: str
    state: str
    behind: int | None
    lag: float | None = None


class Bloated(Struct, frozen=True):
    """A table with many dead rows; ``cleaned`` is when it was vacuumed last, in seconds since 1970."""

    table: str
    live: int
    dead: int
    size: int
    cleaned: float | None


class Counters(Struct, frozen=True):
    """What only grows, read at one moment (``at``, in seconds of the server's clock); rates are the difference of two."""

    at: float
    commits: int
    rollbacks: int
    hits: int
    reads: int
    log: int
    calls: dict[tuple[int, str], int] = field(default_factory=dict)


class Vitals(Struct, frozen=True):
    """The database as a whole. Rates are per second, and None at the first look; ``hit`` is the share of pages that were in memory."""

    database: str
    version: str
    role: str
    size: int
    connections: int
    most: int
    standby: bool
    hit: float | None
    transactions: float | None = None
    rollbacks: float | None = None
    log: float | None = None


class Overview(Struct, frozen=True):
    """One look at everything. ``taken`` is in seconds since 1970."""

    taken: float
    vitals: Vitals
    statements: tuple[Ran, ...] = ()
    slower: tuple[Slower, ...] = ()
    connections: tuple[Connections, ...] = ()
    longest: tuple[Busy, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    replicas: tuple[Replica, ...] = ()
    bloated: tuple[Bloated, ...] = ()
    missing: tuple[Missing, ...] = ()
