"""One connection outside the pool, for reading the catalog and for hearing of changes: a full pool must not silence it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from pellucid.database.driver import connect
from pellucid.database.options import DatabaseOptions


class Line:
    """The connection. It is opened when it is first wanted, and anew when it is gone; one user at a time."""

    def __init__(
        self, options: DatabaseOptions, opened: Callable[[asyncpg.Connection], None], purpose: str = "catalog"
    ) -> None:
        """Prepare it.

        Args:
            options: where to connect to.
            opened: told of every new connection.
            purpose: a word for PostgreSQL's own views.
        """
        self._options = options
        self._purpose = purpose
        self._opened = opened
        self._lock = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None

    @asynccontextmanager
    async def use(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend the connection, idle. After any failure it is closed, and the next user gets a new one.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: it cannot be opened, or it broke.
        """
        async with self._lock:
            connection = await self._ready()
            try:
                yield connection
            except BaseException:
                connection.terminate()
                raise

    async def close(self) -> None:
        """Close it; the next user would open it again."""
        async with self._lock:
            if self._connection is not None:
                try:
                    await self._connection.close(timeout=1)
                except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    self._connection.terminate()
                self._connection = None

    async def _ready(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            name = f"{self._options.application_name} {self._purpose}"
            self._connection = await connect(
                self._options.dsn, application_name=name, within=self._options.connect_timeout
            )
            self._opened(self._connection)
        return self._connection
