"""One request among those that travel together whose coroutine waits, and what it is told of the call that it travels in."""

import asyncio
from collections.abc import Sequence

from pellucid.observe import Fact, Stage
from pellucid.rest.queue import Call, Member, Record


class Waiting(Member):
    """One whose coroutine waits for ``answer``."""

    __slots__ = ("answer",)

    def __init__(self, values: Sequence[str], parameters: Sequence[str | None], size: int) -> None:
        super().__init__(values, parameters, size)
        self.answer: asyncio.Future[Record | None] = asyncio.get_running_loop().create_future()

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.answer.done()

    def settle(self, record: Record | None) -> None:
        """This is the answer; None where it has to be run alone."""
        if not self.answer.done():
            self.answer.set_result(record)

    def fail(self, fault: Exception) -> None:
        """It went wrong, and may not be tried again."""
        if not self.answer.done():
            self.answer.set_exception(fault)


def told(call: Call, entered: float) -> dict[str, Fact]:
    """What there is to be told of a call to one of its members. ``lent`` is when the call had its connection, from ``entered`` on."""
    facts: dict[str, Fact] = {"shared": call.members, "queued": call.left - entered, "round_trips": 1}
    if call.statements > 1:
        facts["statements"] = call.statements
    for span in call.recording.spans:
        if span.stage is Stage.POOL:
            facts |= {"pool_seconds": span.seconds, "lent": span.started + span.seconds - entered}
            facts |= {f"pool_{name}": value for name, value in span.facts.items()}
    return facts
