"""The servers that are measured: started, waited for, kept on their cores, and stopped by their own ids; and what they use."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PATIENCE = 120.0
"""Seconds until a server that does not answer counts as broken."""
STOPPING = 30.0
POLL = 0.01
FOREIGN = ("PELLUCID_", "PGRST_", "PG")
"""Variables of this environment that would change what is measured."""
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Cores:
    """Which cores work for whom. A server's own core is the server's alone, as far as there are enough; a database, and a program that is
    server and database in one, has all that are not the generator's, and with two cores it has both."""

    server: tuple[int, ...]
    database: tuple[int, ...]
    generator: tuple[int, ...]

    def told(self) -> str:
        """In words."""
        shared = set(self.database) & set(self.generator)
        also = " which it shares with databases and with PocketBase" if shared else ""
        return (
            f"the generator on core {_listed(self.generator)}{also}, Python servers on {_listed(self.server)}, "
            f"databases (and PocketBase, a server and a database in one) on {_listed(self.database)}"
        )


FEWEST_CORES = 4
"""From so many cores on each has its own."""


def divide(workers: int) -> Cores | None:
    """Divide this machine's cores; None where processes cannot be kept on cores, or there are too few for that.

    With two cores or three, a server that is kept on one shares it with whichever database the system puts there, and cannot move away;
    nobody runs a server like that.
    """
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < FEWEST_CORES:
        return None
    server = tuple(cores[: min(workers, len(cores) - 1)])
    return Cores(server, tuple(cores[:-1]), (cores[-1],))


def _listed(cores: Sequence[int]) -> str:
    return ", ".join(map(str, cores))


class Process:
    """A server as a process of its own, with its own log."""

    def __init__(self, command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start it.

        Args:
            command: the program and its arguments.
            directory: where it runs and where its log is kept.
            environment: variables beside ours.
        """
        self.log = directory / "log"
        ours = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=directory, env=ours | dict(environment or {}), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def id(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_until(self, answers: Callable[[], bool]) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it ended, or it does not answer.
        """
        deadline = time.monotonic() + PATIENCE
        while not _quietly(answers):
            if self._process.poll() is not None:
                raise RuntimeError(f"it ended with status {self._process.returncode}: {self._words()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"it does not answer: {self._words()}")
            time.sleep(POLL)

    def stop(self) -> None:
        """Ask it to stop, and see to it that it does, with all that it started."""
        family = list(tree([self.id]))
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOPPING)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def _words(self) -> str:
        return self.log.read_text(errors="replace").strip()[-800:] or "it said nothing"


def _quietly(answers: Callable[[], bool]) -> bool:
    try:
        return answers()
    except (OSError, ValueError):
        return False


def free_port() -> int:
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(roots: Sequence[int]) -> Iterator[psutil.Process]:
    """These processes and all below them, each once."""
    found: dict[int, psutil.Process] = {}
    for root in roots:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(root)
            found |= {each.pid: each for each in (process, *process.children(recursive=True))}
    return iter(found.values())


def keep(roots: Sequence[int], cores: Cores | None, *, whole: bool = False) -> None:
    """Keep servers on their cores, and their databases on theirs. What they start later inherits it.

    Args:
        whole: the server is its database too, and has the cores of both.
    """
    if cores is None:
        return
    for process in tree(roots):
        with suppress(psutil.NoSuchProcess, OSError):
            wide = whole or process.name().startswith("postgres")
            for thread in process.threads():
                os.sched_setaffinity(thread.id, cores.database if wide else cores.server)


def cpu_seconds(roots: Sequence[int]) -> float:
    """Processor time that they have used until now, with what those that ended had used."""
    total = 0.0
    for process in tree(roots):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def memory(roots: Sequence[int]) -> float:
    """Memory that they occupy, MiB: what several share counts once where the system can tell (Linux: PSS), else in each."""
    total = 0
    for process in tree(roots):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            known = process.memory_full_info()
            total += getattr(known, "pss", None) or known.rss
    return total / _MEBIBYTE
