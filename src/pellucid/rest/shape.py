"""What two requests have in common, and in which values they differ. Pure, and cheap: every request is looked at in this way."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

UNUSUAL = frozenset({
    b"origin", b"cookie", b"range", b"range-unit", b"expect", b"transfer-encoding", b"upgrade", b"access-control-request-method",
    b"traceparent", b"pellucid-trace",
})  # fmt: skip
"""Headers of requests that are left to the usual way."""
_LONGEST_QUERY = 2048

_VALUE = re.compile(rb"(?<==)((?:eq|neq|gt|gte|lt|lte)\.)([A-Za-z0-9_-]{1,128})(?=&|$)")
"""A comparison with a simple value: what differs from one request of a client to the next."""
_PATH = re.compile(
    rb"(/rest/v1/[A-Za-z0-9_.~-]+|/[A-Za-z0-9_.~-]+(?:/(?=.))?)((?:(?<=/)[A-Za-z0-9_-]{1,128}(?:,[A-Za-z0-9_-]{1,128})*)?)"
)
"""A table's path, then the key in it."""
_METHODS = frozenset({"GET", "POST", "PATCH", "DELETE"})

Signature = tuple[object, ...]


class Shape(NamedTuple):
    """A request, taken apart.

    ``signature`` is equal for requests that differ in nothing but ``values`` and in who asks. ``values`` are the simple values of the
    query, then the parts of the key in the path.
    """

    signature: Signature
    values: tuple[str, ...]


def shape_of(scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Shape | None:
    """Take a request apart; None for what is left to the usual way.

    Args:
        scope: an HTTP request (ASGI).
        headers: its headers, of which each is there once.
    """
    method, query = scope["method"], scope["query_string"]
    found = _PATH.fullmatch(scope.get("raw_path") or scope["path"].encode())
    if (
        found is None
        or method not in _METHODS
        or len(query) > _LONGEST_QUERY
        or scope.get("root_path")
        or not UNUSUAL.isdisjoint(headers)
    ):
        return None
    place, key = found.groups()
    weight = headers.get
    weighty = (
        scope.get("scheme"),
        weight(b"host"),
        weight(b"accept"),
        weight(b"content-type"),
        weight(b"prefer"),
        *_profiles(headers),
    )
    if not query:
        values = tuple(key.decode().split(",")) if key else ()
        return Shape((method, place, len(values), weighty), values)
    pieces = _VALUE.split(query)
    parts = key.split(b",") if key else []
    signature = (method, place, len(parts), weighty, *pieces[0::3], *pieces[1::3])
    return Shape(signature, tuple([value.decode() for value in (*pieces[2::3], *parts)]))


def _profiles(headers: Mapping[bytes, bytes]) -> tuple[bytes | None, bytes | None]:
    return headers.get(b"accept-profile"), headers.get(b"content-profile")


def varied(path: tuple[str, ...], query: str, values: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The path and the query of the same shape with other values."""
    written = iter(values)
    query = _VALUE.sub(lambda found: found[1] + next(written).encode(), query.encode()).decode()
    key = ",".join(written)
    return ((path[0], key) if key else path), query
