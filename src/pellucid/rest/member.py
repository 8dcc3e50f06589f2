"""One request among those that travel together, and the call that it travels in."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pellucid.observe import Fact, Recording, Stage


class Call(NamedTuple):
    """One call that somebody looks at: when it left, how many travelled in it, and what was observed of it."""

    left: float
    members: int
    recording: Recording


Record = Mapping[str, Any]


class Member(ABC):
    """One request in a queue.

    ``values`` are of the settings that are its own, ``parameters`` of the statement, and ``size`` is how many characters they have. No
    text in them holds a NUL. It is told by `settle` or `fail` what came of it.
    """

    __slots__ = ("call", "parameters", "size", "values")

    def __init__(self, values: Sequence[str], parameters: Sequence[str | None], size: int) -> None:
        self.values = values
        self.parameters = parameters
        self.size = size
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
    for span in call.recording.spans:
        if span.stage is Stage.POOL:
            facts |= {"pool_seconds": span.seconds, "lent": span.started + span.seconds - entered}
            facts |= {f"pool_{name}": value for name, value in span.facts.items()}
    return facts
