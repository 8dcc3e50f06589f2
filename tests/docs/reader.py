"""A reader who does what a page says: writes its files, types its commands and looks at what they print."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.docs.blocks import Commands, File
from tests.docs.likeness import alike
from tests.postgres.world import free_port

BIN = Path(sys.executable).parent
SHELL = ["bash", "-euo", "pipefail", "-c"]
PAGE_PORT = "8000"


class Reader:
    """Follows one page in one directory, with one server at a time, and ends what it started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.server: subprocess.Popen[str] | None = None
        self.variables = directory / ".variables"
        self.variables.touch()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def follow(self, step: File | Commands) -> None:
        """Do one step of the page.

        Raises:
            AssertionError: a command failed, or printed something else than the page shows.
        """
        match step:
            case File(name, text):
                (self.directory / name).write_text(text)
            case Commands(serves=str(command)):
                self.serve(command)
            case Commands():
                self.type(step)

    def type(self, step: Commands) -> None:
        """Run commands and hold what they print against the page. Variables live on from block to block."""
        script = f"set -a; source {self.variables}; {self.own(step.text)}\n{{ export -p | grep -v ' -x _=' || true; }} > {self.variables}"
        done = subprocess.run([*SHELL, script], input=step.typed, check=False, timeout=300, **self.surroundings())  # type: ignore[call-overload]
        assert done.returncode == 0, f"line {step.line}: {step.text}\n{done.stdout}\n{done.stderr}"
        printed = done.stdout.replace(str(self.port), PAGE_PORT)
        if step.output is not None:
            assert alike(step.output, printed), (
                f"line {step.line}: {step.text}\nshown:\n{step.output}\nprinted:\n{printed}"
            )

    def serve(self, command: str) -> None:
        """Start the server of the page, in the place of the one before, and wait until it says that it is ready."""
        self.stop()
        command = f"{command.replace('make serve', 'pellucid serve')} --port {self.port}"
        with (self.directory / "serve.log").open("a") as log:
            surroundings = self.surroundings() | {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self.server = subprocess.Popen([*SHELL, f"exec {command}"], **surroundings)  # type: ignore[call-overload]
        while not self.ready():
            try:
                self.server.wait(timeout=0.1)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError((self.directory / "serve.log").read_text())

    def ready(self) -> bool:
        """Whether the server answers that it is."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=10) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def stop(self) -> None:
        """End the server, as Ctrl-C does."""
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            self.server.wait(timeout=60)
            self.server = None

    def own(self, text: str) -> str:
        """The text of the page with the port that this reader's server has."""
        return re.sub(rf"(127\.0\.0\.1|localhost):{PAGE_PORT}", rf"\1:{self.port}", text)

    def surroundings(self) -> dict[str, object]:
        """Where and how commands run: like a fresh terminal, with the environment's programs first."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PELLUCID_", "PG", "VIRTUAL_ENV"))
        }
        environment = kept | {"PATH": f"{BIN}:{os.environ['PATH']}"}
        pipe = subprocess.PIPE
        return {"cwd": self.directory, "env": environment, "text": True, "stdout": pipe, "stderr": pipe}
