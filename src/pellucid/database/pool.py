"""The pool. SQLAlchemy's sessions and the data path take their connections here, so there is one place where they are counted.

It is SQLAlchemy's `Pool` with a queue of our own, for two reasons. Those who wait are served in the order in which they came, and one
that is cancelled while a connection is handed to it passes it on. And the data path can take a connection without SQLAlchemy's
greenlets, which would cost it as much as its statements do.
"""

import asyncio
import time
from collections import deque
from typing import Any, Self

from sqlalchemy.pool import ConnectionPoolEntry, Pool
from sqlalchemy.util import await_only, greenlet_spawn

from pellucid.database.driver import Connection
from pellucid.database.sqlstate import translate
from pellucid.errors import PoolExhausted
from pellucid.observe import Fact, Recording, Span, Stage, deep, observe, recorded, remark

Turn = asyncio.Future[ConnectionPoolEntry | None]
"""What somebody waits for: a connection, or leave to open one (None)."""


MOST_HOLDERS = 20
"""Of those who hold connections, as many are named."""


Holder = tuple[Recording | None, float, Span | None]
"""Who has a connection in hand (nobody knows who, where it was taken for several requests), since when, and the stay in `Stage.POOL` that
brought it, where somebody looks. A plain tuple, for one is made for each time that a connection is taken."""


