"""A change of the schema and the write that needs it, in one transaction: both stay, or neither."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

from msgspec import Struct

from pellucid.database.driver import OWN_PATH, Connection
from pellucid.database.lease import Lease, hang_up
from pellucid.database.opening import Opening
from pellucid.database.sqlstate import translate
from pellucid.database.transaction import Transaction
from pellucid.observe import Stage, observe

_LIMITS = {"lock_timeout": "'5s'", "statement_timeout": "'60s'", "search_path": OWN_PATH}
"""What goes for the change alone: nobody waits for it long, and no name in it is taken for somebody else's."""

Connecting = Callable[[], Awaitable[Connection]]
"""Opens a connection."""
Login = Callable[[], Awaitable[str | None]]
"""Tells the role that requests log in as, quoted; None where the one that changes the schema is the same."""


class Change(Struct, frozen=True):
    """Statements for the role that owns the schema; names are written with their schema.

    ``what`` says in words what they make; it is empty where they make nothing.
    """

    statements: tuple[str, ...]
    what: str = ""


class Alone(Lease):
    """A connection of its own, beside the pool: opened for one transaction, and closed behind it."""

    __slots__ = ("_connecting",)

    def __init__(self, connecting: Connecting, closing: set[asyncio.Task[None]]) -> None:
        """Prepare it; nothing is opened yet.

        Args:
            connecting: opens the connection.
            closing: where connections that are being closed are kept, so that stopping can wait for them.
        """
        self._connecting = connecting
        self._closing = closing
        self.sound = True

    async def take(self) -> Connection:
        """Open the connection.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: it cannot be opened.
        """
        self.driver = await self._connecting()
        self.sound = True
        return self.driver

    async def release(self) -> None:
        """Close the connection."""
        self.driver.terminate()

    async def discard(self) -> None:
        """Close the connection, and have PostgreSQL stop what it does for it."""
        task = asyncio.create_task(hang_up(self.driver))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        await asyncio.shield(task)


class Changing(Transaction):
    """A caller's transaction that changes the schema first, as the role that may. Everything after that is done as the caller.

    The connection remembers who opened it, and any function that runs here can become that role again (PostgreSQL, SET SESSION
    AUTHORIZATION). So it is for writes that run nobody else's functions; for others see `change_alone`.

    Raises:
        DatabaseError: PostgreSQL refused the change; its errors are told as to somebody who may know of every table.
    """

    __slots__ = ("_change", "_login")

    def __init__(self, lease: Lease, opening: Opening, change: Change, login: Login) -> None:
        """Prepare it.

        Args:
            lease: brings a connection of the role that may change the schema.
            opening: as in `Transaction`.
            change: what is done first.
            login: whom the rest of the transaction takes for the role that logged in.
        """
        super().__init__(lease, opening)
        self._change = change
        self._login = login

    @property
    def _settings(self) -> str:
        return self._opening.settings

    async def _open(self) -> None:
        try:
            await self._make()
        except Exception as fault:
            raise translate(fault) from fault
        await super()._open()

    async def _make(self) -> None:
        driver, login = self._lease.driver, await self._login()
        await self._lease.run(driver.execute(self._opening.start))
        end = [f"SET LOCAL {name} TO DEFAULT" for name in _LIMITS]
        session = [f"SET LOCAL SESSION AUTHORIZATION {login}"] if login else []
        with _observed(self._change):
            await self._lease.run(driver.execute("; ".join((*_steps(self._change), *end, *session))))


async def change_alone(lease: Lease, change: Change) -> None:
    """Make a change in a transaction of its own.

    Raises:
        DatabaseError: PostgreSQL refused; nothing has changed.
    """
    try:
        driver = await lease.take()
        try:
            with _observed(change):
                await lease.run(driver.execute("; ".join(("BEGIN", *_steps(change), "COMMIT"))))
        finally:
            await lease.release()
    except Exception as fault:
        raise translate(fault) from fault


def _steps(change: Change) -> tuple[str, ...]:
    return (*(f"SET LOCAL {name} = {value}" for name, value in _LIMITS.items()), *change.statements)


def _observed(change: Change) -> AbstractContextManager[object]:
    return observe(Stage.SESSION, **({"made": change.what} if change.what else {}))
