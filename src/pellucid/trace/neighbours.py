"""Requests that come one after the other from one client: the list, then an item, then the next one."""

import time
from collections import OrderedDict, deque
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
        self._clients: OrderedDict[tuple[str, str | None], deque[Seen]] = OrderedDict()

    def see(self, exchange: Exchange) -> tuple[int, bool]:
        """See one more request.

        Returns:
            how many of its kind this client has made within `WINDOW`, itself included, and whether a list of them came before.
        """
        if exchange.method != "GET":
            return 0, False
        now, path = time.monotonic(), str(exchange.scope["path"])
        parent = path.rpartition("/")[0]
        mine = self._of(exchange)
        mine.append(Seen(now, exchange.route, parent, path))
        recent = [seen for seen in mine if now - seen.at <= WINDOW]
        alike = [seen for seen in recent if seen.route == exchange.route and seen.parent == parent]
        return len(alike), any(seen.path == parent for seen in recent)

    def _of(self, exchange: Exchange) -> deque[Seen]:
        client = exchange.scope.get("client")
        who = (str(client[0]) if client else "", exchange.role)
        mine = self._clients.pop(who, None)
        if mine is None:
            mine = deque(maxlen=_REMEMBERED)
            if len(self._clients) >= _CLIENTS:
                self._clients.popitem(last=False)
        self._clients[who] = mine
        return mine
