"""What the fleet decides, without a single process."""

from collections.abc import Iterator
from itertools import count

import pytest

from pellucid.errors import StartupError
from pellucid.server.fleet import (
    MARGIN,
    PATIENCE,
    Action,
    Announce,
    Broken,
    Died,
    Fleet,
    Kill,
    Leave,
    Renewed,
    Start,
)

BROKEN = StartupError("it is broken")


class Play:
    """A fleet whose every wish is granted at once, on a clock that the test turns."""

    def __init__(self, size: int = 1, *, watching: bool = False) -> None:
        self.fleet = Fleet(size, watching=watching, start_seconds=60, stop_seconds=30)
        self.now = 100.0
        self._pids: Iterator[int] = count(1)

    def due(self) -> list[Action]:
        actions = self.fleet.due(self.now)
        for action in actions:
            if isinstance(action, Start):
                self.fleet.joined(action.slot, next(self._pids), self.now)
        return actions

    def ready(self, *pids: int) -> list[Action]:
        for pid in pids:
            self.fleet.ready(pid, self.now)
        return self.due()

    def ended(self, pid: int, error: StartupError | None = None) -> list[Action]:
        if error is not None:
            self.fleet.failed(pid, error)
        self.fleet.ended(pid, "was ended by SIGKILL", self.now)
        return self.due()

    def later(self, seconds: float) -> list[Action]:
        self.now += seconds
        return self.due()


def starts(actions: list[Action]) -> int:
    return sum(isinstance(action, Start) for action in actions)


@pytest.fixture
def serving() -> Play:
    """Two workers, 1 and 2, that have served for long."""
    play = Play(2)
    assert starts(play.due()) == 2
    assert play.ready(1, 2) == [Announce()]
    play.later(1000)
    return play


def test_it_starts_all_and_announces_them_once() -> None:
    play = Play(3)
    assert starts(play.due()) == 3
    assert play.ready(1, 2) == []
    assert play.ready(3) == [Announce()]
    assert play.later(1) == []


def test_a_worker_that_served_well_is_replaced_at_once(serving: Play) -> None:
    actions = serving.ended(1)
    assert actions[0] == Died(1, "was ended by SIGKILL", 0.0)
    assert starts(actions) == 1
    assert serving.ready(3) == []


def test_a_worker_that_ends_at_once_is_replaced_after_growing_pauses(serving: Play) -> None:
    serving.ended(1)
    pauses = []
    for pid in range(3, 3 + PATIENCE + 3):  # the other one serves, so it never gives up
        serving.ready(pid)
        (death,) = serving.ended(pid)
        assert isinstance(death, Died)
        pauses.append(death.pause)
        assert serving.fleet.next_time() == pytest.approx(serving.now + death.pause)
        assert starts(serving.later(death.pause)) == 1
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 5.0


def test_it_gives_up_when_all_keep_ending_at_once() -> None:
    play = Play(1)
    play.due()
    for pid in range(1, PATIENCE + 1):
        assert play.fleet.fault is None
        play.ready(pid)
        play.ended(pid)
        play.later(10)
    assert play.fleet.fault is not None
    assert "keep ending at once" in play.fleet.fault.message
    assert play.fleet.over


def test_an_application_that_never_started_ends_everything_with_its_own_error() -> None:
    play = Play(2)
    play.due()
    assert play.ended(1, BROKEN) == [Leave(2)]
    play.ended(2, BROKEN)
    assert play.fleet.fault is BROKEN
    assert play.fleet.over


def test_a_start_that_dies_without_a_word_is_tried_again() -> None:
    play = Play(1)
    play.due()
    for pid in range(1, PATIENCE):
        (broken,) = play.ended(pid)
        assert isinstance(broken, Broken)
        assert "SIGKILL before it was ready" in broken.error.message
        assert starts(play.later(10)) == 1
    play.ended(PATIENCE)
    assert play.fleet.fault is not None


def test_a_later_start_that_fails_is_tried_again_while_others_serve(serving: Play) -> None:
    serving.ended(1)
    for pid in range(3, 3 + 2 * PATIENCE):
        assert serving.ended(pid, BROKEN) == [Broken(BROKEN, serving=True)]
        assert starts(serving.later(10)) == 1
    assert serving.fleet.fault is None


def test_a_worker_that_is_never_ready_is_ended_and_replaced(serving: Play) -> None:
    serving.ended(1)
    assert serving.fleet.next_time() == serving.now + 60
    assert serving.later(60) == [Kill(3)]
    assert serving.later(1) == []
    assert serving.ready(3) == []  # too late
    (broken,) = serving.ended(3)
    assert isinstance(broken, Broken)
    assert "not ready within 60 seconds" in broken.error.message
    assert starts(serving.later(1)) == 1


def test_a_first_start_that_is_never_ready_is_the_last() -> None:
    play = Play(1)
    play.due()
    play.later(60)
    assert play.ended(1) == []
    assert play.fleet.fault is not None
    assert "not ready within 60 seconds" in play.fleet.fault.message


def test_renewing_goes_slot_by_slot_and_never_below_strength(serving: Play) -> None:
    serving.fleet.renew(serving.now)
    assert starts(serving.due()) == 1
    actions = serving.ready(3)
    assert actions[0] == Leave(1)
    assert starts(actions) == 1
    assert serving.ready(4) == [Leave(2), Renewed()]
    assert serving.ended(1) == []
    assert serving.ended(2) == []


def test_renewing_with_a_broken_application_changes_nothing(serving: Play) -> None:
    serving.fleet.renew(serving.now)
    serving.due()
    assert serving.ended(3, BROKEN) == [Broken(BROKEN, serving=True)]
    assert serving.later(1000) == []
    serving.fleet.stop(serving.now)
    assert serving.due() == [Leave(1), Leave(2)]


def test_renewing_again_before_the_first_is_done_starts_over(serving: Play) -> None:
    serving.fleet.renew(serving.now)
    serving.due()
    serving.fleet.renew(serving.now)
    actions = serving.due()
    assert actions[0] == Kill(3)
    assert starts(actions) == 1
    assert serving.ended(3) == []
    assert serving.ready(4)[0] == Leave(1)


def test_while_watching_a_broken_application_waits_for_a_change() -> None:
    play = Play(1, watching=True)
    play.due()
    assert play.ended(1, BROKEN) == [Broken(BROKEN, serving=False)]
    assert play.later(1000) == []
    assert play.fleet.next_time() is None
    play.fleet.renew(play.now)
    assert starts(play.due()) == 1
    assert play.ready(2) == [Announce()]


def test_stopping_asks_everybody_and_in_the_end_insists(serving: Play) -> None:
    serving.fleet.stop(serving.now)
    assert serving.due() == [Leave(1), Leave(2)]
    assert serving.ended(1) == []
    assert serving.later(30 + MARGIN) == [Kill(2)]
    assert not serving.fleet.over
    assert serving.ended(2) == []
    assert serving.fleet.over


def test_in_a_hurry_nobody_is_waited_for(serving: Play) -> None:
    serving.fleet.stop(serving.now)
    serving.due()
    serving.fleet.hurry()
    assert serving.due() == [Kill(1), Kill(2)]


def test_nothing_starts_while_stopping(serving: Play) -> None:
    serving.fleet.stop(serving.now)
    serving.due()
    serving.fleet.renew(serving.now)
    assert serving.ended(1) == []
    assert serving.later(10) == []
