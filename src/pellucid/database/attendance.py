"""A witness at one transaction: called at its points, inside savepoints, so that nothing that it does wrong is the transaction's affair."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from pellucid.database.driver import Connection, Run
from pellucid.database.witness import Witness
from pellucid.observe import Stage, observe

_log = logging.getLogger("pellucid.database")

SAVE = "SAVEPOINT pellucid_witness"
UNDO = "ROLLBACK TO SAVEPOINT pellucid_witness"
KEEP = "RELEASE SAVEPOINT pellucid_witness"


class Attendance:
    """A witness at the transaction of a connection, from the moment in which the transaction is the caller's to its end.

    It fills `pellucid.database.driver.Attending`. The looking is told as `Stage.TRACE`.
    """

    __slots__ = ("_driver", "_witness")

    def __init__(self, witness: Witness, driver: Connection) -> None:
        self._witness = witness
        self._driver = driver

    async def opened(self) -> None:
        """The transaction has begun; from here on the connection tells of its end."""
        self._driver.attending = self
        await self._look("opened", lambda: self._witness.opened(self._driver))

    async def stated(self, sql: str, args: Sequence[Any], rows: int | None) -> None:
        """A statement has run."""
        await self._look("stated", lambda: self._witness.stated(self._driver, sql, args, rows))

    async def failed(self, sql: str, args: Sequence[Any], fault: Exception) -> None:
        """A statement has failed. PostgreSQL would refuse whatever is asked now, a savepoint too."""
        with observe(Stage.TRACE, point="failed"):
            try:
                await self._witness.failed(self._driver, sql, args, fault)
            except Exception:  # noqa: BLE001 - what a witness does wrong is its own affair
                _log.exception("a witness failed")

    async def end(self, query: str, run: Run) -> str:
        """End the transaction with this statement."""
        await self._look("ending", lambda: self._witness.ending(self._driver))
        self._driver.attending = None
        committed = False
        try:
            tag = await run(query)
            committed = tag.startswith("COMMIT")
        finally:
            if not self._driver.is_closed():
                await self._farewell(committed=committed)
        return tag

    async def _look(self, point: str, look: Callable[[], Awaitable[None]]) -> None:
        """Let it look, and undo whatever it does where it fails. In a transaction that has failed there is nothing to be asked."""
        driver = self._driver
        with observe(Stage.TRACE, point=point):
            try:
                await driver.execute(SAVE)
                try:
                    await look()
                except Exception:  # noqa: BLE001 - what a witness does wrong is its own affair
                    _log.exception("a witness failed")
                    await driver.execute(UNDO)
                await driver.execute(KEEP)
            except asyncpg.InFailedSQLTransactionError:
                pass
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):  # the transaction will find out by itself
                _log.exception("a witness could not look")

    async def _farewell(self, *, committed: bool) -> None:
        driver = self._driver
        with observe(Stage.TRACE, point="ended"):
            try:
                await self._witness.ended(driver, committed=committed)
            except Exception:  # noqa: BLE001 - what a witness does wrong is its own affair
                _log.exception("a witness failed")
            if driver.is_in_transaction() and not driver.is_closed():
                await driver.execute("ROLLBACK")
