"""The shared statement: requests that wait at the same moment travel together, in one transaction.

There is no timer. What has queued up while one call was under way leaves with the next; who comes alone leaves alone, at once. Inside the
call (the function ``pellucid.share``) each request has its own role, claims, settings and subtransaction; where all is quiet
(``pellucid.share_mixed``), its own statement, claims and subtransaction. One that cannot be answered
there, for whatever reason, has left nothing behind: its own coroutine runs it alone, and what becomes of it then is the answer. So an
error is always that of a request on its own, and a neighbour's failure can be no one else's.
"""

import asyncio
import copy
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from functools import partial
from time import perf_counter

from pellucid.database.core import Database
from pellucid.database.opening import Beginning, Opening, literal
from pellucid.database.roundtrip import Trip
from pellucid.database.sqlstate import RETRY, in_doubt
from pellucid.errors import DatabaseError, Interrupted, PellucidError, PoolExhausted, Unavailable
from pellucid.lifecycle import Lifecycle
from pellucid.observe import FACTS, Recording, Span, Stage, hear, observe, unlisten
from pellucid.rest.compile.writer import Statement
from pellucid.rest.member import Waiting, told
from pellucid.rest.queue import HEAVY, MOST_BYTES, Call, Kind, Member, Queue, Record
from pellucid.rest.route import Route, array, route_of

# Arrays go as texts: the driver takes as long for each of their elements as PostgreSQL does for the whole.
CALL = """select * from pellucid.share(
  $1, $2, $3, $4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[], $8, $9, $10)"""
QUIET = """select * from pellucid.share_mixed(
  $1::text::text[], $2::text::text[], $3, $4::text::text[], $5::text::text[], $6, $7)"""
PATIENCE = "10ms"
"""How long the first member that meets a lock waits for it; the others wait less."""
ENOUGH = 50
"""Milliseconds after which a call begins no further member, and those who wait no longer wait for it."""
LIMIT = 0.5
"""Seconds that one call may take, for a member that is slow by itself."""
MIXED_LIMIT = 0.2
"""The same where others than its like wait for it."""
LARGE = MOST_BYTES // 16
"""From this size on a request has more to gain from a connection of its own."""
MOST_KINDS = 4096
MOST_WAITING = 2048
"""Members that wait in this process; whoever comes then is sent away."""
MISSING = frozenset({"3F000", "42501", "42883"})
"""SQLSTATEs of a call that says: no such schema, no right, no such function (PostgreSQL, appendix A)."""
STOPPED = "57014"
"""SQLSTATE of a statement that was stopped."""


log = logging.getLogger(__name__)
_OURS = re.compile(r"\bpellucid\b|\bshare(_mixed)?\b")
"""What an error names that is about the function itself."""


