"""Which workers there should be: decides, and leaves the doing to the supervisor. Pure: time comes in as a number.

Something happens (`joined`, `ready`, `failed`, `ended`, `renew`, `stop`, `hurry`), and `due` tells what is to be done about it now.
"""

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from pellucid.errors import StartupError

INSTANT = 2.0
"""A worker that serves for fewer seconds than this has failed at once."""

PATIENCE = 5
"""So many failures at once in a row, with nobody serving, and the fleet gives up."""

LONGEST_PAUSE = 5.0
"""Seconds; the pauses between starts double up to this."""

MARGIN = 5.0
"""Seconds that a worker has for its own clean-up, after those for the requests under way."""


class State(Enum):
    """Where a worker stands."""

    STARTING = "starting"
    SERVING = "serving"
    LEAVING = "leaving"
    CUT_OFF = "cut off"
    """It did not start in time, and is being ended."""


class Worker(Struct, eq=False):
    """One worker. ``since`` and ``deadline`` are seconds on the caller's clock; ``error`` is why it does not start, as it told."""

    pid: int
    slot: "Slot"
    since: float
    deadline: float | None
    state: State = State.STARTING
    error: StartupError | None = None


class Slot(Struct, eq=False):
    """The place of one worker. ``again`` is when to start the next one in it; none means not before the application changes."""

    number: int
    failures: int = 0
    again: float | None = 0.0


class Start(Struct, frozen=True):
    """Start a worker in this slot, and say `joined`."""

    slot: Slot


class Leave(Struct, frozen=True):
    """Ask the worker to finish what is under way and end."""

    pid: int


class Kill(Struct, frozen=True):
    """End the worker now."""

    pid: int


class Announce(Struct, frozen=True):
    """Every slot is served, for the first time."""


class Renewed(Struct, frozen=True):
    """Every worker is new."""


class Broken(Struct, frozen=True):
    """A worker could not be started; ``serving`` says whether another one answers meanwhile."""

    error: StartupError
    serving: bool


class Died(Struct, frozen=True):
    """A serving worker has ended unasked; another follows in ``pause`` seconds."""

    pid: int
    how: str
    pause: float


Action = Start | Leave | Kill | Announce | Renewed | Broken | Died


