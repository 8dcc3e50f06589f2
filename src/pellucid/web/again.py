"""Requests that come again: what `pellucid.web.memory` and those who fill it say to each other."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, field
from starlette.types import Scope

from pellucid.web.identity import Identity


class Again(NamedTuple):
    """An answer: the number of its rows, its body, and the lines of those headers that depend on the request's values."""

    rows: int
    body: bytes
    lines: bytes = b""


class Likeness(Protocol):
    """What a request is like. Two with equal signatures, bodies of equal keys and the same role differ in nothing but values."""

    @property
    def signature(self) -> tuple[object, ...]:
        """All but the values."""
        ...

    @property
    def values(self) -> Sequence[str]:
        """The values."""
        ...


class Repeatable(Protocol):
    """A request that can be asked again with other values."""

    @property
    def current(self) -> bool:
        """Whether that is so still."""
        ...

    @property
    def least(self) -> int:
        """The number of rows below which the answer is another one. A write has this number, or none."""
        ...

    def again(self, values: Sequence[str], payload: Any, identity: Identity, then: "Then") -> bool:
        """Ask again, and tell what came of it later; False where the usual way has to be taken, and then nothing has been done."""
        ...


class Then(Protocol):
    """Who is told what came of a request that was asked again: exactly one of the three."""

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        ...

    def answered(self, again: Again) -> None:
        """This is the answer."""
        ...

    def unanswered(self) -> None:
        """The usual way has to be taken; nothing has been done."""
        ...

    def failed(self, fault: Exception) -> None:
        """It went wrong, and may not be tried again."""
        ...


class Reply(Protocol):
    """How a request is answered: by exactly one call of `whole` or `usual`."""

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        ...

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """Answer: the status, the lines of the head and the body."""
        ...

    def usual(self) -> None:
        """Let it take the usual way."""
        ...


class Reader(Protocol):
    """Looks at requests. The data API fills it."""

    def likeness(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Likeness | None:
        """What a request is like; None for one that takes the usual way."""
        ...

    def payload(self, content: bytes) -> tuple[tuple[str, ...], Any] | None:
        """The keys of a body, and what `Repeatable.again` takes of it; None for one that takes the usual way."""
        ...


class Head(Struct, frozen=True):
    """The head of an answer, as it left: everything in it that the next answer of this kind has too.

    ``lines`` are its fields as they go over the wire; ``sized`` tells that its length is among them.
    """

    status: int
    lines: bytes
    sized: bool


class Entry(Struct, frozen=True):
    """What is remembered of a kind of request: how to ask again, and the head of an answer by the number of its rows."""

    repeat: Repeatable
    route: str
    heads: dict[int, Head] = field(default_factory=dict)
