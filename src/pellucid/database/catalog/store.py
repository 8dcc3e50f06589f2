"""Holds the catalog of this process."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

from pellucid.database.catalog.build import build
from pellucid.database.catalog.found import Found
from pellucid.database.catalog.line import Line
from pellucid.database.catalog.look import look
from pellucid.database.catalog.model import EMPTY, Catalog


class CatalogStore:
    """The current catalog, and the one way to a newer one."""

    def __init__(self, line: Line, schemas: tuple[str, ...], extra_search_path: tuple[str, ...] = ("public",)) -> None:
        self.current: Catalog = EMPTY
        self._line = line
        self._schemas = schemas
        self._extra = extra_search_path
        self._mark: int | None = None
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[Catalog] | None = None

    async def refresh(self) -> Catalog:
        """Read the catalog again and return it. What was committed before the call is in it.

        Callers share: a reading that has not begun yet serves all who wait for it; one under way serves none of those who come later,
        for it may have looked already.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._reread())
            self._next.add_done_callback(_seen)
        return await asyncio.shield(self._next)

    async def stop(self) -> None:
        """Wait until nothing is being read."""
        if self._next is not None:
            self._next.cancel()
        async with self._turn:
            pass

    async def _reread(self) -> Catalog:
        async with self._turn:
            self._next = None
            async with self._line.use() as connection:
                found = await look(connection, self._schemas, self._extra)
            self.current, self._mark = await asyncio.to_thread(self._built, found)
            return self.current

    def _built(self, found: Found) -> tuple[Catalog, int]:
        """The catalog of what was found: the old value where nothing changed, and with it everything that was derived from it."""
        mark = found.mark
        if mark == self._mark:
            return self.current, mark
        with _no_collection():
            return build(found, self._schemas, self._extra, self.current.version + 1), mark


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for garbage among a million new values that all stay: it would stop every request meanwhile."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _seen(task: "asyncio.Task[Catalog]") -> None:
    """Look at the outcome, for everybody who waited may have gone."""
    if not task.cancelled():
        task.exception()
