"""Bytes to and from one server, counted."""

import asyncio
import socket
from typing import Protocol

from pellucid.trace.client.failure import Failed
from pellucid.trace.client.hosts import spelt

CHUNK = 64 * 1024


class Wire(Protocol):
    """A stream of bytes. ``read`` gives nothing where the server has hung up."""

    async def read(self) -> bytes:
        """What is there, or comes next."""

    async def write(self, data: bytes) -> None:
        """Send it; ends when the system has taken it."""

    def ended(self) -> bool:
        """Whether the server has hung up, as far as is known."""

    def close(self) -> None:
        """Hang up."""


class Tcp:
    """A TCP connection. ``received`` and ``sent`` count bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.received = self.sent = 0
        self.local = spelt(writer.get_extra_info("sockname"))
        self.remote = spelt(writer.get_extra_info("peername"))

    async def read(self) -> bytes:
        """What is there, or comes next.

        Raises:
            Failed: the connection broke.
        """
        try:
            data = await self._reader.read(CHUNK)
        except OSError as fault:
            raise Failed(f"{self.remote} broke the connection: {(fault.strerror or str(fault)).lower()}") from fault
        self.received += len(data)
        return data

    async def write(self, data: bytes) -> None:
        """Send it; ends when the system has taken it.

        Raises:
            Failed: the connection broke.
        """
        self.sent += len(data)
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as fault:
            raise Failed(f"{self.remote} broke the connection: {(fault.strerror or str(fault)).lower()}") from fault

    def ended(self) -> bool:
        """Whether the server has hung up, as far as is known."""
        return self._reader.at_eof() or self._writer.is_closing()

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def dial(address: str, port: int) -> Tcp:
    """A TCP connection to one address.

    Raises:
        OSError: there is none to be had.
    """
    loop = asyncio.get_running_loop()
    opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        await loop.sock_connect(opened, where(address, port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Tcp(*await asyncio.open_connection(sock=opened))
    except BaseException:
        opened.close()
        raise


def where(address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    """An address as sockets want it. Nobody is asked: a library's thread for names would cost more than the connection.

    Raises:
        OSError: it names an interface that is not there.
    """
    if ":" not in address:
        return address, port
    plain, _, interface = address.partition("%")
    scope = 0 if not interface else int(interface) if interface.isdecimal() else socket.if_nametoindex(interface)
    return plain, port, 0, scope
