"""The real ``pellucid serve`` as a process of its own, and what it says, line by line."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx
import psutil

from tests.ground import directory

PATIENCE = 60.0
"""Seconds until a test gives up; nothing is expected to take so long."""
QUIET = ("PELLUCID_", "PGRST_", "PG")


SECOND = 1_750_000_000


def rewrite(module: Path, text: str) -> None:
    """Put another text in its place at once: whoever watches the file never sees half of it. All texts are of the same second."""
    fresh = module.with_suffix(".new")
    fresh.write_text(text)
    os.utime(fresh, (SECOND, SECOND))
    fresh.replace(module)


class Serve:
    """One run of the command. As a context manager it is stopped at the end, and nothing of it stays behind."""

    def __init__(self, home: Path, *args: str, env: Mapping[str, str] | None = None) -> None:
        self.home = home
        self._args = args
        self._env = {name: value for name, value in os.environ.items() if not name.startswith(QUIET)} | dict(env or {})
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.said: list[str] = []
        self.process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "pellucid", "serve", "--port", "0", *self._args]
        self.process = subprocess.Popen(
            command, cwd=self.home, env=self._env, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        while self._lines.get(timeout=PATIENCE) is not None:
            pass
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip())
        self._lines.put(None)

    def until(self, text: str) -> str:
        """Wait for a line that holds a text."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.said.append(line)
            if text in line:
                return line
        self._lines.put(None)
        raise AssertionError(f"it ended without saying {text!r}:\n" + "\n".join(self.said))

    def ready(self) -> httpx.Client:
        """Wait for the banner; gives a client for the server."""
        url = self.until("API ").split()[-1]
        self.until("Ctrl-C")
        return httpx.Client(base_url=url, timeout=PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; gives the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def interrupt(self, number: signal.Signals) -> int | None:
        """Send a signal during the start; gives the exit status, or none where the start was over before, and then stops it."""
        self.process.send_signal(number)
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.said.append(line)
            if "Ctrl-C" in line:
                self.stop()
                return None
        self._lines.put(None)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end by itself."""
        return self.process.wait(PATIENCE)

    def rest(self) -> str:
        """Everything it said, once it has ended."""
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            self.said.append(line)
        self._lines.put(None)
        return "\n".join(self.said)

    def workers(self) -> list[psutil.Process]:
        """The processes that answer requests, without those that have ended and are not yet collected."""
        return [child for child in psutil.Process(self.process.pid).children() if name(child) not in ("", "postgres")]

    def postmaster(self) -> psutil.Process:
        """PostgreSQL."""
        return psutil.Process(int((self.home / ".pellucid/postgres/postmaster.pid").read_text().split()[0]))


def name(process: psutil.Process) -> str:
    """What it runs; nothing where it has ended, were it while one looked."""
    try:
        return "" if ended(process) else str(process.name())
    except psutil.NoSuchProcess:
        return ""


def ended(process: psutil.Process) -> bool:
    """Whether it is no more; where nobody collects orphans, a zombie stays of it."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def fresh_home() -> Path:
    """A directory that the account of PostgreSQL can reach, also when the tests run as root."""
    return directory("process")


def remove(home: Path) -> None:
    """Remove a home, and the PostgreSQL that a killed server left there."""
    pid = home / ".pellucid/postgres/postmaster.pid"
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        orphan = psutil.Process(int(pid.read_text().split()[0]))
        orphan.send_signal(signal.SIGQUIT)
        orphan.wait(PATIENCE)
    shutil.rmtree(home)
