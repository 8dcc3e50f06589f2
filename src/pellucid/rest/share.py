"""The shared statement: requests that wait at the same moment for the same statement travel together, in one transaction.

There is no timer. What has queued up while one call was under way leaves with the next; who comes alone leaves alone, at once. Inside the
call (the function ``pellucid.share``) each request has its own role, claims, settings and subtransaction. One that cannot be answered
there, for whatever reason, has left nothing behind: its own coroutine runs it alone, and what becomes of it then is the answer. So an
error is always that of a request on its own, and a neighbour's failure can be no one else's.
"""

import asyncio
import copy
import hashlib
import logging
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from pellucid.database.core import Database
from pellucid.database.opening import Beginning, Opening
from pellucid.database.sqlstate import RETRY, in_doubt
from pellucid.errors import DatabaseError, Interrupted, PellucidError, PoolExhausted, Unavailable
from pellucid.lifecycle import Lifecycle
from pellucid.observe import Stage, observe
from pellucid.rest.compile.writer import Statement

CALL = "select * from pellucid.share($1, $2, $3, $4, $5, $6, $7, $8, $9)"
PATIENCE = "10ms"
"""How long the first member that meets a lock waits for it; the others wait less."""
ENOUGH = 50
"""Milliseconds after which a call begins no further member: together they would only wait for each other."""
LIMIT = "500ms"
"""How long one call may take, for a member that is slow by itself; then all in it are run alone."""
MOST_MEMBERS = 50
"""Members of one call. PostgreSQL keeps up to 64 subtransactions of a transaction where every snapshot finds them cheaply."""
MOST_BYTES = 1 << 20
"""Characters of values in one call."""
LARGE = MOST_BYTES // 16
"""From this size on a request has more to gain from a connection of its own."""
MOST_WAITING = 2048
"""Members that wait in this process; whoever comes then is sent away."""
REST_SECONDS = 5.0
"""How long a statement is run alone after a call of it has run into the limit."""
MISSING = frozenset({"3F000", "42501", "42883"})
"""SQLSTATEs of a call that says: no such schema, no right, no such function (PostgreSQL, appendix A)."""

Record = Mapping[str, Any]
log = logging.getLogger(__name__)


class Route(NamedTuple):
    """What those who travel together have in common."""

    sql: str
    role: str | None
    path: str
    names: tuple[str, ...]
    read_only: bool


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One request in a queue, and where its answer is put: a record, or None when it has to be run alone."""

    opening: Opening
    values: Sequence[str]
    parameters: Sequence[str | None]
    size: int
    answer: asyncio.Future[Record | None]


class Share(Lifecycle):
    """The queues of this process, one for each statement, role and kind of transaction."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._queues: dict[Route, deque[Member]] = {}
        self._resting: dict[Route, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting = 0
        self._off = False

    async def record(self, beginning: Beginning, statement: Statement) -> Record | None:
        """The one record of a statement, fetched in company; None where it has to be run alone.

        A client that goes away takes its request out of the queue; once under way, it is carried out as a COMMIT under way would be.

        Args:
            beginning: how its own transaction would begin.
            statement: one that touches a row at most.

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
        names, values, path = _settings(opening)
        size = sum(map(len, values)) + sum(len(each) for each in parameters if each is not None)
        route = Route(statement.sql, opening.role, path, names, opening.read_only)
        if size >= LARGE or _unfit(values, parameters) or self._rests(route):
            return None
        if self._waiting >= MOST_WAITING:
            raise PoolExhausted("Too many requests wait for the database already.", headers=RETRY)
        member = Member(opening, values, parameters, size, asyncio.get_running_loop().create_future())
        self._enqueue(route, member)
        with observe(Stage.EXECUTE):
            return await member.answer

    async def _stop(self) -> None:
        self._off = True
        if self._tasks:
            await asyncio.wait(self._tasks)

    # -- the queues ---------------------------------------------------------------------------------------------------

    def _enqueue(self, route: Route, member: Member) -> None:
        self._waiting += 1
        queue = self._queues.get(route)
        if queue is not None:
            queue.append(member)
            return
        queue = self._queues[route] = deque((member,))
        task = asyncio.create_task(self._serve(route, queue), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, route: Route, queue: deque[Member]) -> None:
        """Make one call after the other until nobody waits. Between the last look and the end nothing else has its turn."""
        try:
            while queue:
                members = self._leaving(queue)
                if members:
                    await self._call(route, members)
        finally:
            del self._queues[route]
            self._waiting -= len(queue)
            _settle(queue, None)

    def _leaving(self, queue: deque[Member]) -> list[Member]:
        """The next members, without those whose clients have gone."""
        members: list[Member] = []
        size = 0
        while queue and len(members) < MOST_MEMBERS and size + queue[0].size <= MOST_BYTES:
            member = queue.popleft()
            self._waiting -= 1
            if not member.answer.done():
                members.append(member)
                size += member.size
        return members

    # -- one call -----------------------------------------------------------------------------------------------------

    async def _call(self, route: Route, members: Sequence[Member]) -> None:
        """Carry the members' requests out, and give each its answer once all is committed."""
        records: Sequence[Record] = ()
        try:
            records = await self._fetch(route, members)
        except Unavailable as fault:
            _fail(members, fault)
        except PellucidError as fault:
            self._heed(route, fault)
        except BaseException:
            _fail(members, in_doubt())
            raise
        for member, record in zip(members, records, strict=False):
            _settle((member,), record if record["done"] else None)
        _settle(members, None)

    async def _fetch(self, route: Route, members: Sequence[Member]) -> Sequence[Record]:
        values = [value for member in members for value in member.values]
        parameters = [parameter for member in members for parameter in member.parameters]
        width = len(members[0].parameters)
        lists = (list(route.names), values, parameters, width)
        async with self._database.together(members[0].opening, LIMIT) as transaction:
            return await transaction.fetch(CALL, _name(route), route.sql, route.path, *lists, PATIENCE, ENOUGH)

    def _heed(self, route: Route, fault: PellucidError) -> None:
        """Learn from a call that failed as a whole: everything in it has been rolled back."""
        if isinstance(fault, Interrupted):
            self._resting = {each: until for each, until in self._resting.items() if until > _now()}
            self._resting[route] = _now() + REST_SECONDS
        elif isinstance(fault, DatabaseError) and fault.sqlstate in MISSING:
            self._off = True
            log.warning("Requests do not travel together, for the function pellucid.share cannot be used: %s", fault)

    def _rests(self, route: Route) -> bool:
        return bool(self._resting) and self._resting.get(route, 0.0) > _now()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _settle(members: Iterable[Member], record: Record | None) -> None:
    for member in members:
        if not member.answer.done():
            member.answer.set_result(record)


def _fail(members: Iterable[Member], fault: Exception) -> None:
    for member in members:
        if not member.answer.done():
            member.answer.set_exception(copy.copy(fault))


@lru_cache(maxsize=1024)
def _name(route: Route) -> str:
    """The name of the prepared statement: one for each role, so that no plan is made for another."""
    return hashlib.blake2b(repr(route).encode(), digest_size=16).hexdigest()


def _settings(opening: Opening) -> tuple[tuple[str, ...], list[str], str]:
    """What a member sets, one by one: as the session that logged in, then as the caller. The search path goes apart."""
    names, values, path = ["role"], ["none"], ""
    for name, value in zip(opening.names, opening.values, strict=True):
        if name == "search_path":
            path = value
        else:
            names.append(name)
            values.append(value)
    return tuple(names), values, path


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
