"""The shared statement: requests that wait at the same moment for the same statement travel together, in one transaction.

There is no timer. What has queued up while one call was under way leaves with the next; who comes alone leaves alone, at once. Inside the
call (the function ``pellucid.share``) each request has its own role, claims, settings and subtransaction; where all is quiet
(``pellucid.share_quiet``), its own claims and subtransaction. One that cannot be answered
there, for whatever reason, has left nothing behind: its own coroutine runs it alone, and what becomes of it then is the answer. So an
error is always that of a request on its own, and a neighbour's failure can be no one else's.
"""

import asyncio
import copy
import hashlib
import logging
import re
from collections import deque
from collections.abc import Iterable, Sequence
from contextvars import Context
from itertools import chain
from time import perf_counter
from typing import NamedTuple

from pellucid.database.core import Database
from pellucid.database.opening import Beginning, Opening
from pellucid.database.roundtrip import Trip
from pellucid.database.sqlstate import RETRY, in_doubt
from pellucid.errors import DatabaseError, Interrupted, PellucidError, PoolExhausted, Unavailable
from pellucid.lifecycle import Lifecycle
from pellucid.observe import FACTS, Recording, Span, Stage, hear, observe, unlisten
from pellucid.rest.compile.writer import Statement
from pellucid.rest.member import Call, Member, Record, Waiting, told

# Arrays go as texts: the driver takes as long for each of their elements as PostgreSQL does for the whole.
CALL = """select * from pellucid.share(
  $1, $2, $3, $4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[], $8, $9, $10)"""
QUIET = """select * from pellucid.share_quiet(
  $1, $2, $3, $4::text::text[], $5::text::text[], $6::text::text[], $7, $8, $9)"""
PATIENCE = "10ms"
"""How long the first member that meets a lock waits for it; the others wait less."""
ENOUGH = 50
"""Milliseconds after which a call begins no further member: together they would only wait for each other."""
LIMIT = 0.5
"""Seconds that one call may take, for a member that is slow by itself; then all in it are run alone."""
MOST_MEMBERS = 50
"""Members of one call. PostgreSQL keeps up to 64 subtransactions of a transaction where every snapshot finds them cheaply."""
PARTS = 2
"""Into how many calls those who are about are divided."""
MOST_BYTES = 1 << 20
"""Characters of values in one call."""
LARGE = MOST_BYTES // 16
"""From this size on a request has more to gain from a connection of its own."""
MOST_QUEUES = 4096
MOST_WAITING = 2048
"""Members that wait in this process; whoever comes then is sent away."""
REST_SECONDS = 5.0
"""How long a statement is run alone after a call of it has run into the limit, or has taken long."""
SLOW = 0.01
"""Seconds for each member from which on a call has taken long: such statements gain more from connections of their own."""
STRIKES = 3
"""How many calls of a statement take long one after the other before it is run alone; a machine may be busy with something else once."""
MISSING = frozenset({"3F000", "42501", "42883"})
"""SQLSTATEs of a call that says: no such schema, no right, no such function (PostgreSQL, appendix A)."""
CLAIMS = "request.jwt.claims"
UNSEEN = frozenset({"request.method", "request.path", "request.headers", "request.cookies"})
"""What nothing looks at where all is quiet."""


log = logging.getLogger(__name__)
_OURS = re.compile(r"\bpellucid\b|\bshare(_quiet)?\b")
"""What an error names that is about the function itself."""


class Route(NamedTuple):
    """What those who travel together have in common: the statement, whether it only reads, what all of them set (names and values by
    turns), and of what each brings a value of its own. ``quiet`` tells that nothing has to be undone between two of them."""

    sql: str
    read_only: bool
    quiet: bool
    common: tuple[str, ...]
    names: tuple[str, ...]


