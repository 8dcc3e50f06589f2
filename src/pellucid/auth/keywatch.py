"""Signing keys that are changed while the server runs: every worker looks at the key file every two seconds, and takes what is new.

A file that cannot be read, or is not fit, changes nothing: the keys stay as they were, and the log says why.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from anyio import to_thread

from pellucid.auth.keys import KeySet
from pellucid.errors import StartupError
from pellucid.lifecycle import Background

LOOK = 2.0
"""Seconds between two looks. A key that was published is known to all workers that much later."""
log = logging.getLogger(__name__)


class KeyWatch(Background):
    """Looks after a key file."""

    pause = LOOK
    trouble = "The signing keys could not be looked at."

    def __init__(
        self, path: Path | None, read: Callable[[], KeySet], taken: Callable[[KeySet], Awaitable[None]]
    ) -> None:
        """Prepare it.

        Args:
            path: the file; None where keys come from elsewhere and stay.
            read: reads the keys anew.
            taken: is given them.
        """
        super().__init__()
        self._path = path
        self._read = read
        self._taken = taken
        self._seen = self._stamp()

    async def look(self) -> bool:
        """Take the keys if the file is another; tells whether it was."""
        stamp = await to_thread.run_sync(self._stamp)
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            keys = await to_thread.run_sync(self._read)
        except StartupError as fault:
            log.error("The changed signing keys are not used: %s", fault.message)  # noqa: TRY400 - the text says all
            return False
        await self._taken(keys)
        log.info("The signing keys were read anew.")
        return True

    async def _start(self) -> None:
        if self._path is not None:
            await super()._start()

    async def _work(self) -> None:
        await self.look()

    def _stamp(self) -> tuple[int, int, int] | None:
        """What tells one state of the file from another."""
        if self._path is None:
            return None
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