class Fleet:
    """The workers, their slots and what is to be done about them."""

    def __init__(self, size: int, *, watching: bool, start_seconds: float, stop_seconds: float) -> None:
        """Plan for ``size`` workers.

        Args:
            watching: a changed file brings a new start, so a broken application is waited for.
            start_seconds: how long a worker may take to be ready.
            stop_seconds: how long requests under way may take.
        """
        self.fault: StartupError | None = None
        """Why the fleet gave up."""
        self._slots = [Slot(number) for number in range(1, size + 1)]
        self._workers: dict[int, Worker] = {}
        self._to_renew: list[Slot] = []
        self._actions: list[Action] = []
        self._watching = watching
        self._start_seconds = start_seconds
        self._leave_seconds = stop_seconds + MARGIN
        self._announced = False
        self._renewing = False
        self._stopping = False

    # -- what is to be done -------------------------------------------------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether everything has ended, as asked."""
        return self._stopping and not self._workers

    @property
    def stopping(self) -> bool:
        """Whether the end has begun."""
        return self._stopping

    def due(self, now: float) -> list[Action]:
        """What is to be done now; each thing is told once."""
        self._cut_off_late(now)
        if not self._stopping:
            self._actions += self._starts(now)
        actions, self._actions = self._actions, []
        return actions

    def next_time(self) -> float | None:
        """When `due` will have something to tell even if nothing happens."""
        deadlines = [worker.deadline for worker in self._workers.values() if worker.deadline is not None]
        starts = [slot.again for slot in self._empty() if slot.again is not None]
        return min(deadlines + starts, default=None)

    # -- what happens -------------------------------------------------------------------------------------------------

    def joined(self, slot: Slot, pid: int, now: float) -> None:
        """A worker has been started in this slot."""
        self._workers[pid] = Worker(pid, slot, now, now + self._start_seconds)

    def ready(self, pid: int, now: float) -> None:
        """The worker serves; the one before it in its slot may go."""
        worker = self._workers[pid]
        if worker.state is not State.STARTING:
            return
        before = self._in(worker.slot, State.SERVING)
        worker.state, worker.since, worker.deadline = State.SERVING, now, None
        if before is not None:
            self._leave(before, now)
        self._tell_when_all_serve()

    def failed(self, pid: int, error: StartupError) -> None:
        """The worker has told why it does not start; its end follows."""
        self._workers[pid].error = error

    def ended(self, pid: int, how: str, now: float) -> None:
        """The worker's process is no more; ``how`` says it in words."""
        worker = self._workers.pop(pid)
        if self._stopping or worker.state is State.LEAVING:
            return
        if worker.state is State.SERVING:
            self._died(worker, how, now)
        else:
            self._did_not_start(worker, how, now)

    def renew(self, now: float) -> None:
        """Start over with the application as it is now, one slot after another; who serves goes on until its successor does."""
        if self._stopping:
            return
        self._renewing = True
        for worker in list(self._workers.values()):
            if worker.state is State.STARTING:
                self._kill(worker)
        for slot in self._slots:
            slot.failures, slot.again = 0, now
        self._to_renew = [slot for slot in self._slots if self._in(slot, State.SERVING)]

    def stop(self, now: float) -> None:
        """Let everybody finish."""
        self._stopping = True
        for worker in self._workers.values():
            if worker.state in (State.STARTING, State.SERVING):
                self._leave(worker, now)

    def hurry(self) -> None:
        """Wait for nobody."""
        self._actions += [Kill(pid) for pid in self._workers]

    # -- decisions ----------------------------------------------------------------------------------------------------

    def _starts(self, now: float) -> Iterator[Start]:
        yield from (Start(slot) for slot in self._empty() if slot.again is not None and slot.again <= now)
        if self._to_renew and not self._any(State.STARTING):
            yield Start(self._to_renew.pop(0))

    def _cut_off_late(self, now: float) -> None:
        for worker in self._workers.values():
            if worker.deadline is None or worker.deadline > now:
                continue
            if worker.state is State.STARTING:
                worker.state = State.CUT_OFF
                worker.error = StartupError(f"a worker was not ready within {self._start_seconds:g} seconds")
            worker.deadline = None
            self._actions.append(Kill(worker.pid))

    def _died(self, worker: Worker, how: str, now: float) -> None:
        slot = worker.slot
        slot.failures = slot.failures + 1 if now - worker.since < INSTANT else 0
        if self._hopeless(slot):
            self._give_up(StartupError(f"the workers keep ending at once: the last one {how}"), now)
            return
        slot.again = now + _pause(slot.failures)
        self._actions.append(Died(worker.pid, how, _pause(slot.failures)))

    def _did_not_start(self, worker: Worker, how: str, now: float) -> None:
        slot = worker.slot
        error = worker.error or StartupError(f"a worker {how} before it was ready")
        slot.failures += 1
        final = worker.error is not None and not self._announced
        if self._in(slot, State.SERVING):
            self._to_renew.clear()
            self._renewing = False
        elif self._watching:
            slot.again = None
        elif final or self._hopeless(slot):
            self._give_up(error, now)
            return
        else:
            slot.again = now + _pause(slot.failures)
        self._actions.append(Broken(error, serving=self._any(State.SERVING)))

    def _hopeless(self, slot: Slot) -> bool:
        return slot.failures >= PATIENCE and not self._any(State.SERVING)

    def _give_up(self, error: StartupError, now: float) -> None:
        self.fault = error
        self.stop(now)

    def _leave(self, worker: Worker, now: float) -> None:
        worker.state = State.LEAVING
        worker.deadline = now + self._leave_seconds
        self._actions.append(Leave(worker.pid))

    def _kill(self, worker: Worker) -> None:
        worker.state = State.LEAVING
        worker.deadline = None
        self._actions.append(Kill(worker.pid))

    def _tell_when_all_serve(self) -> None:
        if self._to_renew or self._any(State.STARTING) or self._empty():
            return
        if not self._announced:
            self._actions.append(Announce())
        elif self._renewing:
            self._actions.append(Renewed())
        self._announced = True
        self._renewing = False

    # -- who is there -------------------------------------------------------------------------------------------------

    def _in(self, slot: Slot, *states: State) -> Worker | None:
        there = (worker for worker in self._workers.values() if worker.slot is slot and worker.state in states)
        return next(there, None)

    def _any(self, state: State) -> bool:
        return any(worker.state is state for worker in self._workers.values())

    def _empty(self) -> list[Slot]:
        return [slot for slot in self._slots if not self._in(slot, State.STARTING, State.SERVING, State.CUT_OFF)]


def _pause(failures: int) -> float:
    """Seconds before the next start: none after the first failure of a worker that had served well."""
    return 0.0 if failures == 0 else min(0.1 * 2 ** (failures - 1), LONGEST_PAUSE)
