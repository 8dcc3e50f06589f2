"""Who may travel with whom, and those who wait for it.

Quiet reads wait together whatever their statements are, all others with their like. A statement that has shown to be heavy keeps to its
like for a while, so that nobody else waits for it, and one that is slow runs alone.
"""

import asyncio
import hashlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pellucid.database.opening import Opening
from pellucid.observe import Recording
from pellucid.rest.route import Route, array

MOST_MEMBERS = 50
"""Members of one call. PostgreSQL keeps up to 64 subtransactions of a transaction where every snapshot finds them cheaply."""
PARTS = 2
"""Into how many calls those who are about are divided."""
MOST_BYTES = 1 << 20
"""Characters of values in one call."""
REST_SECONDS = 5.0
"""How long a statement is run alone, or keeps to its like, after it has taken too long for that."""
HEAVY = 0.002
"""Seconds for each member from which on a statement has taken too long for others: they would wait for it more than a call of their own
takes."""
SLOW = 0.01
"""Seconds for each member from which on it has taken too long for its like too: it gains more from connections of its own."""
STRIKES = 3
"""How many calls must take too long one after the other; a machine may be busy with something else once."""


class Call(NamedTuple):
    """One call that somebody looks at: when it left, how many travelled in it with how many statements, and what was observed of it."""

    left: float
    members: int
    statements: int
    recording: Recording


Record = Mapping[str, Any]


class Member(ABC):
    """One request in a queue.

    ``values`` are of the settings that are its own, ``parameters`` of the statement of its ``kind``, and ``size`` is how many characters
    they have. No text in them holds a NUL. It is told by `settle` or `fail` what came of it.
    """

    __slots__ = ("call", "kind", "parameters", "size", "values")

    def __init__(self, values: Sequence[str], parameters: Sequence[str | None], size: int) -> None:
        self.values = values
        self.parameters = parameters
        self.size = size
        self.kind: Kind
        self.call: Call | None = None

    @property
    @abstractmethod
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""

    @abstractmethod
    def settle(self, record: Record | None) -> None:
        """This is the answer; None where it has to be run alone."""

    @abstractmethod
    def fail(self, fault: Exception) -> None:
        """It went wrong, and may not be tried again."""


class Queue:
    """Those who wait for the next call. ``server`` is the task that makes its calls, if there is one."""

    __slots__ = ("common", "mixed", "names", "route", "server", "travelled", "waiting")

    def __init__(self, route: Route) -> None:
        self.route = route
        self.common, self.names = array(route.common), array(route.names)
        self.mixed = not route.sql
        self.waiting: deque[Member] = deque()
        self.server: asyncio.Task[None] | None = None
        self.travelled = 0

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


class Kind:
    """The requests of one route: where they wait, and how their statement has behaved. ``opening`` tells with whose eyes its errors are
    read."""

    __slots__ = ("apart_until", "heavy", "like", "mixed", "name", "opening", "resting_until", "route", "slow")

    def __init__(self, route: Route, like: Queue, mixed: Queue | None, opening: Opening) -> None:
        self.route = route
        self.like = like
        self.mixed = mixed
        self.opening = opening
        self.name = f"p{hashlib.blake2b(repr(route).encode(), digest_size=16).hexdigest()}"
        """Of the prepared statement: one for each role, so that no plan is made for another. It needs no quotes."""
        self.heavy = self.slow = 0
        self.apart_until = self.resting_until = 0.0

    @property
    def queue(self) -> Queue:
        """Where a request of this kind has to wait."""
        return self.like if self.mixed is None or self._is_before(self.apart_until) else self.mixed

    @property
    def rests(self) -> bool:
        """Whether everybody runs alone just now."""
        return self._is_before(self.resting_until)

    @property
    def busy(self) -> bool:
        """Whether there is something to be remembered of it."""
        return self.like.server is not None or self.rests or self._is_before(self.apart_until)

    def clock(self, seconds: float) -> None:
        """Learn from how long a member of a call has taken."""
        self.heavy = self.heavy + 1 if seconds > HEAVY else 0
        self.slow = self.slow + 1 if seconds > SLOW else 0
        if self.heavy >= STRIKES:
            self.part()
        if self.slow >= STRIKES:
            self.rest()

    def part(self) -> None:
        """Let everybody keep to their like for a while."""
        self.apart_until = _now() + REST_SECONDS

    def rest(self) -> None:
        """Let everybody run alone for a while."""
        self.slow = 0
        self.resting_until = _now() + REST_SECONDS

    @staticmethod
    def _is_before(moment: float) -> bool:
        return moment > 0.0 and moment > _now()


def _now() -> float:
    return asyncio.get_running_loop().time()
