"""Brings PostgreSQL back when it died under the running workers."""

import logging
import time

from pellucid.errors import StartupError
from pellucid.postgres import PostgresServer

_logger = logging.getLogger("pellucid.postgres")

_SHORTEST = 0.5
_LONGEST = 30.0
"""Seconds between two attempts; they double from the one to the other."""


class Keeper:
    """Looks after one PostgreSQL."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._pause = _SHORTEST
        self._again = 0.0

    def look_after(self) -> None:
        """Start it again where it has died. It may be called at any time; it waits longer after each failure."""
        if self._server.alive or time.monotonic() < self._again:
            return
        _logger.error("PostgreSQL has ended; it is started again")
        try:
            self._server.start(_logger.info)
        except StartupError as error:
            _logger.error("PostgreSQL does not start: %s", error.message)  # noqa: TRY400 - the message is the whole story
            self._again = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _LONGEST)
        else:
            self._pause = _SHORTEST
