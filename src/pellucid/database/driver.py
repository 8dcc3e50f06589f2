"""The driver's connection, with the three things that a pooled connection of ours must never get wrong."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol

import asyncpg

from pellucid.database.known import Known
from pellucid.observe import Stage, observe

CLEAN = (
    "RESET SESSION AUTHORIZATION; RESET ALL; RESET ROLE; CLOSE ALL; UNLISTEN *; DISCARD TEMP; DISCARD SEQUENCES; "
    "SELECT pg_catalog.pg_advisory_unlock_all(); "
)
"""What undoes everything that an earlier transaction may have left in the session. It travels in the same message as BEGIN, so it costs
no round trip; prepared statements stay."""

OWN_PATH = "pg_catalog, pg_temp"
PINNED = (("search_path", OWN_PATH),)
"""For connections of our own: none of PostgreSQL's functions, operators and types can be taken for one that somebody else made."""

STATEMENT_CACHE = 256
"""Prepared statements that one connection keeps."""


_JSON = frozenset({"json", "jsonb"})
_JSONB_VERSION = b"\x01"
"""What stands before the text of every jsonb value on the wire."""


_ENDS = ("COMMIT", "COMMIT;", "ROLLBACK", "ROLLBACK;")
"""How the statements that end a transaction end; a rollback to a savepoint is none."""

Run = Callable[[str], Awaitable[str]]
"""Runs a statement, and returns PostgreSQL's tag."""


class Attending(Protocol):
    """Looks on at the transaction of a connection (`pellucid.database.attendance`)."""

    async def stated(self, sql: str, args: Sequence[Any], rows: int | None) -> None:
        """A statement has run."""
        ...

    async def failed(self, sql: str, args: Sequence[Any], fault: Exception) -> None:
        """A statement has failed."""
        ...

    async def end(self, query: str, run: Run) -> str:
        """Run the statement that ends the transaction."""
        ...


class Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """A connection that begins clean, that never takes a rollback for a commit, and that is closed when its set-up is interrupted.

    ``verbatim`` leaves JSON as PostgreSQL writes it, a text, instead of the Python value that SQLAlchemy's types expect. ``clean`` tells
    that nobody has left anything in the session since it was cleaned, and ``tidy`` that nothing is there but what sequences remember.
    ``known`` are the statements that a function has prepared in it. ``attending`` looks on at the transaction under way, if anybody does.
    """

    __slots__ = ("attending", "clean", "known", "tidy", "verbatim")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.verbatim = False
        self.clean = self.tidy = False
        self.known = Known()
        self.attending: Attending | None = None

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:  # noqa: ASYNC109 - asyncpg calls it so
        """Run a statement; see `asyncpg.Connection.execute`.

        Raises:
            asyncpg.InFailedSQLTransactionError: COMMIT came after an error that somebody swallowed. PostgreSQL answers such a COMMIT
                with a rollback and without an error, which would be read as success.
        """
        if query.startswith("BEGIN"):
            begin = query if self.clean else _cleaned(query)
            self.clean = self.tidy = False
            with observe(Stage.SESSION):
                return str(await super().execute(begin, *args, timeout=timeout))
        if self.attending is not None and query.endswith(_ENDS):
            return await self.attending.end(query, lambda end: self._end(end, timeout))
        if query.startswith("COMMIT"):
            return await self._end(query, timeout)
        return str(await super().execute(query, *args, timeout=timeout))

    async def _end(self, query: str, seconds: float | None) -> str:
        """End the transaction."""
        if not query.startswith("COMMIT"):
            return str(await super().execute(query, timeout=seconds))
        with observe(Stage.COMMIT):
            return _committed(await super().execute(query, timeout=seconds))

    async def set_type_codec(self, typename: str, **options: Any) -> None:
        """Teach the connection a type; see `asyncpg.Connection.set_type_codec`.

        SQLAlchemy calls this on new connections before it counts them, so an interruption here would leak the connection.
        """
        if typename in _JSON:
            options |= {"decoder": self._either(options["decoder"])}
        try:
            await super().set_type_codec(typename, **options)
        except BaseException:
            self.terminate()
            raise

    async def forget_oldest(self) -> None:
        """Let prepared statements go that have not been used for long, once there are too many."""
        if self.known.is_full:
            await self.execute("; ".join(f'DEALLOCATE "{name}"' for name in self.known.forget_oldest()))

    async def make_clean(self) -> None:
        """Undo what earlier transactions may have left in the session, unless nothing can be there."""
        if not self.clean:
            await super().execute(CLEAN)
            self.clean = self.tidy = True

    def _either(self, decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        """Decode as SQLAlchemy wants it, or leave the text as it is."""

        def decoder(data: bytes) -> Any:
            return data.lstrip(_JSONB_VERSION).decode() if self.verbatim else decode(data)

        return decoder


def _cleaned(begin: str) -> str:
    """The same BEGIN, on a clean session. The cleaning is a transaction of its own: a later rollback must not take it back."""
    return f"BEGIN; {CLEAN}COMMIT; {begin}"


def _committed(tag: str) -> str:
    if tag != "ROLLBACK":
        return tag
    fault = asyncpg.InFailedSQLTransactionError("the transaction was rolled back, because a statement in it had failed")
    fault.sqlstate = "25P02"
    raise fault


async def connect(
    dsn: str,
    *,
    application_name: str,
    within: float,
    kind: type[asyncpg.Connection] = asyncpg.Connection,
    session: Iterable[tuple[str, str]] = PINNED,
) -> Any:
    """Open one connection.

    Args:
        dsn: where to.
        application_name: what PostgreSQL's own views call it.
        within: the longest wait, in seconds.
        kind: `Connection` where it goes into a pool, asyncpg's own otherwise.
        session: settings that it begins with, and comes back to when it is cleaned. Only connections that run users' SQL have another
            search path than `PINNED`.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError: it cannot be opened.
    """
    return await asyncpg.connect(
        dsn,
        connection_class=kind,
        timeout=within,
        statement_cache_size=STATEMENT_CACHE,
        max_cached_statement_lifetime=0,
        server_settings={"application_name": application_name, **dict(session)},
    )
