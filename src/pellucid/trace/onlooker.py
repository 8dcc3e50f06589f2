"""A witness for as long as its request lasts: what goes on in the background afterwards is not looked at."""

from collections.abc import Sequence
from typing import Any

from pellucid.database.driver import Connection
from pellucid.database.witness import Witness


class Onlooker:
    """Passes on what it is called for, until it is closed. It fills `pellucid.database.witness.Witness`."""

    __slots__ = ("_witness",)

    def __init__(self, witness: Witness) -> None:
        self._witness: Witness | None = witness

    def close(self) -> None:
        """Look no longer."""
        self._witness = None

    @property
    def settings(self) -> Sequence[tuple[str, str]]:
        """The settings of the witness."""
        return self._witness.settings if self._witness is not None else ()

    async def opened(self, driver: Connection) -> None:
        """The transaction has begun."""
        if self._witness is not None:
            await self._witness.opened(driver)

    async def stated(self, driver: Connection, sql: str, args: Sequence[Any], rows: int | None) -> None:
        """A statement has run."""
        if self._witness is not None:
            await self._witness.stated(driver, sql, args, rows)

    async def failed(self, driver: Connection, sql: str, args: Sequence[Any], fault: Exception) -> None:
        """A statement has failed."""
        if self._witness is not None:
            await self._witness.failed(driver, sql, args, fault)

    async def ending(self, driver: Connection) -> None:
        """It is about to end."""
        if self._witness is not None:
            await self._witness.ending(driver)

    async def ended(self, driver: Connection, *, committed: bool) -> None:
        """It is over."""
        if self._witness is not None:
            await self._witness.ended(driver, committed=committed)
