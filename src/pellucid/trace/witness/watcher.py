"""The witness of one request: it follows the request's transactions and writes down what PostgreSQL did for it."""

from collections.abc import Sequence
from typing import Any

from pellucid.database.capabilities import Feature
from pellucid.database.driver import Connection
from pellucid.trace.document import Commit, Missing, Statement
from pellucid.trace.witness.asking import Settings, full
from pellucid.trace.witness.lookout import Lookout
from pellucid.trace.witness.notebook import Notebook
from pellucid.trace.witness.stay import Stay

BEHIND = 4
"""How many times as long as at other points may be looked behind a commit, where no lock is held any more."""


class Watcher:
    """Fills `pellucid.database.witness.Witness` for one request, with all that can be seen.

    ``statements``, ``commits`` and ``missing`` grow while the request runs; all is there when its last transaction has ended. Whatever
    cannot be seen is a `Missing`, told once. It never does a statement a second time: plans come from the run itself.
    """

    def __init__(self, lookout: Lookout) -> None:
        """Prepare it.

        Args:
            lookout: the place to look from.
        """
        self._lookout = lookout
        self._notebook = Notebook(lookout)
        self._stays: dict[int, Stay] = {}
        if lacking := lookout.lacks("plans of statements as they ran", Feature.PLANS):
            self._notebook.miss(lacking)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The statements that have run."""
        return tuple(self._notebook.statements)

    @property
    def commits(self) -> tuple[Commit, ...]:
        """The commits that wrote something."""
        return tuple(self._notebook.commits)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What could not be seen."""
        return self._notebook.missing

    @property
    def settings(self) -> Settings:
        """Those that have the transaction sent its plans; none where that is not allowed."""
        version = self._lookout.capabilities.server_version or self._lookout.seen.version
        return full(version) if self._lookout.plans else ()

    async def opened(self, driver: Connection) -> None:
        """The transaction has begun: from here on look at it."""
        stay = self._stays[id(driver)] = Stay(self._notebook, driver)
        self._notebook.be_patient(self._lookout.patience)
        await stay.begin()

    async def stated(self, driver: Connection, sql: str, args: Sequence[Any], rows: int | None) -> None:
        """A statement has run: write down what is known of it."""
        if stay := self._stays.get(id(driver)):
            self._notebook.be_patient(self._lookout.patience)
            await stay.statement(sql, args, rows)

    async def failed(self, driver: Connection, sql: str, args: Sequence[Any], fault: Exception) -> None:
        """A statement has failed: write down what is known of it without asking in its transaction."""
        if stay := self._stays.get(id(driver)):
            stay.failure(sql, args, fault)

    async def ending(self, driver: Connection) -> None:
        """It is about to end: note what only a transaction under way knows of itself."""
        if stay := self._stays.get(id(driver)):
            self._notebook.be_patient(self._lookout.patience)
            await stay.finish()

    async def ended(self, driver: Connection, *, committed: bool) -> None:
        """It is over: look at what it wrote, from outside."""
        stay = self._stays.pop(id(driver), None)
        if stay is None:
            return
        self._notebook.be_patient(BEHIND * self._lookout.patience)
        await stay.end(committed=committed)

    async def close(self) -> None:
        """Look no more, also at transactions that were broken off."""
        try:
            if self._stays:
                await self._stays.popitem()[1].leave()
        finally:
            if self._stays:
                await self.close()
