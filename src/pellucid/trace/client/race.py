"""Happy Eyeballs (RFC 8305): several addresses are tried, each a moment after the one before, and the first that answers wins."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, zip_longest
from time import perf_counter
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from pellucid.trace.client.failure import Failed

ATTEMPT_DELAY = 0.25
"""Seconds before the next address is tried while one is still silent (RFC 8305, 5)."""


class Closable(Protocol):
    """What an attempt gives; those that came too late are closed."""

    def close(self) -> None:
        """Let it go."""


Won = TypeVar("Won", bound=Closable)


class Try(Struct):
    """One address: when it was tried, for how long, and how it ended."""

    address: str
    began: float
    seconds: float = 0.0
    outcome: str = "given up"

    def told(self) -> str:
        """In words, with times in milliseconds."""
        return f"{self.address} {self.outcome} after {self.seconds * 1000:.1f} ms, begun at {self.began * 1000:.1f} ms"


class Race(Struct, Generic[Won], frozen=True):
    """How it ended."""

    winner: Won
    address: str


def in_turn(addresses: Iterable[str]) -> list[str]:
    """The families by turns, IPv6 first, so that a dead one costs one delay only (RFC 8305, 4)."""
    known = list(dict.fromkeys(addresses))
    six, four = [each for each in known if ":" in each], [each for each in known if ":" not in each]
    return [each for each in chain.from_iterable(zip_longest(six, four)) if each is not None]


async def race(
    addresses: Iterable[str], attempt: Callable[[str], Awaitable[Won]], tries: list[Try], delay: float = ATTEMPT_DELAY
) -> Race[Won]:
    """Try the addresses until one answers.

    Args:
        addresses: in the order in which they are tried.
        attempt: makes a connection to one of them.
        tries: is filled while they are tried, so that it tells of a race that nobody wins too.
        delay: seconds between one attempt and the next.

    Raises:
        OSError: what the last one said, where none answers.
        Failed: so did an attempt.
    """
    waiting = list(addresses)
    began = perf_counter()
    running: dict[asyncio.Task[Won], Try] = {}
    last: BaseException | None = None
    try:
        while waiting or running:
            if waiting:
                one = Try(waiting.pop(0), perf_counter() - began)
                tries.append(one)
                running[asyncio.create_task(_timed(attempt, one, began))] = one
            done, _ = await asyncio.wait(
                running, timeout=delay if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in sorted(done, key=lambda task: running[task].seconds):
                one = running.pop(task)
                last = task.exception()
                if last is None:
                    one.outcome = "answered"
                    return Race(task.result(), one.address)
    finally:
        await _give_up(running)
    raise last or Failed("there is no address to try")


async def _timed(attempt: Callable[[str], Awaitable[Won]], one: Try, began: float) -> Won:
    try:
        return await attempt(one.address)
    except (OSError, Failed) as fault:
        one.outcome = _words(fault)
        raise
    finally:
        one.seconds = perf_counter() - began - one.began


def _words(fault: Exception) -> str:
    match fault:
        case ConnectionRefusedError():
            return "refused"
        case OSError(strerror=str(words)):
            return f"failed ({words.lower()})"
        case _:
            return f"failed ({fault})"


async def _give_up(running: "dict[asyncio.Task[Won], Try]") -> None:
    for task in running:
        task.cancel()
    for late in await asyncio.gather(*running, return_exceptions=True):
        if not isinstance(late, BaseException):
            late.close()
