"""A worker's server inside the test's own event loop, and a client that speaks bytes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pellucid.errors import StartupError
from pellucid.server.options import Limits, ServerOptions
from pellucid.server.sockets import listen
from pellucid.server.worker import Application, _config, _Server


class Told:
    """Hears what a worker would tell its supervisor."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()
        self.error: StartupError | None = None

    def ready(self) -> None:
        self.is_ready.set()

    def failed(self, error: StartupError) -> None:
        self.error = error


@dataclass(frozen=True, slots=True)
class Served:
    """A server that answers on this port of the loopback."""

    server: _Server
    port: int

    async def connect(self) -> "Client":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        return Client(reader, writer)

    async def exchange(self, request: bytes) -> bytes:
        """Everything that comes back until the server hangs up."""
        client = await self.connect()
        client.send(request)
        return await client.rest()


@dataclass(frozen=True, slots=True)
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def response(self) -> bytes:
        """One response that has a length."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        return head + await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """Everything until the server hangs up, politely or not."""
        received = b""
        try:
            while chunk := await self.reader.read(65_536):
                received += chunk
        except ConnectionResetError:
            pass
        self.close()
        return received

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def serving(
    application: Application, *, limits: Limits | None = None, options: ServerOptions | None = None
) -> AsyncIterator[Served]:
    """Serve it while the block lasts."""
    options = options or ServerOptions(limits=limits or Limits())
    told = Told()
    with listen("127.0.0.1", 0, backlog=128) as listeners:
        port = listeners[0].getsockname()[1]
        server = _Server(_config(application, options), told)  # type: ignore[arg-type]
        running = asyncio.create_task(server.serve(list(listeners)))
        await told.is_ready.wait()
        try:
            yield Served(server, port)
        finally:
            server.stop()
            await running
