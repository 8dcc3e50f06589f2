"""A worker's process, seen from its supervisor: forked, told, waited for."""

import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from msgspec import Struct

from pellucid.server.channel import Listener, Teller, channel
from pellucid.server.options import ServerOptions
from pellucid.server.signals import held
from pellucid.server.worker import Build, work


class Process:
    """One forked process, and the pipe it tells through."""

    def __init__(self, pid: int, listener: Listener) -> None:
        self.pid = pid
        self.listener = listener
        self._status: int | None = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens where the process has been waited for, as its number may be another's by now."""
        if self._status is None:
            os.kill(self.pid, number)

    def ended(self) -> bool:
        """Whether it has ended."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status is not None

    def how(self) -> str:
        """How it ended, in words."""
        if self._status is not None and self._status < 0:
            return f"was ended by {signal.Signals(-self._status).name}"
        return f"ended with status {self._status}"


class Nursery(Struct, frozen=True):
    """Forks workers.

    ``lifeline`` is the pipe whose end tells them that the supervisor died; ``forget`` closes in a child what is the parent's alone.
    """

    build: Build
    listeners: Sequence[socket.socket]
    options: ServerOptions
    lifeline: int
    forget: Callable[[], None]

    def fork(self) -> Process:
        """Start a worker. No thread may be alive."""
        listener, writer = channel()
        _flush()
        gc.freeze()  # what exists by now stays shared between the processes: the collector no longer writes into it
        with held():
            pid = os.fork()
            if pid == 0:
                self._live(listener, writer)
        os.close(writer)
        return Process(pid, listener)

    def _live(self, listener: Listener, writer: int) -> None:
        """The child's whole life. It never returns into its parent's code, whose clean-up is not its own."""
        status = 1
        try:
            listener.close()
            self.forget()
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            status = work(self.build, self.listeners, self.options, teller=Teller(writer), lifeline=self.lifeline)
        finally:
            _flush()
            os._exit(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
