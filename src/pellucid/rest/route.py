"""What requests must have in common to travel together."""

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from pellucid.database.opening import Opening

CLAIMS = "request.jwt.claims"
UNSEEN = frozenset({"request.method", "request.path", "request.headers", "request.cookies"})
"""What nothing looks at where all is quiet."""
_LAST = ("role", "search_path")


class Route(NamedTuple):
    """What those who travel with their like have in common: the statement, whether it only reads, what all of them set (names and values
    by turns), and of what each brings a value of its own. ``quiet`` tells that nothing has to be undone between two of them."""

    sql: str
    read_only: bool
    quiet: bool
    common: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def mixed(self) -> "Route | None":
        """What those have in common who travel with any other statement; None where each must keep to its like."""
        return self._replace(sql="") if self.quiet and self.read_only else None


def route_of(sql: str, opening: Opening, *, quiet: bool) -> tuple[Route, list[str]]:
    """With whom a member may travel, and the values that are its own.

    The statement is prepared as the caller, in the caller's search path. Where all is quiet only the claims differ after that; else each
    member sets everything anew, beginning as the session that logged in.
    """
    pairs = list(zip(opening.names, opening.values, strict=True))
    settings = [pair for pair in pairs if pair[0] not in _LAST]
    last = [pair for name in _LAST for pair in pairs if pair[0] == name]
    if quiet:
        common = [pair for pair in settings if pair[0] not in UNSEEN and pair[0] != CLAIMS] + last
        return Route(sql, opening.read_only, True, tuple(chain.from_iterable(common)), (CLAIMS,)), [dict(pairs)[CLAIMS]]
    own = [("role", "none"), *settings, ("role", str(dict(pairs)["role"]))]
    route = Route(sql, opening.read_only, False, tuple(chain.from_iterable(last)), tuple(name for name, _ in own))
    return route, [value for _, value in own]


def array(texts: Iterable[str | None]) -> str:
    """Texts as PostgreSQL writes an array of them (PostgreSQL, 8.15.6)."""
    return f"{{{','.join([_NULL if text is None else _quoted(text) for text in texts])}}}"


_NULL = "NULL"


def _quoted(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    return '"' + text.replace('"', '\\"') + '"'
