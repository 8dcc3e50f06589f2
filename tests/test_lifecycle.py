"""One contract for everything that is alive."""

import asyncio

import pytest

from pellucid.lifecycle import Background, Lifecycle, Stack, State

pytestmark = pytest.mark.anyio


class Thing(Lifecycle):
    """Writes down what happens to it."""

    def __init__(self, name: str, diary: list[str], *, fails: str = "") -> None:
        super().__init__()
        self.name = name
        self.diary = diary
        self.fails = fails

    async def _start(self) -> None:
        self.diary.append(f"start {self.name}")
        if self.fails == "start":
            raise RuntimeError(self.name)

    async def _stop(self) -> None:
        self.diary.append(f"stop {self.name}")
        if self.fails == "stop":
            raise RuntimeError(self.name)


@pytest.fixture
def diary() -> list[str]:
    return []


async def test_it_starts_once_and_stops_once(diary: list[str]) -> None:
    thing = Thing("a", diary)
    states = [thing.state]
    for step in (thing.stop, thing.start, thing.start, thing.stop, thing.stop):
        await step()
        states.append(thing.state)
    assert states == [State.NEW, State.NEW, State.STARTED, State.STARTED, State.STOPPED, State.STOPPED]
    assert diary == ["start a", "stop a"]


async def test_it_can_live_again(diary: list[str]) -> None:
    thing = Thing("a", diary)
    for _ in range(2):
        async with thing as same:
            assert same is thing
    assert diary == ["start a", "stop a"] * 2


async def test_a_start_that_fails_leaves_nothing_behind(diary: list[str]) -> None:
    thing = Thing("a", diary, fails="start")
    with pytest.raises(RuntimeError):
        await thing.start()
    assert thing.state is State.STOPPED
    assert diary == ["start a", "stop a"]


async def test_a_start_that_is_cancelled_leaves_nothing_behind(diary: list[str]) -> None:
    class Slow(Thing):
        async def _start(self) -> None:
            await super()._start()
            entered.set()
            await asyncio.Event().wait()

    entered = asyncio.Event()
    thing = Slow("a", diary)
    task = asyncio.create_task(thing.start())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (thing.state, diary) == (State.STOPPED, ["start a", "stop a"])


async def test_a_stop_that_fails_is_a_stop(diary: list[str]) -> None:
    thing = Thing("a", diary, fails="stop")
    await thing.start()
    with pytest.raises(RuntimeError):
        await thing.stop()
    assert thing.state is State.STOPPED


async def test_an_error_in_the_block_still_stops_it(diary: list[str]) -> None:
    with pytest.raises(KeyError):
        async with Thing("a", diary):
            raise KeyError
    assert diary == ["start a", "stop a"]


async def test_a_stack_starts_in_order_and_stops_in_reverse(diary: list[str]) -> None:
    async with Stack(Thing("a", diary), Thing("b", diary), Thing("c", diary)):
        diary.append("living")
    assert diary == ["start a", "start b", "start c", "living", "stop c", "stop b", "stop a"]


async def test_a_stack_that_cannot_start_stops_what_had_started(diary: list[str]) -> None:
    stack = Stack(Thing("a", diary), Thing("b", diary, fails="start"), Thing("c", diary))
    with pytest.raises(RuntimeError):
        await stack.start()
    assert diary == ["start a", "start b", "stop b", "stop a"]
    assert stack.state is State.STOPPED


async def test_a_stack_stops_all_even_when_some_fail(diary: list[str]) -> None:
    stack = Stack(Thing("a", diary, fails="stop"), Thing("b", diary), Thing("c", diary, fails="stop"))
    await stack.start()
    with pytest.raises(ExceptionGroup) as caught:
        await stack.stop()
    assert [str(fault) for fault in caught.value.exceptions] == ["c", "a"]
    assert diary[-3:] == ["stop c", "stop b", "stop a"]


class Worker(Background):
    """Writes down its turns; the first one may fail."""

    trouble = "It went wrong."

    def __init__(self, diary: list[str], *, fails: bool = False) -> None:
        super().__init__()
        self.diary = diary
        self.fails = fails
        self.done = asyncio.Event()

    async def _work(self) -> None:
        self.diary.append("turn")
        self.done.set()
        if self.fails:
            self.fails = False
            raise RuntimeError

    async def turn(self) -> None:
        await self.done.wait()
        self.done.clear()


async def test_what_works_in_the_background_has_a_turn_whenever_it_is_woken(diary: list[str]) -> None:
    worker = Worker(diary)
    worker.wake()
    for _ in range(2):  # it can live again
        async with worker:
            await worker.turn()
            worker.wake()
            await worker.turn()
            worker.wake()
        assert diary == ["turn"] * 2  # stopped before it got to the third
        diary.clear()


async def test_and_without_being_woken_after_its_pause(diary: list[str]) -> None:
    worker = Worker(diary)
    worker.pause = 0.001
    async with worker:
        await worker.turn()
        await worker.turn()


async def test_a_turn_that_fails_is_logged_and_the_next_one_comes(
    diary: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker(diary, fails=True)
    async with worker:
        for _ in range(2):
            worker.wake()
            await worker.turn()
    assert [(record.message, record.name) for record in caplog.records] == [("It went wrong.", __name__)]
