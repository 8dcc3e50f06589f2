"""What is written down of one request: statements, commits, and what could not be seen."""

from collections.abc import Awaitable
from typing import TypeVar

from pellucid.trace.document import Commit, Missing, Statement
from pellucid.trace.witness.lookout import BROKEN, Lookout

T = TypeVar("T")


class Notebook:
    """Grows while a request runs. ``lookout`` is where one looks from."""

    def __init__(self, lookout: Lookout) -> None:
        self.lookout = lookout
        self.statements: list[Statement] = []
        self.commits: list[Commit] = []
        self._missing: dict[str, Missing] = {}

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What could not be seen, each thing once."""
        return tuple(self._missing.values())

    def miss(self, missing: Missing) -> None:
        """Something cannot be seen."""
        self._missing.setdefault(missing.what, missing)

    async def try_to(self, what: str, remedy: str, look: Awaitable[T]) -> T | None:
        """Look at something; None where that fails, which is told."""
        try:
            return await look
        except BROKEN as fault:
            reason = str(fault).partition("\n")[0] or type(fault).__name__
            self.miss(Missing(what, reason, remedy))
            return None
