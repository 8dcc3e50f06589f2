"""The PostgreSQL processes of a data directory, as its pid file and the operating system show them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from pellucid.postgres.files import read_file

POLL = 0.005
"""Seconds between two looks."""

_PROC = Path("/proc")


class PidFile(Struct, frozen=True):
    """What `postmaster.pid` says (PostgreSQL, src/include/utils/pidfile.h)."""

    pid: int
    port: int | None
    sockets: Path | None
    status: str

    @property
    def ready(self) -> bool:
        """Whether connections are accepted."""
        return self.status in ("ready", "standby")


def read_pid_file(data: Path) -> PidFile | None:
    """What the data directory's `postmaster.pid` says; None where there is none or it is not yet written in full."""
    lines = (read_file(data / "postmaster.pid") or "").split("\n")
    if not lines[0].strip().isdecimal():
        return None
    lines += [""] * 8
    port = int(lines[3]) if lines[3].strip().isdecimal() else None
    return PidFile(int(lines[0]), port, Path(lines[4]) if lines[4] else None, lines[7].strip())


def processes_in(data: Path) -> list[int]:
    """The PostgreSQL processes that work in this data directory, the postmaster first if it lives.

    A process is known by its program and its working directory, which is always the data directory: a recycled pid does not
    deceive. Where the system has no /proc, the postmaster alone is found, by its command line.
    """
    file = read_pid_file(data)
    postmaster = file.pid if file else 0
    found = _by_directory(data) if _PROC.joinpath("self").exists() else _by_command(data, postmaster)
    return sorted(found, key=lambda pid: pid != postmaster)


def _by_directory(data: Path) -> Iterator[int]:
    try:
        wanted = data.stat()
    except FileNotFoundError:
        return
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and _works_in(entry, wanted):
            yield int(entry.name)


def _works_in(process: Path, data: os.stat_result) -> bool:
    try:
        return process.joinpath("exe").readlink().name.startswith("postgres") and os.path.samestat(
            process.joinpath("cwd").stat(), data
        )
    except OSError:  # it has ended, or is not ours to see
        return False


def _by_command(data: Path, postmaster: int) -> Iterator[int]:
    if postmaster <= 0:
        return
    said = subprocess.run(  # noqa: S603 - no input from outside
        ["/bin/ps", "-o", "args=", "-p", str(postmaster)], capture_output=True, text=True, check=False
    ).stdout
    if "postgres" in said and f"-D {data}" in said:
        yield postmaster


def end_processes(data: Path) -> bool:
    """End whatever PostgreSQL still works in the data directory: fast, then at once, then by force.

    Returns:
        whether nothing works there any more.
    """
    for force, seconds in ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
        _tell(data, force)
        if wait_until(lambda: not processes_in(data), seconds):
            return True
    return False


def _tell(data: Path, force: signal.Signals) -> None:
    """A postmaster ends its children itself. Without one each child is told to quit: SIGINT would only end its statement."""
    alive, file = processes_in(data), read_pid_file(data)
    orderly = file is not None and file.pid in alive and force is not signal.SIGKILL
    for pid in alive[:1] if orderly else alive:
        _send(pid, force if orderly or force is signal.SIGKILL else signal.SIGQUIT)


def _send(pid: int, what: signal.Signals) -> None:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return


def clear_stale_files(data: Path, sockets: Path, port: int) -> None:
    """Remove what a killed postmaster left behind, when it is certain that nothing works in the data directory.

    PostgreSQL does so itself, unless the pid in them was given to another process of the same account meanwhile, as happens in
    containers. Where the system has no /proc nothing is certain enough, and PostgreSQL decides.
    """
    if not _PROC.joinpath("self").exists() or processes_in(data):
        return
    for stale in (data / "postmaster.pid", sockets / f".s.PGSQL.{port}.lock", sockets / f".s.PGSQL.{port}"):
        stale.unlink(missing_ok=True)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look again and again, at most for so many seconds; says whether it came true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(POLL)
    return True