class Share(Lifecycle):
    """The queues of this process, and what is known of the statements of those who wait in them."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._kinds: dict[Route, Kind] = {}
        self._mixed: dict[Route, Queue] = {}
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
            if not self.enter(self.kind(route, opening), member):
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

    def kind(self, route: Route, opening: Opening) -> Kind:
        """The requests of a route. ``opening`` is how a transaction of one of them would open."""
        kind = self._kinds.get(route)
        if kind is None:
            if len(self._kinds) >= MOST_KINDS:
                self._kinds = {each: kind for each, kind in self._kinds.items() if kind.busy}
                self._mixed = {each: queue for each, queue in self._mixed.items() if queue.server}
            mixed = None if route.mixed is None else self._mixed.setdefault(route.mixed, Queue(route.mixed))
            kind = self._kinds[route] = Kind(route, Queue(route), mixed, opening)
        kind.opening = opening  # the newest catalog, and no old one is kept
        return kind

    def enter(self, kind: Kind, member: Member) -> bool:
        """Have a request of a kind wait for a call. False where it has to be run alone.

        Raises:
            PoolExhausted: too many wait already.
        """
        if member.size >= LARGE or self._off or kind.rests:
            return False
        if self._waiting >= MOST_WAITING:
            raise PoolExhausted("Too many requests wait for the database already.", headers=RETRY)
        self._waiting += 1
        member.kind = kind
        queue = kind.queue
        queue.waiting.append(member)
        if queue.server is None:
            self._begin(queue)
        return True

    def _begin(self, queue: Queue) -> None:
        queue.server = task = asyncio.create_task(self._serve(queue), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _stop(self) -> None:
        self._off = True
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, queue: Queue) -> None:
        """Make one call after the other until nobody waits, or another task does so. Between the last look and the end nothing else has its
        turn."""
        me = asyncio.current_task()
        try:
            while queue.waiting and queue.server is me:
                leaving = queue.leaving()
                self._waiting -= len(leaving)
                members = [member for member in leaving if not member.gone]
                if members:
                    await self._call(queue, members)
        finally:
            if queue.server is me:
                queue.server, queue.travelled = None, 0
                self._waiting -= len(queue.waiting)
                _settle(queue.waiting)
                queue.waiting.clear()

    def _relieve(self, queue: Queue, server: asyncio.Task[None] | None) -> None:
        """Somebody takes long in the call that this task makes: let another task make those of who wait."""
        if queue.server is server:
            queue.server, queue.travelled = None, 0
            if queue.waiting:
                self._begin(queue)

    # -- one call -----------------------------------------------------------------------------------------------------

    async def _call(self, queue: Queue, members: Sequence[Member]) -> None:
        """Carry the members' requests out, and give each its answer once all is committed."""
        began = perf_counter()
        try:
            records = await (self._observed(queue, members) if self._watched else self._fetch(queue, members))
        except Unavailable as fault:
            _fail(members, fault)
            return
        except PellucidError as fault:
            self._heed(queue, members, fault)
            _settle(members)
            return
        except BaseException:
            _fail(members, in_doubt())
            raise
        if queue.route.quiet:
            _clock(members, records)
        else:
            members[0].kind.clock((perf_counter() - began) / len(members))
        # The next call goes out first: PostgreSQL works on it while these are answered.
        asyncio.get_running_loop().call_soon(_tell_all, members, records)

    async def _observed(self, queue: Queue, members: Sequence[Member]) -> Sequence[Record]:
        """Carry them out for one at least who looks. Whoever does has begun to before its call leaves."""
        call = Call(perf_counter(), len(members), len({member.kind for member in members}), Recording(depth=FACTS))
        for member in members:
            member.call = call
        listening = hear(call.recording)
        try:
            return await self._fetch(queue, members)
        finally:
            unlisten(listening)

    async def _fetch(self, queue: Queue, members: Sequence[Member]) -> Sequence[Record]:
        if not queue.route.quiet:
            return await self._database.make(_any(queue, members))
        late = partial(self._relieve, queue, queue.server) if queue.mixed else None
        return await self._database.make(_quiet(queue, members, late))

    def _heed(self, queue: Queue, members: Sequence[Member], fault: PellucidError) -> None:
        """Learn from a call that failed as a whole: everything in it has been rolled back."""
        if isinstance(fault, Interrupted):
            for kind in {member.kind for member in members}:
                kind.part() if queue.mixed else kind.rest()
        elif isinstance(fault, DatabaseError) and fault.sqlstate in MISSING and _OURS.search(fault.message):
            if not self._off:
                log.warning(
                    "Requests do not travel together, for the function that carries them cannot be used: %s", fault
                )
            self._off = True


def _any(queue: Queue, members: Sequence[Member]) -> Trip:
    """A call of requests that may leave something behind. They are of one kind."""
    kind, route = members[0].kind, queue.route
    values = array([value for member in members for value in member.values])
    parameters = array([parameter for member in members for parameter in member.parameters])
    width = len(members[0].parameters)

    def args(missing: Sequence[str]) -> Sequence[object]:
        own = (queue.names, values, parameters, width, PATIENCE, ENOUGH)
        return (kind.name, route.sql if missing else None, route.read_only, queue.common, *own)

    return Trip(
        CALL, {kind.name: route.sql}, args, (kind.name,), kind.opening, LIMIT, quiet=False, reads=route.read_only
    )


def _quiet(queue: Queue, members: Sequence[Member], late: Callable[[], None] | None) -> Trip:
    """A call of quiet requests. ``late`` is told when others than their like have waited long enough for it."""
    turns = [member.kind.name for member in members]
    statements = {kind.name: kind.route.sql for kind in {member.kind for member in members}}
    calls, claims = array([_asking(member) for member in members]), array([member.values[0] for member in members])
    reads = queue.route.read_only

    def args(missing: Sequence[str]) -> Sequence[object]:
        texts = {name: f"PREPARE {name} AS {statements[name]}" for name in missing}
        prepares = array([texts.pop(name, None) for name in turns]) if missing else None
        return (prepares, calls, reads, queue.common, claims, PATIENCE, ENOUGH)

    limit, opening = LIMIT if late is None else MIXED_LIMIT, members[0].kind.opening
    return Trip(
        QUIET, statements, args, turns, opening, limit, quiet=True, reads=reads, patience=ENOUGH / 1000, late=late
    )


def _asking(member: Member) -> str:
    """The command that asks for the prepared statement with a member's values."""
    values = ",".join(["NULL" if each is None else literal(each) for each in member.parameters])
    return f"EXECUTE {member.kind.name}({values})" if values else f"EXECUTE {member.kind.name}"


def _clock(members: Sequence[Member], records: Sequence[Record]) -> None:
    """Learn from how long each has taken. Where the call was stopped, it had come to one that was slow."""
    seconds = [record["seconds"] for record in records]
    if max(seconds) <= HEAVY:
        for kind in {member.kind for member in members[: len(records)]}:
            kind.clock(0.0)
        return
    spent: dict[Kind, list[float]] = {}
    for member, own in zip(members, seconds, strict=False):
        spent.setdefault(member.kind, []).append(own)
    for kind, each in spent.items():
        kind.clock(sum(each) / len(each))
    for member, record in zip(members, records, strict=False):
        if not record["done"] and record["status"] == STOPPED:
            member.kind.rest()


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
