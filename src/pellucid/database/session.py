"""The sessions that users' own code and the accounts work with: SQLAlchemy's, opened with the caller's role and claims."""

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.util import await_only

from pellucid.database.attendance import KEEP, SAVE, UNDO, Attendance
from pellucid.database.opening import OPENING, Opening
from pellucid.database.sqlstate import FOREIGN, disconnected, in_doubt
from pellucid.database.witness import Witness, witness
from pellucid.errors import ReadOnly
from pellucid.observe import Stage, deep, remark

READ_ONLY = ("transaction_read_only", "on")
_OPENING = {"stage": Stage.SESSION}
_LOOKING = {"stage": Stage.TRACE}

_log = logging.getLogger("pellucid.database")


class OpenedSession(Session):
    """The synchronous half of a session of ours: each of its transactions opens as `Opening` says, also after a commit."""

    def __init__(self, *args: Any, opening: Opening, **options: Any) -> None:
        super().__init__(*args, **options)
        self.opening = opening


@event.listens_for(OpenedSession, "after_begin")
def _open(session: OpenedSession, transaction: SessionTransaction, connection: Connection) -> None:
    if transaction.nested:
        return
    opening = session.opening
    if opening.isolation is not None:
        level = f"SET TRANSACTION ISOLATION LEVEL {opening.isolation}"
        connection.exec_driver_sql(level, execution_options=_OPENING).close()
    look = witness.get()
    if look is not None:
        _set_for(look, connection)
    names, values = opening.names, opening.values
    if opening.read_only:
        names, values = (READ_ONLY[0], *names), (READ_ONLY[1], *values)
    _set(connection, names, values)
    if deep():
        remark(Stage.SESSION, **opening.facts)
    if look is not None:
        await_only(Attendance(look, connection.connection.driver_connection).opened())  # type: ignore[arg-type] # ours


def _set(
    connection: Connection, names: Sequence[str], values: Sequence[str], options: Mapping[str, Stage] = _OPENING
) -> None:
    connection.exec_driver_sql(OPENING, (names, values), options).close()


def _set_for(look: Witness, connection: Connection) -> None:
    """Make the settings of a witness; where PostgreSQL refuses them the transaction goes on without."""
    if not look.settings:
        return
    names, values = zip(*look.settings, strict=True)
    connection.exec_driver_sql(SAVE, execution_options=_LOOKING).close()
    try:
        _set(connection, names, values, _LOOKING)
    except DBAPIError:
        _log.warning("a transaction could not be opened with the settings of a witness", exc_info=True)
        connection.exec_driver_sql(UNDO, execution_options=_LOOKING).close()
    connection.exec_driver_sql(KEEP, execution_options=_LOOKING).close()


class ReadSession(AsyncSession):
    """A session that may only read: PostgreSQL itself refuses every write in it.

    Use it as ``async with database.read(caller) as session``. The transaction begins with the first statement and is rolled back in
    the end. Inside the block errors are SQLAlchemy's own; those that leave it are `PellucidError`.

    Raises:
        ReadOnly: objects were added or deleted in it, which would be lost without a word.
    """

    sync_session_class = OpenedSession
    read_only: ClassVar[bool] = True

    def __init__(self, engine: AsyncEngine, opening: Opening) -> None:
        super().__init__(engine, expire_on_commit=False, opening=opening)
        self.opening = opening

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Settle the transaction, give the connection back, and translate what goes wrong."""
        try:
            try:
                if fault is None:
                    await self._settle()
            finally:
                await super().__aexit__(kind, fault, trace)
        except FOREIGN as inner:
            raise self.opening.translated(inner) from inner
        if isinstance(fault, FOREIGN):
            raise self.opening.translated(fault) from fault

    async def _settle(self) -> None:
        if self.new or self.deleted:
            raise ReadOnly(
                "cannot write in a session that only reads",
                sqlstate="25006",
                hint="Ask for a WriteSession instead of a ReadSession.",
            )


class WriteSession(ReadSession):
    """A session that may read and write.

    Leaving the block without an exception commits what is not committed yet, before anything is sent to the client; leaving it with
    one rolls back. After a ``commit()`` in the block the next statement begins a new transaction with the same role and claims.
    """

    read_only: ClassVar[bool] = False

    async def _settle(self) -> None:
        await self.flush()
        try:
            await self.commit()
        except FOREIGN as fault:
            if disconnected(fault):
                raise in_doubt() from fault
            raise
