"""A client that looks at its own watch: asks, follows redirects, keeps connections, and gives rows."""

import asyncio
from time import perf_counter

from pellucid.observe import Stage
from pellucid.trace.client.asked import FOLLOWED, Asked, Origin, Ways
from pellucid.trace.client.complaint import Complaint
from pellucid.trace.client.failure import Failed, HungUp
from pellucid.trace.client.notes import Notes
from pellucid.trace.client.opening import Opener
from pellucid.trace.client.talk import Head, Sink, Talk
from pellucid.trace.journey import Hop, Journey

TRACE_HEADER = "pellucid-trace"
TRACE_TOKEN = "pellucid-trace-token"  # noqa: S105 - the name of a header
"""Proves that whoever asks for a trace may have it, where the request's own credentials do not."""


class Client:
    """Asks; an asynchronous context manager that hangs up at its end.

    Attributes:
        requests: what was asked on the last journey, hop by hop.
        answers: the head of each answer of the last journey.
        failure: why the last journey has no answer; None where it has.
    """

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._opener = Opener(ways)
        self._open: dict[Origin, tuple[Talk, int]] = {}
        self.requests: list[Asked] = []
        self.answers: list[Head] = []
        self.failure: Failed | None = None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        for talk, _times in self._open.values():
            await talk.close()
        self._open.clear()

    async def visit(self, asked: Asked, sink: Sink) -> Journey:
        """Ask until there is an answer that sends nowhere else, or none. The body of the last one goes to the sink."""
        self.requests, self.answers, self.failure = [], [], None
        self._opener.prepare(asked.origin)
        started = perf_counter()
        hops: list[Hop] = []
        following: Asked | None = asked
        while following is not None:
            self.requests.append(following)
            hop, following = await self._hop(following, Notes(started), sink)
            hops.append(hop)
            if following is not None and len(hops) > self._ways.most_hops:
                self.failure = Failed(
                    f"it sends elsewhere more than {self._ways.most_hops} times", "do its redirects go in a circle?"
                )
                following = None
        return Journey(tuple(hops))

    async def _hop(self, asked: Asked, notes: Notes, sink: Sink) -> tuple[Hop, Asked | None]:
        """One request; gives what came of it, and what to ask next."""
        exchange = _Exchange(asked, sink, self._ways)
        following = None
        try:
            async with asyncio.timeout(self._ways.timeout):
                await self._ask(exchange, notes)
            following = exchange.following()
        except Failed as failed:
            self.failure = failed
        except TimeoutError:
            seconds = f"{self._ways.timeout:g} s"
            self.failure = Failed(f"there was no whole answer within {seconds}", "give it more time with --max-time")
        if exchange.head is not None:
            self.answers.append(exchange.head)
        return self._told(exchange, notes), following

    def _told(self, exchange: "_Exchange", notes: Notes) -> Hop:
        asked, head = exchange.asked, exchange.head
        return Hop(
            asked.method,
            self._ways.shown(asked.url),
            tuple(notes.rows),
            exchange.version,
            None if head is None else head.status,
            "" if head is None else head.reason,
            "" if head is None else head.get(TRACE_HEADER),
            failure="" if self.failure is None else self.failure.message,
            hint="" if self.failure is None else self.failure.hint,
            complaint=exchange.complaint.told(head, self._ways.said),
        )

    async def _ask(self, exchange: "_Exchange", notes: Notes) -> None:
        origin = exchange.asked.origin
        kept = self._open.pop(origin, None)
        if kept is not None and kept[0].open():
            try:
                return await self._talk(exchange, *kept, notes)
            except HungUp:
                notes.rows.clear()  # it hung up while nobody asked: the request has not been heard
                exchange.head = None
        elif kept is not None:
            await kept[0].close()
        return await self._talk(exchange, await self._opener.open(origin, notes), 0, notes)

    async def _talk(self, exchange: "_Exchange", talk: Talk, times: int, notes: Notes) -> None:
        try:
            await exchange.through(talk, times, notes)
        except BaseException:
            await talk.close()
            raise
        self._opener.answered(exchange.asked.origin)
        if self._ways.kept and talk.open():
            self._open[exchange.asked.origin] = (talk, times + 1)
        else:
            await talk.close()


class _Exchange:
    """One request and its answer on one connection."""

    def __init__(self, asked: Asked, sink: Sink, ways: Ways) -> None:
        self.asked = asked
        self.head: Head | None = None
        self.version = ""
        self.complaint = Complaint(sink)
        self._ways = ways

    async def through(self, talk: Talk, times: int, notes: Notes) -> None:
        """Send, wait, receive."""
        with notes.stay(Stage.SEND) as facts:
            facts |= {
                "method": self.asked.method,
                "http": talk.version,
                "connection": f"kept, request {times + 1}" if times else "new",
            }
            if self.asked.left:
                facts["left_behind"] = ", ".join(self.asked.left)
            facts.update(await talk.send(self.asked))
        with notes.stay(Stage.WAIT) as facts:
            self.head = await talk.wait()
            facts["first_byte"] = round(perf_counter() - notes.started, 6)
        self.version = talk.version
        with notes.stay(Stage.RECEIVE) as facts:
            facts["status"] = self.head.status
            facts.update(
                {name: value for name in ("content-type", "content-encoding") if (value := self.head.get(name))}
            )
            facts.update(await talk.receive(self.complaint.hear if not self._location() else _nowhere))

    def _location(self) -> str:
        head = self.head
        return head.get("location") if head is not None and self._ways.location and head.status in FOLLOWED else ""

    def following(self) -> Asked | None:
        """What the answer sends to; none where it is the last one."""
        location = self._location()
        if not location or self.head is None:
            return None
        return self.asked.followed(self.head.status, location, self._ways.secret)


def _nowhere(_: bytes) -> None:
    """The body of a redirect is of no interest."""
