"""The supervisor's side of `pellucid.server.reload`: starts it and hears of changes."""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path

_logger = logging.getLogger("pellucid.server")


class Watcher:
    """Tells that a Python file below ``directories`` has changed; `fileno` turns readable then."""

    def __init__(self, directories: tuple[Path, ...]) -> None:
        command = [sys.executable, "-m", "pellucid.server.reload", str(time.time()), *map(str, directories)]
        end, self._lifeline = os.pipe()
        self._told, told = os.pipe()
        self._process = subprocess.Popen(command, stdin=end, stdout=told, start_new_session=True)  # noqa: S603 - our own
        os.close(end)
        os.close(told)
        os.set_blocking(self._told, False)
        self.ended = False

    def fileno(self) -> int:
        """The descriptor that turns readable."""
        return self._told

    def take(self) -> str | None:
        """A path that changed since the last time; none where nothing did. Sets `ended` once the watching process is gone."""
        try:
            told = os.read(self._told, 65_536)
        except BlockingIOError:
            return None
        if not told:
            self.ended = True
            _logger.error("files are no longer watched for changes: the watching process has ended")
            return None
        return told.decode(errors="replace").splitlines()[-1]

    def close(self) -> None:
        """End the watching process."""
        self.forget()
        self._process.wait()

    def forget(self) -> None:
        """Let go of the pipes, as a forked child must."""
        os.close(self._lifeline)
        os.close(self._told)
