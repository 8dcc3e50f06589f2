"""Requests that come one after the other from one client: the list, then an item, then the next one."""

import re
import time
from collections import deque
from typing import NamedTuple
from urllib.parse import parse_qsl

from pellucid.web.exchange import Exchange

WINDOW = 1.0
"""Seconds in which requests belong together."""
_CLIENTS = 1024
_REMEMBERED = 64


_OPERATOR = re.compile(r"(?:not\.)?[a-z]+(?:\([a-z]+\))?(?=\.)")
"""What a filter compares with stands before the value."""
_LIST = re.compile(r".*/\{(?:table|function)\}|.*[^}]")
"""Templates of paths that end in no key."""


class Seen(NamedTuple):
    """A request that came a moment ago. Of what it asked only hashes are kept: paths are as long as clients like."""

    at: float
    kind: int
    path: int


class Neighbours:
    """Remembers, for a moment, what each client has asked for."""

    def __init__(self) -> None:
        self._clients: dict[int, deque[Seen]] = {}

    def see(self, exchange: Exchange) -> None:
        """See one more request. It is asked of each, so it only writes it down."""
        if exchange.method == "GET":
            self._of(exchange).append(Seen(time.monotonic(), _kind(exchange), hash(exchange.scope["path"])))

    def alike(self, exchange: Exchange) -> tuple[int, bool]:
        """Tell of a request that has just been seen.

        Returns:
            how many of its kind this client has made within `WINDOW`, itself included, and whether a list of them came before.
        """
        if exchange.method != "GET":
            return 0, False
        since, kind, listing = time.monotonic() - WINDOW, _kind(exchange), hash(_trunk(exchange))
        recent = [seen for seen in self._of(exchange) if seen.at >= since]
        listed = _has_key(exchange) and any(seen.path == listing for seen in recent)
        return sum(seen.kind == kind for seen in recent), listed

    def _of(self, exchange: Exchange) -> deque[Seen]:
        client = exchange.scope.get("client")
        user = getattr(exchange.scope.get("state", {}).get("identity"), "user_id", None)
        who = hash((client[0] if client else "", exchange.role, user))
        mine = self._clients.get(who)
        if mine is None:
            if len(self._clients) >= _CLIENTS:
                del self._clients[next(iter(self._clients))]
            mine = self._clients[who] = deque(maxlen=_REMEMBERED)
        return mine


def _has_key(exchange: Exchange) -> bool:
    """Whether the last part of the path is the key of one thing, and what stands before it their list."""
    return _LIST.fullmatch(exchange.route) is None


def _trunk(exchange: Exchange) -> str:
    """The path without a key."""
    path = str(exchange.scope["path"])
    return path.rpartition("/")[0] if _has_key(exchange) else path


def _kind(exchange: Exchange) -> int:
    """What two requests have in common that ask for the same by different keys: the route, the list, and how they filter it."""
    query = exchange.scope.get("query_string", b"").decode("latin-1")
    filters = sorted((name, _compared(value)) for name, value in parse_qsl(query, keep_blank_values=True))
    return hash((exchange.route, _trunk(exchange), *filters))


def _compared(value: str) -> str:
    found = _OPERATOR.match(value)
    return found[0] if found else ""
