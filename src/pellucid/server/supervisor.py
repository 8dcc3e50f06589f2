"""The supervisor: keeps the workers alive, renews them one after another, and stops them in order. Synchronous, without threads.

It wakes for signals, for what workers tell, for a changed file, and for time; what follows from that, `Fleet` decides.
"""

import logging
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Protocol

from pellucid.errors import StartupError
from pellucid.server.channel import Ready
from pellucid.server.fleet import Action, Announce, Broken, Died, Fleet, Kill, Leave, Renewed, Start
from pellucid.server.options import ServerOptions
from pellucid.server.process import Nursery, Process
from pellucid.server.signals import Signals
from pellucid.server.sockets import close
from pellucid.server.watcher import Watcher
from pellucid.server.worker import Build

_logger = logging.getLogger("pellucid.server")

_TICK = 1.0
"""Seconds between two calls of ``tend``."""


class Events(Protocol):
    """What the supervisor tells the person at the terminal."""

    def ready(self) -> None:
        """Every worker answers, for the first time."""

    def broken(self, error: StartupError, *, serving: bool) -> None:
        """The application cannot be started; ``serving`` says whether its previous version still answers."""

    def renewing(self, reason: str) -> None:
        """The workers are being renewed."""

    def renewed(self) -> None:
        """All of them are new."""

    def stopping(self) -> None:
        """No new connections from now on; requests under way are answered."""


def supervise(
    options: ServerOptions,
    listeners: Sequence[socket.socket],
    build: Build,
    events: Events,
    *,
    tend: Callable[[], None] = lambda: None,
) -> None:
    """Run workers until SIGINT or SIGTERM; a second one does not wait for requests under way. SIGHUP renews the workers.

    Args:
        listeners: listening sockets; closed when the stop begins.
        build: makes the application, called in each worker after its fork.
        events: hears what happens.
        tend: called about every second and whenever a child ends; looks after what else must live.

    Raises:
        StartupError: the application cannot be started, or its workers keep failing at once with nobody serving.
    """
    with ExitStack() as stack:
        lifeline, held_open = os.pipe()
        stack.callback(os.close, lifeline)
        stack.callback(os.close, held_open)
        signals = stack.enter_context(Signals())
        watcher = Watcher(options.watch) if options.watch else None
        if watcher is not None:
            stack.callback(watcher.close)

        def forget() -> None:
            supervisor.forget()
            os.close(held_open)

        nursery = Nursery(build, listeners, options, lifeline, forget)
        supervisor = Supervisor(options, nursery, events, signals=signals, watcher=watcher)
        supervisor.run(tend)


class Supervisor:
    """The hands of `Fleet`: carries out what it decides, and tells it what happens."""

    def __init__(
        self,
        options: ServerOptions,
        nursery: Nursery,
        events: Events,
        *,
        signals: Signals,
        watcher: Watcher | None,
    ) -> None:
        self._options = options
        self._nursery = nursery
        self._events = events
        self._signals = signals
        self._watcher = watcher
        self._processes: dict[int, Process] = {}
        self._fleet = Fleet(
            options.workers,
            watching=watcher is not None,
            start_seconds=options.start_seconds,
            stop_seconds=options.shutdown_seconds,
        )

    def run(self, tend: Callable[[], None]) -> None:
        """Live until told to stop, and until every worker has ended."""
        try:
            while not self._fleet.over:
                for action in self._fleet.due(time.monotonic()):
                    self._carry_out(action)
                self._wait()
                self._hear_signals()
                self._hear_workers()
                self._hear_watcher()
                tend()
        finally:
            self._end_all()
        if self._fleet.fault is not None:
            raise self._fleet.fault

    def forget(self) -> None:
        """In a forked child: let go of what is the supervisor's alone."""
        self._signals.forget()
        for process in self._processes.values():
            process.listener.close()
        if self._watcher is not None:
            self._watcher.forget()

    # -- doing --------------------------------------------------------------------------------------------------------

    def _carry_out(self, action: Action) -> None:
        match action:
            case Start(slot):
                process = self._nursery.fork()
                self._processes[process.pid] = process
                self._fleet.joined(slot, process.pid, time.monotonic())
            case Leave(pid):
                self._processes[pid].send(signal.SIGTERM)
            case Kill(pid):
                self._processes[pid].send(signal.SIGKILL)
            case Announce():
                self._events.ready()
            case Renewed():
                self._events.renewed()
            case Broken(error, serving):
                self._events.broken(error, serving=serving)
            case Died(pid, how, pause):
                _logger.error(
                    "worker %d %s; the next one starts %s", pid, how, f"in {pause:.1f} s" if pause else "at once"
                )

    def _renew(self, reason: str) -> None:
        if not self._fleet.stopping:
            self._events.renewing(reason)
            self._fleet.renew(time.monotonic())

    def _stop(self) -> None:
        if self._fleet.stopping:
            self._fleet.hurry()
            return
        close(self._nursery.listeners)
        self._events.stopping()
        self._fleet.stop(time.monotonic())

    def _end_all(self) -> None:
        """Leave no worker behind, whatever went wrong here."""
        for process in self._processes.values():
            process.send(signal.SIGKILL)
        for process in list(self._processes.values()):
            os.waitpid(process.pid, 0)

    # -- hearing ------------------------------------------------------------------------------------------------------

    def _wait(self) -> None:
        """Until something can be read, or it is time."""
        with selectors.PollSelector() as selector:  # keeps nothing in the kernel, so a forked child cannot disturb it
            selector.register(self._signals, selectors.EVENT_READ)
            for process in self._processes.values():
                if not process.listener.closed:
                    selector.register(process.listener, selectors.EVENT_READ)
            if self._watcher is not None and not self._watcher.ended:
                selector.register(self._watcher, selectors.EVENT_READ)
            selector.select(self._patience())

    def _patience(self) -> float:
        next_time = self._fleet.next_time()
        return _TICK if next_time is None else min(_TICK, max(0.0, next_time - time.monotonic()))

    def _hear_signals(self) -> None:
        for number in self._signals.take():
            match number:
                case signal.SIGINT | signal.SIGTERM:
                    self._stop()
                case signal.SIGHUP if self._options.interactive:
                    self._stop()
                case signal.SIGHUP:
                    self._renew("SIGHUP")

    def _hear_workers(self) -> None:
        for process in list(self._processes.values()):
            ended = process.ended()  # asked first: what it told before its end is then in the pipe
            for report in process.listener.take():
                match report:
                    case Ready():
                        self._fleet.ready(process.pid, time.monotonic())
                    case StartupError():
                        self._fleet.failed(process.pid, report)
            if ended:
                self._bury(process)

    def _bury(self, process: Process) -> None:
        process.listener.close()
        del self._processes[process.pid]
        self._fleet.ended(process.pid, process.how(), time.monotonic())

    def _hear_watcher(self) -> None:
        if self._watcher is None or self._watcher.ended:
            return
        changed = self._watcher.take()
        if changed is not None:
            self._renew(changed)
