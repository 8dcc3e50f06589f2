"""One postmaster: spawned, waited for, ended."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from msgspec import Struct

from pellucid.errors import StartupError
from pellucid.postgres.binaries import Binaries
from pellucid.postgres.configuration import enforced
from pellucid.postgres.placement import Placement
from pellucid.postgres.processes import POLL, end_processes, read_pid_file
from pellucid.postgres.server import Progress

_LARGE_LOG = 16 << 20


class Postmaster(Struct, frozen=True):
    """The server process of this very start."""

    process: subprocess.Popen[bytes]
    parent: int
    """The process that spawned it, and the only one that may end it: a forked worker has a copy of this value too."""
    data: Path
    port: int
    log: Path
    log_offset: int
    """Where in the log its own words begin."""

    @property
    def alive(self) -> bool:
        """Whether it runs; a forked child cannot tell and sees what was true when it was forked."""
        if self.parent != os.getpid():
            return self.process.returncode is None
        return self.process.poll() is None

    def await_ready(self, seconds: float, progress: Progress) -> None:
        """Return when it accepts connections.

        Raises:
            StartupError: it ended, or was not ready within so many seconds.
        """
        begun, told = time.monotonic(), False
        while self.alive:
            file = read_pid_file(self.data)
            if file is not None and file.pid == self.process.pid and file.ready:
                return
            waited = time.monotonic() - begun
            if waited > seconds:
                raise self._failure(f"it was not ready within {seconds:g} seconds")
            if waited > 1 and not told:
                told = True
                progress("Waiting for PostgreSQL (after a crash it first repeats what its write-ahead log holds)")
            time.sleep(POLL)
        raise self._failure(self._reason())

    def end(self, seconds: float) -> None:
        """End it: orderly for so many seconds, then at once, then by force. Nothing of it is left when this returns."""
        for force, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            self.process.send_signal(force)
            try:
                self.process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        end_processes(self.data)

    def _reason(self) -> str:
        with self.log.open("rb") as file:
            file.seek(self.log_offset)
            words = file.read().decode(errors="replace")
        bind = _BIND.search(words)
        return f"port {self.port} of 127.0.0.1 cannot be used ({bind[1]})" if bind else reason(words)

    def _failure(self, why: str) -> StartupError:
        return StartupError(f"PostgreSQL did not start: {why}.", hint=f"Its own words are at the end of {self.log}.")


def spawn(binaries: Binaries, placement: Placement, log: Path, *, port: int, tcp: bool) -> Postmaster:
    """Start the server process; it is not ready yet.

    Raises:
        StartupError: the program cannot be run, or the log cannot be written.
    """
    command: list[str | Path] = [
        binaries.program("postgres"),
        "-D",
        placement.data,
        *enforced(placement.sockets, port, tcp=tcp),
    ]
    try:
        output = _open_log(log)
        try:
            offset = os.lseek(output, 0, os.SEEK_END)
            process = placement.account.spawn(command, output=output)
        finally:
            os.close(output)
    except OSError as fault:
        raise StartupError(
            f"PostgreSQL cannot be run from {binaries.directory}: {fault.strerror}.",
            hint=f"See that the account {placement.account.name} may run it and that {log} can be written.",
        ) from fault
    return Postmaster(process, os.getpid(), placement.data, port, log, offset)


def _open_log(log: Path) -> int:
    """Open the log for appending, owner-only; a large one from earlier runs is put aside."""
    if log.exists() and log.stat().st_size > _LARGE_LOG:
        log.replace(log.with_name(f"{log.name}.1"))
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


_BIND = re.compile(r"could not bind IPv\d address .*?: (.*)")
_TELLING = re.compile(r"(?:PANIC|FATAL|ERROR):\s+(.*)")
_REMARK = re.compile(r"LOG:\s+(.*)")


def reason(words: str) -> str:
    """Why PostgreSQL did not start, out of its own words: the last line that tells."""
    lines = words.splitlines()
    telling = _first(_TELLING, lines[::-1])
    if telling and "contains errors" in telling:
        return f"{telling} ({_first(_REMARK, lines)})"
    return telling or next((line for line in reversed(lines) if line.strip()), "it said nothing")


def _first(pattern: re.Pattern[str], lines: list[str]) -> str | None:
    return next((found[1] for line in lines if (found := pattern.search(line))), None)
