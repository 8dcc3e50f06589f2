"""The PostgreSQL that Pellucid runs itself: one data directory, one postmaster."""

import os
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Struct

from pellucid.errors import StartupError
from pellucid.lifecycle import State
from pellucid.postgres.binaries import Binaries, locate
from pellucid.postgres.configuration import LOGIN, SUPERUSER, configure
from pellucid.postgres.directory import InstanceDirectory, close_data
from pellucid.postgres.initialise import data_version, initialise
from pellucid.postgres.password import ensure_password
from pellucid.postgres.placement import Placement, place, release_sockets
from pellucid.postgres.postmaster import Postmaster, spawn
from pellucid.postgres.processes import clear_stale_files, end_processes, processes_in
from pellucid.postgres.relocation import STATE, within_reach
from pellucid.postgres.server import Progress

DEFAULT_PORT = 5432
"""The number in the name of the socket; nothing listens on TCP unless a port was asked for."""

_Thing = TypeVar("_Thing")


class ClusterOptions(Struct, frozen=True):
    """How to run it.

    Args:
        directory: the instance directory.
        port: listen on 127.0.0.1 at this TCP port too; None for the Unix socket alone.
        binaries: a directory of PostgreSQL's programs to use instead of looking for one.
        state: where root keeps programs and data that PostgreSQL's account cannot reach in place.
        start_seconds: how long a start may take, recovery after a crash included.
        stop_seconds: how long an orderly stop may take before it is made short.
    """

    directory: Path
    port: int | None = None
    binaries: Path | None = None
    state: Path = STATE
    start_seconds: float = 600.0
    stop_seconds: float = 30.0


class Cluster:
    """A `PostgresServer` of our own. Whoever starts it holds the `InstanceLock` of the same directory.

    `start` and `stop` may be called again without harm. A process forked from the one that started it cannot stop it.
    """

    def __init__(self, options: ClusterOptions) -> None:
        self.options = options
        self.directory = InstanceDirectory.at(options.directory)
        self.state = State.NEW
        self._postmaster: Postmaster | None = None
        self._placement: Placement | None = None
        self._binaries: Binaries | None = None

    @property
    def alive(self) -> bool:
        """Whether the postmaster that this process started still runs."""
        return self._postmaster is not None and self._postmaster.alive

    @property
    def placed(self) -> bool:
        """Whether it is known already where things are."""
        return self._placement is not None

    @property
    def placement(self) -> Placement:
        """Where data and sockets are; known once started."""
        return _known(self._placement)

    @property
    def binaries(self) -> Binaries:
        """The programs in use; known once started."""
        return _known(self._binaries)

    @property
    def dsn(self) -> str:
        """For requests: through the socket, as the role `authenticator`."""
        return self._dsn(LOGIN)

    @property
    def admin_dsn(self) -> str:
        """For bootstrap and DDL: through the socket, as the superuser."""
        return self._dsn(SUPERUSER)

    @property
    def description(self) -> str:
        """Version, place, account and port, for the banner."""
        account = self.placement.account
        parts = [f"PostgreSQL {self.binaries.version} ({self.binaries.origin})", f"data in {self.placement.data}"]
        if account.is_other:
            parts.append(f"runs as the account {account.name}")
        if self.options.port is not None:
            parts.append(f"TCP 127.0.0.1:{self.options.port}, password in {self.directory.password}")
        return " · ".join(parts)

    def start(self, progress: Progress = lambda _: None) -> None:
        """Make the data directory if there is none, and start PostgreSQL on it; returns when it accepts connections.

        One that died is started again. One that an earlier Pellucid left behind is stopped first.

        Raises:
            StartupError: it cannot be started; the text says why in one line.
        """
        if self.state is State.STARTED and self.alive:
            return
        self.state = State.STARTING
        try:
            self._start(progress)
        except BaseException:
            self.stop()
            raise
        self.state = State.STARTED

    def stop(self) -> None:
        """Stop it: open transactions are rolled back, everything is written, and the processes are gone when this returns."""
        if self.state not in (State.STARTING, State.STARTED) or self._is_anothers:
            return
        self.state = State.STOPPING
        try:
            self._end()
        finally:
            self._postmaster = None
            self.state = State.STOPPED

    def _start(self, progress: Progress) -> None:
        """The story of a start: where, with which programs, on which data, and then the server itself."""
        options = self.options
        placement = place(self.directory, port=self._port, state=options.state, progress=progress)
        found = locate(major=data_version(placement.data), override=options.binaries)
        binaries = within_reach(found, placement.account, options.state, progress)
        self._placement, self._binaries = placement, binaries
        self._prepare_data(progress)
        self._end_orphans(progress)
        configure(placement, binaries, tcp=self._tcp)
        if self._tcp:
            ensure_password(self.directory, placement, binaries)
        self._postmaster = spawn(binaries, placement, self.directory.log, port=self._port, tcp=self._tcp)
        self._postmaster.await_ready(options.start_seconds, progress)

    @property
    def _tcp(self) -> bool:
        return self.options.port is not None

    @property
    def _port(self) -> int:
        return DEFAULT_PORT if self.options.port is None else self.options.port

    @property
    def _is_anothers(self) -> bool:
        """Whether this is a copy in a forked process, of a server that the parent looks after."""
        return self._postmaster is not None and self._postmaster.parent != os.getpid()

    def _prepare_data(self, progress: Progress) -> None:
        data = self.placement.data
        if data_version(data) is None:
            progress(f"Making the data directory {data}")
            self.directory.password.unlink(missing_ok=True)
            initialise(self.binaries, self.placement.account, data)
        elif close_data(data):
            progress(f"Closing the data directory {data}, which is open to others")

    def _end_orphans(self, progress: Progress) -> None:
        data = self.placement.data
        if processes_in(data):
            progress("Stopping the PostgreSQL that an earlier run left behind")
            if not end_processes(data):
                raise StartupError(
                    f"Another PostgreSQL works in {data} and does not stop.",
                    hint=f"Stop process {processes_in(data)[0]} by hand, then start again.",
                )
        clear_stale_files(data, self.placement.sockets, self._port)

    def _end(self) -> None:
        if self._postmaster is not None:
            self._postmaster.end(self.options.stop_seconds)
        if self._placement is not None:
            release_sockets(self._placement)

    def _dsn(self, role: str) -> str:
        where = urlencode({"host": str(self.placement.sockets), "port": self._port}, safe="/")
        return f"postgresql://{role}@/postgres?{where}"


def _known(thing: _Thing | None) -> _Thing:
    if thing is None:
        raise StartupError("PostgreSQL has not been started.", hint="Start it before asking where it is.")
    return thing
