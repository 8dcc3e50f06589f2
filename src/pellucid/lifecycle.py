"""One contract for everything that is alive: start it once, stop it once, both may be called again without harm."""

import asyncio
import logging
from contextlib import suppress
from enum import Enum
from typing import Protocol, Self


class State(Enum):
    """Where a living thing stands."""

    NEW = "new"
    STARTING = "starting"
    STARTED = "started"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Lifecycle:
    """A base for what has a life inside an event loop. Subclasses write `_start` and `_stop`; callers use `start` and `stop`.

    `start` on a started thing and `stop` on a stopped one do nothing. When `_start` raises, `_stop` is called, so a thing that
    half started leaves nothing behind.
    """

    def __init__(self) -> None:
        self.state = State.NEW

    async def start(self) -> None:
        """Bring it to life; does nothing when it lives already."""
        if self.state in (State.STARTING, State.STARTED):
            return
        self.state = State.STARTING
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        self.state = State.STARTED

    async def stop(self) -> None:
        """End it; does nothing when it never lived or is gone already."""
        if self.state not in (State.STARTING, State.STARTED):
            return
        self.state = State.STOPPING
        try:
            await self._stop()
        finally:
            self.state = State.STOPPED

    async def _start(self) -> None:
        """Bring it to life. Errors raised here are the caller's to handle."""

    async def _stop(self) -> None:
        """End it; must cope with a start that failed halfway."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class Background(Lifecycle):
    """What works in the background from its start to its stop. Subclasses write `_work`, one turn.

    A turn comes every ``pause`` seconds, and sooner after `wake`; without a ``pause`` only then. One that fails is logged with the words
    of ``trouble``, and the next one comes all the same.
    """

    pause: float | None = None
    trouble = "Work in the background failed."

    def __init__(self) -> None:
        super().__init__()
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Have the next turn come now, or at the start."""
        self._woken.set()

    async def _work(self) -> None:
        """Do one turn's work."""

    async def _start(self) -> None:
        self._task = asyncio.create_task(self._turns())

    async def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _turns(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.pause):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self._work()
            except Exception as fault:
                logging.getLogger(type(self).__module__).warning(self.trouble, exc_info=fault)


class Startable(Protocol):
    """What `Stack` can hold."""

    async def start(self) -> None:
        """Bring it to life."""

    async def stop(self) -> None:
        """End it."""


class Stack(Lifecycle):
    """Several living things: started in order, stopped in reverse, all of them even when one fails to stop."""

    def __init__(self, *members: Startable) -> None:
        super().__init__()
        self.members = members
        self._alive: list[Startable] = []

    async def _start(self) -> None:
        for member in self.members:
            self._alive.append(member)
            await member.start()

    async def _stop(self) -> None:
        faults: list[Exception] = []
        while self._alive:
            try:
                await self._alive.pop().stop()
            except Exception as fault:  # noqa: BLE001 - the others must still be stopped
                faults.append(fault)
        if faults:
            raise ExceptionGroup("some parts did not stop cleanly", faults)
