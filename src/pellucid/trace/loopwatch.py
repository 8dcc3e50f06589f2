"""How late the event loop is: whether something held it up while a request was under way."""

import asyncio
from collections import deque
from time import perf_counter

STEP = 0.01
"""Seconds between two looks, while anybody wants to know."""
_LATE = 0.002
"""Less than this is no news."""


class LoopWatch:
    """A clock in the event loop, which runs while somebody wants to know how punctual it is."""

    def __init__(self) -> None:
        self._watching = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._delays: deque[tuple[float, float]] = deque(maxlen=256)

    def begin(self) -> float:
        """Watch from now on; `end` must follow.

        Returns:
            now, for `end`.
        """
        self._watching += 1
        if self._timer is None:
            self._set()
        return perf_counter()

    def end(self, since: float) -> float:
        """Watch no longer for this one.

        Returns:
            the longest time, in seconds, for which the loop was held up since then.
        """
        self._watching -= 1
        now = perf_counter()
        pending = now - self._due if self._timer is not None else 0.0
        late = max([pending, *(delay for at, delay in self._delays if at >= since)])
        return late if late >= _LATE else 0.0

    def _set(self) -> None:
        self._due = perf_counter() + STEP
        self._timer = asyncio.get_running_loop().call_later(STEP, self._tick)

    def _tick(self) -> None:
        now = perf_counter()
        if now - self._due >= _LATE:
            self._delays.append((now, now - self._due))
        self._timer = None
        if self._watching:
            self._set()
