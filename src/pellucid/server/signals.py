"""Signals as a stream that can be waited for together with pipes (`signal.set_wakeup_fd`)."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TypeVar

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

Result = TypeVar("Result")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered, the watched signals do nothing by themselves; `fileno` turns readable and `take` tells which came."""

    def __enter__(self) -> "Signals":
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, _nothing) for number in WATCHED}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def fileno(self) -> int:
        """The descriptor that turns readable."""
        return self._reader

    def take(self) -> list[signal.Signals]:
        """Which signals came since the last time, in their order."""
        try:
            return [signal.Signals(number) for number in os.read(self._reader, 4096)]
        except BlockingIOError:
            return []

    def forget(self) -> None:
        """In a forked child: leave the parent's pipe alone and take the signals' defaults.

        Ctrl-C and a terminal's hanging up reach every process of the terminal; only the parent acts on them.
        """
        signal.set_wakeup_fd(-1)
        for number in WATCHED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.close(self._reader)
        os.close(self._writer)


@contextmanager
def held() -> Iterator[None]:
    """Keep the watched signals waiting, so that a fork cannot fall between one and its handler."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end what is inside as Ctrl-C does; once it is over, none of them cuts the clean-up outside short.

    Under nohup(1), which ignores SIGHUP, it stays ignored.
    """
    for number in _ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside `interruptible`: what must not be done by halves, such as starting a thread. An interruption waits until it is over."""
    came: list[int] = []

    def keep(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, keep) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            raise KeyboardInterrupt


@contextmanager
def meanwhile(executor: Executor, work: Callable[[], Coroutine[Any, Any, Result]]) -> Iterator[Future[Result]]:
    """Inside `interruptible`: run a coroutine in a thread of the executor. It is cancelled where the block ends before it does."""
    cancelling = _Cancelling()
    future: Future[Result] | None = None
    try:
        with undisturbed():  # it raises in its end what came meanwhile
            future = executor.submit(lambda: asyncio.run(cancelling.run(work())))
        yield future
    finally:
        if future is not None:
            future.cancel()  # where it has not begun
        with suppress(RuntimeError):  # its event loop may end at this very moment
            cancelling.cancel()


class _Cancelling:
    """Cancels a coroutine that may not run yet."""

    def __init__(self) -> None:
        self._asked = False
        self._cancel: Callable[[], object] = lambda: None

    def cancel(self) -> None:
        """Called by a signal, anywhere between two instructions of the main thread, or by another thread."""
        self._asked = True
        self._cancel()

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run it; cancelled from the start where that was asked for before."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        if self._asked:
            task.cancel()
        try:
            return await task
        finally:
            self._cancel = lambda: None


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Be a handler: only then does the number go into the pipe."""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
