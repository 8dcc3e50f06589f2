"""Signals as something to wait for."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Coroutine
from typing import Any

import pytest

from pellucid.server.signals import Signals, interruptible, run_interruptible, undisturbed


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_end_interrupts_and_then_nothing_does(number: signal.Signals) -> None:
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        with pytest.raises(KeyboardInterrupt), interruptible():
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


async def interrupted(put_away: list[str], number: signal.Signals) -> None:
    try:
        os.kill(os.getpid(), number)
        await asyncio.Event().wait()
    finally:
        put_away.append("all")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_coroutine_puts_away_what_it_holds(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    put_away: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        run_interruptible(lambda: interrupted(put_away, number))
    assert put_away == ["all"]
    assert signal.getsignal(number) is before


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


async def never(begun: list[str]) -> None:
    begun.append("it")
    await asyncio.Event().wait()


def test_an_interruption_before_the_event_loop_runs_is_kept() -> None:
    begun: list[str] = []

    def work() -> Coroutine[Any, Any, None]:
        os.kill(os.getpid(), signal.SIGTERM)
        return never(begun)

    with pytest.raises(KeyboardInterrupt):
        run_interruptible(work)
    assert begun == []
