"""What a worker tells its supervisor: that it is ready, or why it cannot be."""

import json
import os
from contextlib import suppress

from msgspec import Struct

from pellucid.errors import StartupError


class Ready(Struct, frozen=True):
    """The worker accepts connections."""


Report = Ready | StartupError


class Teller:
    """The worker's end of the pipe."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def ready(self) -> None:
        """Say that requests are being answered."""
        self._write({"ready": True})

    def failed(self, error: StartupError) -> None:
        """Say why they are not."""
        self._write({"message": error.message, "details": error.details, "hint": error.hint})

    def _write(self, message: dict[str, object]) -> None:
        with suppress(BrokenPipeError), os.fdopen(os.dup(self._fd), "wb") as pipe:
            pipe.write(json.dumps(message).encode() + b"\n")


class Listener:
    """The supervisor's end of the pipe."""

    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd = fd
        self._rest = b""
        self.closed = False

    def fileno(self) -> int:
        """The descriptor that turns readable."""
        return self._fd

    def take(self) -> list[Report]:
        """What came since the last time; sets `closed` once nothing more can come."""
        *lines, self._rest = (self._rest + self._read()).split(b"\n")
        return [_parse(line) for line in lines]

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self._fd)

    def _read(self) -> bytes:
        read = b""
        try:
            while chunk := os.read(self._fd, 65_536):
                read += chunk
        except BlockingIOError:
            return read
        self.closed = True
        return read


def _parse(line: bytes) -> Report:
    message = json.loads(line)
    if "ready" in message:
        return Ready()
    return StartupError(message["message"], details=message["details"], hint=message["hint"])


def channel() -> tuple[Listener, int]:
    """A new pipe: the supervisor's end, and the descriptor of the worker's."""
    reader, writer = os.pipe()
    return Listener(reader), writer
