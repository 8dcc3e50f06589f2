"""Signals as something to wait for."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from pellucid.server.signals import Signals, interruptible, meanwhile, undisturbed


def test_signals_are_taken_in_their_order() -> None:
    with Signals() as signals:
        assert signals.take() == []
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        assert select.select([signals], [], [], 10)[0]
        assert signals.take() == [signal.SIGHUP, signal.SIGTERM]


def test_the_handlers_before_come_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


HELD = """
import os, signal
from pellucid.server.signals import Signals, held
with Signals() as signals:
    with held():
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.take() == []
    assert signals.take() == [signal.SIGTERM]
"""


def test_held_signals_come_afterwards() -> None:
    """In a process of its own: the threads of a test runner would take the signal."""
    subprocess.run([sys.executable, "-c", HELD], check=True)


@pytest.fixture
def before() -> Iterator[None]:
    """The handlers, which `interruptible` does not bring back: nothing is to cut the clean-up short."""
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for one, handler in handlers.items():
        signal.signal(one, handler)


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_interrupts_and_then_nothing_does(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), number)
    os.kill(os.getpid(), number)


class Waiting:
    """A coroutine that waits for ever in a thread, and a block that something ends early."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.put_away = False

    async def wait(self) -> None:
        try:
            self.begun.set()
            await asyncio.Event().wait()
        finally:
            self.put_away = True

    def disturbed(self, disturb: Callable[[], object]) -> None:
        with ThreadPoolExecutor(1) as executor, interruptible(), meanwhile(executor, self.wait) as result:
            self.begun.wait()
            disturb()
            result.result()


@pytest.mark.usefixtures("before")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_coroutine_puts_away_what_it_holds(number: signal.Signals) -> None:
    waiting = Waiting()
    with pytest.raises(KeyboardInterrupt):
        waiting.disturbed(lambda: os.kill(os.getpid(), number))
    assert waiting.put_away


@pytest.mark.usefixtures("before")
def test_an_error_beside_a_coroutine_cancels_it() -> None:
    waiting = Waiting()
    with pytest.raises(ZeroDivisionError):
        waiting.disturbed(lambda: 1 / 0)
    assert waiting.put_away


def test_a_coroutine_that_has_not_begun_never_does() -> None:
    first, waiting = threading.Event(), Waiting()
    with ThreadPoolExecutor(1) as executor:
        executor.submit(first.wait)
        with meanwhile(executor, waiting.wait) as result:
            pass
        first.set()
    assert result.cancelled()
    assert not waiting.begun.is_set()


def test_a_coroutine_gives_its_result() -> None:
    with ThreadPoolExecutor(1) as executor, meanwhile(executor, lambda: asyncio.sleep(0, 7)) as result:
        assert result.result() == 7


def slowly(done: list[str], number: signal.Signals) -> None:
    with undisturbed():
        os.kill(os.getpid(), number)
        done.append("all")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_is_not_done_by_halves_is_done_before_the_interruption(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        slowly(done, number)
    assert done == ["all"]
    assert signal.getsignal(number) is before
