"""Requests that come one after the other from one client: the list, then an item, then the next one."""

import time
from collections import deque
from typing import NamedTuple

from pellucid.web.exchange import Exchange

WINDOW = 1.0
"""Seconds in which requests belong together."""
_CLIENTS = 1024
_REMEMBERED = 64


class Seen(NamedTuple):
    """A request that came a moment ago."""

    at: float
    route: str
    parent: str
    path: str


class Neighbours:
    """Remembers, for a moment, what each client has asked for."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str | None], deque[Seen]] = {}

    def see(self, exchange: Exchange) -> None:
        """See one more request. It is asked of each, so it only writes it down."""
        if exchange.method == "GET":
            path = str(exchange.scope["path"])
            self._of(exchange).append(Seen(time.monotonic(), exchange.route, path.rpartition("/")[0], path))

    def alike(self, exchange: Exchange) -> tuple[int, bool]:
        """Tell of a request that has just been seen.

        Returns:
            how many of its kind this client has made within `WINDOW`, itself included, and whether a list of them came before.
        """
        if exchange.method != "GET":
            return 0, False
        since, parent = time.monotonic() - WINDOW, str(exchange.scope["path"]).rpartition("/")[0]
        recent = [seen for seen in self._of(exchange) if seen.at >= since]
        alike = [seen for seen in recent if seen.route == exchange.route and seen.parent == parent]
        return len(alike), any(seen.path == parent for seen in recent)

    def _of(self, exchange: Exchange) -> deque[Seen]:
        client = exchange.scope.get("client")
        who = (str(client[0]) if client else "", exchange.role)
        mine = self._clients.get(who)
        if mine is None:
            if len(self._clients) >= _CLIENTS:
                del self._clients[next(iter(self._clients))]
            mine = self._clients[who] = deque(maxlen=_REMEMBERED)
        return mine
