"""What is written down of one request: statements, commits, and what could not be seen."""

import asyncio
from collections.abc import Coroutine
from time import perf_counter
from typing import Any, TypeVar

from pellucid.trace.document import Commit, Missing, Statement
from pellucid.trace.witness.lookout import BROKEN, Lookout

T = TypeVar("T")

RIGHTS = "let the server log in for administration with a superuser"
"""What lets everything be seen."""

_LATE = "the database did not answer in time", "trace again when the server is calmer"


class Notebook:
    """Grows while a request runs. ``lookout`` is where one looks from.

    What is asked of the lookout has a time limit, for the request waits with its transaction open. When that was met once, nothing more is
    asked for this request.
    """

    def __init__(self, lookout: Lookout) -> None:
        self.lookout = lookout
        self.statements: list[Statement] = []
        self.commits: list[Commit] = []
        self._missing: dict[str, Missing] = {}
        self._patience = lookout.patience
        self._given_up = False

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What could not be seen, each thing once."""
        return tuple(self._missing.values())

    def miss(self, missing: Missing) -> None:
        """Something cannot be seen."""
        self._missing.setdefault(missing.what, missing)

    def be_patient(self, seconds: float) -> None:
        """Wait no longer than this for all that is tried from here on, until this is called again."""
        self._patience = seconds

    async def try_to(self, what: str, remedy: str, look: Coroutine[Any, Any, T]) -> T | None:
        """Look at something; None where that fails, which is told."""
        if self._given_up:
            look.close()
            self.miss(Missing(what, *_LATE))
            return None
        began = perf_counter()
        try:
            async with asyncio.timeout(self._patience):
                return await look
        except TimeoutError:
            self._given_up = True
            self.miss(Missing(what, *_LATE))
        except BROKEN as fault:
            reason = str(fault).partition("\n")[0] or type(fault).__name__
            self.miss(Missing(what, reason, remedy))
        finally:
            self._patience -= perf_counter() - began
        return None
