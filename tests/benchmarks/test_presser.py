"""Our own load generator, against a server that answers what it is told to."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from benchmarks.generator import Load
from benchmarks.presser import press

REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def test_it_counts_answers_and_errors() -> None:
    statuses = itertools.cycle([b"200 OK", b"200 OK", b"404 Not Found"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(len(REQUEST)):
            writer.write(b"HTTP/1.1 " + next(statuses) + b"\r\ncontent-length: 2\r\n\r\nok")
        writer.close()

    load = await pressed(answer)
    assert load.requests >= 2
    assert load.errors == load.requests // 3
    assert 0 < load.p50 <= load.p99


async def test_a_broken_connection_is_an_error() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(len(REQUEST))
        writer.close()

    load = await pressed(hang_up)
    assert (load.requests, load.errors) == (0, 2)


async def pressed(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Load:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await press([REQUEST], port, connections=2, seconds=0.2)
