"""The place from which transactions are looked at: one connection beside the pool, with the rights of whoever may see most."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from msgspec import Struct, field
from msgspec.structs import replace

from pellucid.database.capabilities import Capabilities, Feature
from pellucid.database.catalog.line import Line
from pellucid.database.options import DatabaseOptions
from pellucid.trace.document import Missing

BROKEN = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What looking may fail with (a TimeoutError is an OSError)."""

PATIENCE = 0.5
"""Seconds that a request waits for what is asked at one of its points."""

_CALM = """set statement_timeout = '2s'; set lock_timeout = '50ms';
set idle_in_transaction_session_timeout = '5s'; set auto_explain.log_min_duration = -1"""
_UNLOADED = _CALM.rpartition(";")[0]
_EXTENSIONS = """select extname, quote_ident(nspname) as schema
from pg_extension e join pg_namespace n on n.oid = e.extnamespace"""


class Seen(Struct, frozen=True):
    """What there is in the database that is looked at. ``extensions`` are the schemas that extensions live in, quoted."""

    version: int = 0
    role: str = ""
    superuser: bool = False
    extensions: Mapping[str, str] = field(default_factory=dict)


class Lookout:
    """Asks PostgreSQL about what others do. Everything here happens outside of anybody's transaction, and gives up after two seconds."""

    def __init__(
        self,
        options: DatabaseOptions,
        dsn: str | None,
        capabilities: Capabilities | None = None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        """Prepare it; the connection is opened when somebody looks for the first time.

        Args:
            options: how requests reach the database.
            dsn: logs in with the role that may see most; None where that is the role of requests.
            capabilities: what was found at the start.
            patience: seconds that a request waits, at each of its points, for all that is asked there.
        """
        self.capabilities = capabilities or Capabilities()
        self.seen = Seen(self.capabilities.server_version)
        self.patience = patience
        self._users = 0
        self._fresh = True
        self._line = Line(replace(options, dsn=dsn or options.admin_dsn or options.dsn), self._opened, "trace")

    @property
    def busy(self) -> bool:
        """Whether somebody asks at this moment, so that others would have to wait."""
        return self._users > 0

    @property
    def plans(self) -> bool:
        """Whether transactions can have their plans sent."""
        return self.capabilities.lacking(Feature.PLANS) is None

    async def ask(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        """Ask one question.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: there is no answer.
        """
        async with self.use() as connection:
            try:
                return list(await connection.fetch(sql, *args))
            except asyncpg.PostgresError as fault:  # a plain refusal, after which the connection is as good as before
                refusal = fault
        raise refusal

    @asynccontextmanager
    async def use(self) -> AsyncIterator[asyncpg.Connection]:
        """The connection, idle and alone. After a failure inside of the block the next one gets another.

        Raises:
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError: it cannot be opened, or it broke.
        """
        self._users += 1
        try:
            async with self._line.use() as connection:
                if self._fresh:
                    await self._settle(connection)
                yield connection
        finally:
            self._users -= 1

    async def close(self) -> None:
        """Close the connection."""
        await self._line.close()

    def lacks(self, what: str, feature: Feature, extension: str | None = None) -> Missing | None:
        """What cannot be seen because of what the start did not find, or because there is no such extension; None when it can."""
        found = self.capabilities.lacking(feature)
        if found is not None and not (extension and extension in self.seen.extensions):
            return Missing(what, f"the database lacks {found.what}", f"{found.needs};")
        if extension and self.seen.version and extension not in self.seen.extensions:
            return Missing(what, f"the database lacks the extension {extension}", f"create extension {extension};")
        return None

    def _opened(self, _connection: asyncpg.Connection) -> None:
        self._fresh = True

    async def _settle(self, connection: asyncpg.Connection) -> None:
        loaded = await connection.fetchval("select current_setting('auto_explain.log_min_duration', true) is not null")
        superuser = await connection.fetchval("select rolsuper from pg_catalog.pg_roles where rolname = current_user")
        await connection.execute(_CALM if loaded and superuser else _UNLOADED)
        found = await connection.fetch(_EXTENSIONS)
        self.seen = Seen(
            int(await connection.fetchval("show server_version_num")),
            await connection.fetchval("select quote_ident(current_user)"),
            bool(superuser),
            {row["extname"]: row["schema"] for row in found},
        )
        self._fresh = False
