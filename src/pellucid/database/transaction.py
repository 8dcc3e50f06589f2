"""The data path: one transaction on the driver's own connection, in as few round trips as the driver allows."""

import logging
from types import TracebackType
from typing import Any, Self

import asyncpg

from pellucid.database.attendance import KEEP, SAVE, UNDO, Attendance
from pellucid.database.lease import Lease
from pellucid.database.opening import Opening
from pellucid.database.sqlstate import ABSENT, RETRY, STALE, absent, condition, disconnected, in_doubt
from pellucid.database.witness import Witness, witness
from pellucid.errors import Unavailable
from pellucid.observe import Stage, deep, observe, remark

_log = logging.getLogger("pellucid.database")


class Transaction:
    """One transaction of a caller. Use it as ``async with database.transaction(caller, read_only=True) as transaction``.

    BEGIN with role, claims and settings in one message, the statements of `fetch`, COMMIT. Leaving the block commits, before anything
    is sent to the client; an exception rolls back. After a cancellation, or whenever it is not certain what state the connection is
    in, the connection is closed and its place in the pool is free again.

    Raises:
        PellucidError: every error of PostgreSQL and of the way to it, translated.
    """

    __slots__ = ("_fetched", "_lease", "_opening", "_rollback")

    def __init__(self, lease: Lease, opening: Opening) -> None:
        """Prepare it; nothing is asked of the pool before the block is entered.

        Args:
            lease: brings the connection.
            opening: role, claims, settings and kind.
        """
        self._lease = lease
        self._opening = opening
        self._fetched = False
        self._rollback = False

    async def fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement and return its rows. ``args`` are bound to ``$1``, ``$2``, … JSON comes as text, as PostgreSQL wrote it."""
        try:
            with observe(Stage.EXECUTE) as span:
                rows = await self._fetch(sql, args)
        except Exception as fault:
            if span.depth:
                span.note(sql=sql, failed=condition(fault))
            await self._tell_failed(sql, args, fault)
            raise self._opening.translated(fault) from fault
        if span.depth:
            span.note(sql=sql, rows=len(rows), shared=1)
        self._fetched = True
        await self._tell(sql, args, len(rows))
        return rows

    def rollback_only(self) -> None:
        """Let the transaction end with a rollback, whatever happens. Deferred constraints are checked all the same."""
        self._rollback = True

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except Exception as fault:
            raise self._opening.translated(fault) from fault
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._lease.sound or not (fault is None or isinstance(fault, Exception)):
            await self._lease.discard()
            if fault is None:
                raise Unavailable("The connection to the database broke, and the transaction with it.", headers=RETRY)
            return
        try:
            await self._end(failed=fault is not None)
        except Exception as inner:
            raise self._opening.translated(inner) from inner

    # -- the beginning ------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        """Take a connection and open the transaction; once more when the server had gone, for nothing has been asked of it yet."""
        try:
            await self._take()
        except Exception as fault:
            if not disconnected(fault):
                raise
            await self._take()

    async def _take(self) -> None:
        await self._lease.take()
        try:
            await self._open()
        except Exception:
            await (self._end(failed=True) if self._lease.sound else self._lease.discard())
            raise
        except BaseException:
            await self._lease.discard()
            raise

    @property
    def _settings(self) -> str:
        """What opens it: BEGIN, with all the settings."""
        return self._opening.begin

    async def _open(self) -> None:
        look = witness.get()
        if look is None:
            await self._lease.run(self._lease.driver.execute(self._settings))
        else:
            await self._open_before(look)
        if deep():
            remark(Stage.SESSION, **self._opening.facts)
        if self._opening.first is not None:
            await self._run_first(self._opening.first)

    async def _run_first(self, sql: str) -> None:
        """Call the function that the server wants to be called first. That it is not there is no fault of the client."""
        try:
            with observe(Stage.SESSION):
                rows = await self._lease.run(self._lease.driver.fetch(sql))
        except ABSENT as fault:
            raise absent(fault) from fault
        await self._tell(sql, (), len(rows))

    async def _open_before(self, look: Witness) -> None:
        """Open the transaction before a witness. What is done for the witness alone is told as its looking."""
        driver = self._lease.driver
        await self._lease.run(driver.execute(self._settings))
        if look.settings:
            with observe(Stage.TRACE, point="settings"):
                await self._lease.run(self._set_for(look))
        await self._lease.run(Attendance(look, driver).opened())

    async def _set_for(self, look: Witness) -> None:
        """Make the settings of a witness; where PostgreSQL refuses them the transaction goes on without."""
        driver = self._lease.driver
        try:
            await driver.execute(f"{SAVE}; {self._opening.afterwards(look.settings)}; {KEEP}")
        except asyncpg.PostgresError:
            _log.warning("a transaction could not be opened with the settings of a witness", exc_info=True)
            await driver.execute(f"{UNDO}; {KEEP}")

    # -- the statements -----------------------------------------------------------------------------------------------

    async def _fetch(self, sql: str, args: tuple[Any, ...]) -> list[asyncpg.Record]:
        """Run a statement; when it was prepared for an older schema and is the first one, open anew and run it again."""
        try:
            return await self._lease.run(self._lease.driver.fetch(sql, *args))
        except STALE:
            if self._fetched:
                raise
            await self._lease.run(self._lease.driver.execute("ROLLBACK"))
            await self._open()
            return await self._lease.run(self._lease.driver.fetch(sql, *args))

    async def _tell(self, sql: str, args: tuple[Any, ...], rows: int) -> None:
        if self._lease.driver.attending is not None:
            await self._lease.run(self._lease.driver.attending.stated(sql, args, rows))

    async def _tell_failed(self, sql: str, args: tuple[Any, ...], fault: Exception) -> None:
        if self._lease.sound and self._lease.driver.attending is not None:
            await self._lease.run(self._lease.driver.attending.failed(sql, args, fault))

    # -- the end ------------------------------------------------------------------------------------------------------

    async def _end(self, *, failed: bool) -> None:
        """Commit or roll back, and give the connection back."""
        try:
            if failed:
                await self._lease.run(self._lease.driver.execute("ROLLBACK"))
            elif self._rollback:
                await self._lease.run(self._lease.driver.execute("SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK"))
            else:
                await self._commit()
        finally:
            await self._lease.release()

    async def _commit(self) -> None:
        try:
            await self._lease.run(self._lease.driver.execute("COMMIT"))
        except Exception as fault:
            if not disconnected(fault):
                raise
            raise in_doubt() from fault