class FairPool(Pool):
    """Up to ``pool_size`` connections; whoever finds none waits at most ``timeout`` seconds, in line.

    The connection that came back last goes out first, so under little load few are used.
    """

    _is_asyncio = True

    def __init__(self, creator: Any, pool_size: int = 10, timeout: float = 10.0, **options: Any) -> None:
        super().__init__(creator, **options)
        self.pool_size = pool_size
        self.timeout = timeout
        self._idle: list[ConnectionPoolEntry] = []
        self._made = 0
        self._line: deque[Turn] = deque()
        self._holders: dict[ConnectionPoolEntry, Holder] = {}

    @property
    def opened(self) -> int:
        """How many connections there are, idle ones among them."""
        return self._made

    @property
    def taken(self) -> int:
        """How many connections are in somebody's hands."""
        return self._made - len(self._idle)

    # -- for the data path --------------------------------------------------------------------------------------------

    async def take(self) -> ConnectionPoolEntry:
        """Take a connection; its ``driver_connection`` is open. It must come back by `give_back` or by `give_up`.

        Raises:
            PoolExhausted: none came back in time.
            Unavailable: PostgreSQL does not let us in.
        """
        with observe(Stage.POOL):
            while True:
                if self._idle:
                    return self._lent(await self._fresh(self._idle.pop()))
                if self._made < self.pool_size:
                    return self._lent(await greenlet_spawn(self._make), new=True)
                if entry := await self._turn():
                    return self._lent(await self._fresh(entry))

    def give_back(self, entry: ConnectionPoolEntry) -> None:
        """Give back a connection that is open and idle."""
        self._do_return_conn(entry)

    def give_up(self, entry: ConnectionPoolEntry) -> None:
        """Give back the place of a connection that is of no use any more."""
        self._made -= 1
        self._came_back(entry)
        try:
            entry.invalidate()
        finally:
            self._call_next(None)

    async def _fresh(self, entry: ConnectionPoolEntry) -> ConnectionPoolEntry:
        """The connection, or a new one in its place when the server has closed it. asyncpg knows, so this asks nobody."""
        connection = entry.driver_connection
        if connection is not None and not connection.is_closed():
            return entry
        self._made -= 1
        entry.invalidate()
        return await greenlet_spawn(self._make)

    # -- for SQLAlchemy, which calls these in a greenlet --------------------------------------------------------------

    def connect(self) -> Any:
        """Lend a connection as SQLAlchemy does. Errors are translated here: to users' own code an OSError would look like one of theirs.

        Raises:
            PoolExhausted, Unavailable: as `take`.
        """
        with observe(Stage.POOL):
            try:
                return super().connect()
            except Exception as fault:
                raise translate(fault) from fault

    def recreate(self) -> Self:
        """The same again, empty."""
        return self.__class__(
            self._creator,
            pool_size=self.pool_size,
            timeout=self.timeout,
            recycle=self._recycle,
            echo=self.echo,
            logging_name=self._orig_logging_name,
            reset_on_return=self._reset_on_return,
            dialect=self._dialect,
            _dispatch=self.dispatch,
        )

    def dispose(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._made -= 1
            self._idle.pop().close()

    def status(self) -> str:
        """For people."""
        return f"{self.taken} of at most {self.pool_size} connections are taken, {len(self._idle)} idle, {len(self._line)} wait"

    def _do_get(self) -> ConnectionPoolEntry:
        while True:
            if self._idle:
                return self._lent(self._idle.pop())
            if self._made < self.pool_size:
                return self._lent(self._make(), new=True)
            if entry := await_only(self._turn()):
                return self._lent(entry)

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self._came_back(record)
        if not self._call_next(record):
            self._idle.append(record)

    def _lent(self, entry: ConnectionPoolEntry, *, new: bool = False) -> ConnectionPoolEntry:
        """Remember who has it, and say what it is like."""
        recording, stay = recorded(), None
        if recording is not None and recording.depth:
            stay = _stay(recording)
            if stay is not None:
                stay.note(**self._facts(entry, new=new))
        self._holders[entry] = (recording, time.perf_counter(), stay)
        return entry

    def _came_back(self, entry: ConnectionPoolEntry) -> None:
        """Forget who had it, and tell them for how long, if they look."""
        holder = self._holders.pop(entry, None)
        if holder is not None and (stay := holder[2]) is not None:
            stay.note(held=time.perf_counter() - (stay.ended or holder[1]))

    def _facts(self, entry: ConnectionPoolEntry, *, new: bool) -> dict[str, Fact]:
        return {
            "backend": driver_of(entry).get_server_pid(),
            "age": round(time.time() - float(getattr(entry, "starttime", 0.0)), 3),
            "new": new,
            "size": self.pool_size,
            "open": self._made,
            "taken": self.taken,
        }

    # -- the line -----------------------------------------------------------------------------------------------------

    def _make(self) -> ConnectionPoolEntry:
        self._made += 1
        try:
            entry: ConnectionPoolEntry = self._create_connection()
        except BaseException as fault:
            self._made -= 1
            self._call_next(None)
            if isinstance(fault, Exception):
                raise translate(fault) from fault
            raise
        return entry

    async def _turn(self) -> ConnectionPoolEntry | None:
        """Wait for a connection that somebody gives back, or for leave to open one."""
        if deep():
            holders = "; ".join([_told(holder) for holder in list(self._holders.values())[:MOST_HOLDERS]])
            remark(Stage.POOL, waited=True, ahead=len(self._line), holders=holders)
        loop = asyncio.get_running_loop()
        turn: Turn = loop.create_future()
        timer = loop.call_later(self.timeout, _give_up_waiting, turn)
        self._line.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on(turn)
            raise
        finally:
            timer.cancel()

    def _pass_on(self, turn: Turn) -> None:
        """Somebody was cancelled just when its turn came: the next in line has it."""
        if turn.exception() is not None:
            return
        entry = turn.result()
        if entry is None:
            self._call_next(None)
        else:
            self._do_return_conn(entry)

    def _call_next(self, entry: ConnectionPoolEntry | None) -> bool:
        """Hand the connection, or leave to open one, to the first who still waits. False when nobody does."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(entry)
                return True
        return False


def _stay(recording: Recording) -> Span | None:
    """The last stay in the pool."""
    return next((span for span in reversed(recording.spans) if span.stage is Stage.POOL), None)


def _told(holder: Holder) -> str:
    """Who has it, for people."""
    recording, since, _ = holder
    about = recording.about if recording is not None else None
    return f"{about() if about else 'a shared call, or the server itself,'} for {(time.perf_counter() - since) * 1000:.0f} ms"


def driver_of(entry: ConnectionPoolEntry) -> Connection:
    """The driver's own connection behind an entry of the pool."""
    connection = entry.driver_connection
    assert isinstance(connection, Connection)  # noqa: S101 - the engine makes no others
    return connection


def _give_up_waiting(turn: Turn) -> None:
    if not turn.done():
        turn.set_exception(
            PoolExhausted(
                "Timed out acquiring connection from connection pool.",
                hint="Try again in a second. Where this happens often, look for slow statements or raise the pool size.",
                headers={"Retry-After": "1"},
            )
        )
