"""Listens on the wire between the application and PostgreSQL, so that statements are counted where they really pass."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

HOUSEKEEPING = (
    "begin", "commit", "rollback", "reset all", "reset session authorization", "select pg_catalog.set_config(",
    "select auth.factors.id, auth.factors.secret", "select id::text from auth.revoked_sessions",
)  # fmt: skip
"""What opens and closes a transaction, cleans a session, or looks after the accounts in the background; everything else does work."""


@dataclass(slots=True)
class Wire:
    """The statements that the application has sent since the last `clear`, in order, and how often it waited for an answer."""

    statements: list[str] = field(default_factory=list)
    round_trips: int = 0

    @property
    def work(self) -> list[str]:
        """The statements that are not housekeeping."""
        return [sql for sql in self.statements if not sql.lower().startswith(HOUSEKEEPING)]

    def clear(self) -> None:
        """Forget what was heard so far."""
        self.statements.clear()
        self.round_trips = 0


class Ear:
    """Understands what one client sends (PostgreSQL, chapter 54.7): Parse, Bind, Execute, simple Query and Sync."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.begun = False
        self.deaf = False
        self.prepared: dict[bytes, str] = {}
        self.portals: dict[bytes, str] = {}

    async def listen(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """Pass every message on, having read it."""
        while True:
            kind = await source.readexactly(1) if self.begun else b""
            head = await source.readexactly(4)
            body = await source.readexactly(int.from_bytes(head) - 4)
            if self.begun:
                self.hear(kind, body)
            self.begun = True
            self.deaf = self.deaf or b"application_name\0pellucid catalog\0" in body
            sink.write(kind + head + body)
            await sink.drain()

    def hear(self, kind: bytes, body: bytes) -> None:
        """Note what the message does. The connection that watches for changes of the schema belongs to no request."""
        if self.deaf:
            return
        first, _, rest = body.partition(b"\0")
        match kind:
            case b"P":
                self.prepared[first] = rest.partition(b"\0")[0].decode()
            case b"B":
                self.portals[first] = self.prepared[rest.partition(b"\0")[0]]
            case b"E":
                self.wire.statements.append(self.portals[first])
            case b"Q":
                self.wire.statements.append(first.decode())
                self.wire.round_trips += 1
            case b"S":
                self.wire.round_trips += 1


@asynccontextmanager
async def tapped(dsn: str, directory: Path) -> AsyncIterator[tuple[Wire, str]]:
    """Open a socket in ``directory`` that leads to the server of ``dsn`` and listens; give the wire and the DSN that goes through it."""
    wire = Wire()
    address = urlsplit(dsn)
    query = {name: values[-1] for name, values in parse_qs(address.query).items()}
    port = int(query.get("port", address.port or 5432))
    target = f"{query['host']}/.s.PGSQL.{port}"
    tasks: set[asyncio.Task[None]] = set()

    async def serve(client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        source, sink = await asyncio.open_unix_connection(target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(until_closed(Ear(wire).listen(client, sink), sink))
                group.create_task(until_closed(relay(source, back), back))
        finally:
            tasks.discard(task)

    server = await asyncio.start_unix_server(serve, directory / ".s.PGSQL.5432")
    through = urlunsplit(address._replace(query=urlencode(query | {"host": str(directory), "port": "5432"})))
    try:
        yield wire, through
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def relay(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what the server answers."""
    while chunk := await source.read(65536):
        sink.write(chunk)
        await sink.drain()
    raise asyncio.IncompleteReadError(b"", None)


async def until_closed(direction: Awaitable[None], sink: asyncio.StreamWriter) -> None:
    """Run one direction until its source ends, and then close the other end."""
    try:
        await direction
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        sink.close()
