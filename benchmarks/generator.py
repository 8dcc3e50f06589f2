"""The load: wrk where it is installed, or else our own generator; the same for everybody, in a process of its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
LUA = Path(__file__).with_name("generator.lua")

Program = Literal["wrk", "python"]


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: whole answers, for how long (seconds), how many of them wrong (or missing), and latency in milliseconds."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def choose(wanted: Program | None) -> Program:
    """The one asked for, or wrk where there is one."""
    return wanted or ("wrk" if shutil.which("wrk") else "python")


def press(
    program: Program, deck: Path, port: int, *, connections: int, seconds: int, cores: Sequence[int] | None
) -> Load:
    """Load a server on this machine; each connection sends its next request when the answer to the last one is whole.

    Raises:
        RuntimeError: the generator failed.
    """
    command = _wrk(deck, port, connections, seconds) if program == "wrk" else _own(deck, port, connections, seconds)
    return outcome(run(on(cores, command)))


def on(cores: Sequence[int] | None, command: list[str]) -> list[str]:
    """The command, kept on these cores where that can be done."""
    taskset = shutil.which("taskset")
    if cores is None or taskset is None:
        return command
    return [taskset, "--cpu-list", ",".join(map(str, cores)), *command]


def run(command: list[str]) -> str:
    """Run a generator and return what it prints.

    Raises:
        RuntimeError: it failed.
    """
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def outcome(printed: str) -> Load:
    """The one line of JSON among what it prints."""
    line = next(line for line in printed.splitlines() if line.startswith("{"))
    return Load(**json.loads(line))


def _wrk(deck: Path, port: int, connections: int, seconds: int) -> list[str]:
    size = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "30s"]
    return ["wrk", *size, "--script", str(LUA), f"http://127.0.0.1:{port}", "--", str(deck)]


def _own(deck: Path, port: int, connections: int, seconds: int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.presser", str(deck), str(port), str(connections), str(seconds)]