class Queue:
    """Those who wait for one route. ``opening`` tells with whose eyes errors of the route are read."""

    __slots__ = (
        "common",
        "name",
        "names",
        "opening",
        "resting_until",
        "route",
        "served",
        "strikes",
        "travelled",
        "waiting",
    )

    def __init__(self, route: Route, opening: Opening) -> None:
        self.route = route
        self.common, self.names = array(route.common), array(route.names)
        self.opening = opening
        self.name = hashlib.blake2b(repr(route).encode(), digest_size=16).hexdigest()
        """Of the prepared statement: one for each role, so that no plan is made for another."""
        self.waiting: deque[Member] = deque()
        self.served = False
        self.travelled = 0
        self.strikes = 0
        self.resting_until = 0.0

    def leaving(self) -> list[Member]:
        """The next members of a call: a part of those who are about, so that PostgreSQL and this process work at the same time.

        If all went together, each of the two would wait while the other works. Those of the last call are being answered just now, and
        their clients are likely to come back.
        """
        most = min(MOST_MEMBERS, -(-(self.travelled + len(self.waiting)) // PARTS))
        members: list[Member] = []
        size = 0
        while self.waiting and len(members) < most and size + self.waiting[0].size <= MOST_BYTES:
            member = self.waiting.popleft()
            members.append(member)
            size += member.size
        self.travelled = len(members)
        return members

    def clock(self, seconds: float) -> None:
        """Learn from how long a member of a call has taken."""
        self.strikes = self.strikes + 1 if seconds > SLOW else 0
        if self.strikes >= STRIKES:
            self.rest()

    def rest(self) -> None:
        """Let everybody run alone for a while."""
        self.strikes = 0
        self.resting_until = _now() + REST_SECONDS

    @property
    def rests(self) -> bool:
        """Whether everybody runs alone just now."""
        return self.resting_until > 0.0 and self.resting_until > _now()


class Share(Lifecycle):
    """The queues of this process, one for each route."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._queues: dict[Route, Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._watched = 0
        self._off = False

    async def record(self, beginning: Beginning, statement: Statement, *, quiet: bool = False) -> Record | None:
        """The one record of a statement, fetched in company; None where it has to be run alone.

        A client that goes away takes its request out of the queue; once under way, it is carried out as a COMMIT under way would be.

        Args:
            beginning: how its own transaction would begin.
            statement: one that touches little.
            quiet: whether it leaves nothing behind and looks at nothing but its rows, the claims and the role.

        Raises:
            PoolExhausted: too many wait already, or no connection became free.
            Unavailable: the connection broke. A write may have been committed, as after a COMMIT of its own.
            Denied: the role is none that a request may take.
        """
        if self._off or beginning.first is not None or not beginning.commits:
            return None
        opening = self._database.opening(beginning)
        parameters = _texts(statement.parameters)
        if parameters is None or opening.isolation is not None:
            return None
        route, values = route_of(statement.sql, opening, quiet=quiet)
        if _unfit(values, parameters):
            return None
        member = Waiting(values, parameters, sum(map(len, values)) + sum(len(each or "") for each in parameters))
        with observe(Stage.EXECUTE) as span:
            if not self.enter(self.queue(route, opening), member):
                return None
            return await (member.answer if not span.depth else self._watch(member, span, statement.sql))

    async def _watch(self, member: Waiting, span: Span, sql: str) -> Record | None:
        """Wait for the answer of a request that somebody looks at: the call that it travels in is observed."""
        self._watched += 1
        try:
            record = await member.answer
        finally:
            self._watched -= 1
        if member.call is not None:
            span.note(sql=sql, rows=int(record["rows"]) if record else 0, **told(member.call, span.started))
        return record

    def queue(self, route: Route, opening: Opening) -> Queue:
        """The queue of a route. ``opening`` is how a transaction of one of its members would open."""
        queue = self._queues.get(route)
        if queue is None:
            if len(self._queues) >= MOST_QUEUES:
                self._queues = {each: queue for each, queue in self._queues.items() if queue.served or queue.rests}
            queue = self._queues[route] = Queue(route, opening)
        queue.opening = opening  # the newest catalog, and no old one is kept
        return queue

    def enter(self, queue: Queue, member: Member) -> bool:
        """Have a request wait in a queue. False where it has to be run alone.

        Raises:
            PoolExhausted: too many wait already.
        """
        if member.size >= LARGE or self._off or queue.rests:
            return False
        if self._waiting >= MOST_WAITING:
            raise PoolExhausted("Too many requests wait for the database already.", headers=RETRY)
        self._waiting += 1
        queue.waiting.append(member)
        if not queue.served:
            queue.served = True
            task = asyncio.create_task(self._serve(queue), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    async def _stop(self) -> None:
        self._off = True
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, queue: Queue) -> None:
        """Make one call after the other until nobody waits. Between the last look and the end nothing else has its turn."""
        try:
            while queue.waiting:
                leaving = queue.leaving()
                self._waiting -= len(leaving)
                members = [member for member in leaving if not member.gone]
                if members:
                    await self._call(queue, members)
        finally:
            queue.served, queue.travelled = False, 0
            self._waiting -= len(queue.waiting)
            _settle(queue.waiting)
            queue.waiting.clear()

    # -- one call -----------------------------------------------------------------------------------------------------

    async def _call(self, queue: Queue, members: Sequence[Member]) -> None:
        """Carry the members' requests out, and give each its answer once all is committed."""
        began = _now()
        try:
            records = await (self._observed(queue, members) if self._watched else self._fetch(queue, members))
        except Unavailable as fault:
            _fail(members, fault)
            return
        except PellucidError as fault:
            self._heed(queue, fault)
            _settle(members)
            return
        except BaseException:
            _fail(members, in_doubt())
            raise
        queue.clock((_now() - began) / len(members))
        # The next call goes out first: PostgreSQL works on it while these are answered.
        asyncio.get_running_loop().call_soon(_tell_all, members, records)

    async def _observed(self, queue: Queue, members: Sequence[Member]) -> Sequence[Record]:
        """Carry them out for one at least who looks. Whoever does has begun to before its call leaves."""
        call = Call(perf_counter(), len(members), Recording(depth=FACTS))
        for member in members:
            member.call = call
        listening = hear(call.recording)
        try:
            return await self._fetch(queue, members)
        finally:
            unlisten(listening)

    async def _fetch(self, queue: Queue, members: Sequence[Member]) -> Sequence[Record]:
        route = queue.route
        values = array([value for member in members for value in member.values])
        parameters = array([parameter for member in members for parameter in member.parameters])
        own = (values,) if route.quiet else (queue.names, values)
        args = (route.read_only, queue.common, *own, parameters, len(members[0].parameters), PATIENCE, ENOUGH)
        trip = Trip(
            QUIET if route.quiet else CALL,
            queue.name,
            route.sql,
            args,
            queue.opening,
            limit=LIMIT,
            quiet=route.quiet,
            reads=route.read_only,
        )
        return await self._database.make(trip)

    def _heed(self, queue: Queue, fault: PellucidError) -> None:
        """Learn from a call that failed as a whole: everything in it has been rolled back."""
        if isinstance(fault, Interrupted):
            queue.rest()
        elif isinstance(fault, DatabaseError) and fault.sqlstate in MISSING and _OURS.search(fault.message):
            if not self._off:
                log.warning(
                    "Requests do not travel together, for the function that carries them cannot be used: %s", fault
                )
            self._off = True


def _now() -> float:
    return asyncio.get_running_loop().time()


def array(texts: Iterable[str | None]) -> str:
    """Texts as PostgreSQL writes an array of them (PostgreSQL, 8.15.6)."""
    return f"{{{','.join([_NULL if text is None else _quoted(text) for text in texts])}}}"


_NULL = "NULL"


def _quoted(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return '"' + text.replace('"', '\\"') + '"'


def _tell(member: Member, record: Record | None) -> None:
    """Tell one member; whatever goes wrong there is no other's affair."""
    try:
        member.settle(record)
    except Exception:
        log.exception("an answer could not be told")
        _fail((member,), in_doubt())


def _tell_all(members: Sequence[Member], records: Sequence[Record]) -> None:
    """Give each member its answer. Those whom the call has not come to are run alone."""
    for member, record in zip(members, records, strict=False):
        _tell(member, record if record["done"] else None)
    _settle(members[len(records) :])


def _settle(members: Iterable[Member]) -> None:
    """Have those run alone who have no answer."""
    for member in members:
        _tell(member, None)


def _fail(members: Iterable[Member], fault: Exception) -> None:
    for member in members:
        try:
            member.fail(copy.copy(fault))
        except Exception:
            log.exception("an error could not be told")


def route_of(sql: str, opening: Opening, *, quiet: bool) -> tuple[Route, list[str]]:
    """With whom a member may travel, and the values that are its own.

    The statement is prepared as the caller, in the caller's search path. Where all is quiet only the claims differ after that; else each
    member sets everything anew, beginning as the session that logged in.
    """
    pairs = list(zip(opening.names, opening.values, strict=True))
    settings = [pair for pair in pairs if pair[0] not in _LAST]
    last = [pair for name in _LAST for pair in pairs if pair[0] == name]
    if quiet:
        common = [pair for pair in settings if pair[0] not in UNSEEN and pair[0] != CLAIMS] + last
        return Route(sql, opening.read_only, True, tuple(chain.from_iterable(common)), (CLAIMS,)), [dict(pairs)[CLAIMS]]
    own = [("role", "none"), *settings, ("role", str(dict(pairs)["role"]))]
    route = Route(sql, opening.read_only, False, tuple(chain.from_iterable(last)), tuple(name for name, _ in own))
    return route, [value for _, value in own]


_LAST = ("role", "search_path")


def _texts(parameters: Iterable[object]) -> list[str | None] | None:
    """The parameters as PostgreSQL reads them; None where there are others than texts and whole numbers."""
    texts: list[str | None] = []
    for each in parameters:
        if each is not None and not isinstance(each, str | int):
            return None
        texts.append(str(each) if isinstance(each, int) else each)
    return texts


def _unfit(*lists: Iterable[str | None]) -> bool:
    """Whether PostgreSQL could not even read one of the values, which would be the end of the whole call."""
    return any("\0" in each for values in lists for each in values if each is not None)
