"""A signed token as text (JWS compact form, RFC 7515, 7.1), read more strictly than the standard asks.

Only what this project signs itself is let through: three parts in canonical base64url, and a header that names an algorithm, a key
and a type and nothing else. So keys that a token brings along (``jwk``, ``jku``, ``x5c``, ``x5u``), critical extensions (``crit``,
``b64``) and encryption (``enc``) end here, before anything is computed.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

MAX_LENGTH = 8 * 1024
"""Characters a token may have."""

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_HEADER = frozenset({"alg", "kid", "typ"})


class Unreadable(ValueError):
    """The text is no token that could be ours; the message says why, and holds nothing of the token."""


@dataclass(frozen=True, slots=True)
class Compact:
    """What a token says, not yet believed."""

    algorithm: str
    kid: str | None
    type: str | None
    payload: str

    def claims(self) -> dict[str, Any]:
        """The payload as a JSON object. Ask only after the signature was checked.

        Raises:
            Unreadable: it is not one, or a name stands in it twice.
        """
        return _json_object(self.payload)


def read(token: str) -> Compact:
    """Take a token apart.

    Raises:
        Unreadable: it is too long, malformed, or its header has more or less than it should.
    """
    if len(token) > MAX_LENGTH:
        raise Unreadable(f"it is longer than {MAX_LENGTH} characters")
    if not _FORM.fullmatch(token):
        raise Unreadable("it does not have three base64url parts")
    header, payload, signature = token.split(".")
    _bytes(signature)
    fields = _header(_json_object(header))
    return Compact(fields["alg"], fields.get("kid"), fields.get("typ"), payload)


def _header(fields: dict[str, Any]) -> dict[str, str]:
    if not fields.keys() <= _HEADER or "alg" not in fields:
        raise Unreadable("its header has fields that are not accepted, or lacks the algorithm")
    if not all(isinstance(value, str) for value in fields.values()):
        raise Unreadable("its header has a field that is not text")
    return fields


def _json_object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(part).decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as fault:
        raise Unreadable("a part of it is not JSON, or names something twice") from fault
    if not isinstance(value, dict):
        raise Unreadable("a part of it is not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("a name stands in it twice")
    return found


def _bytes(part: str) -> bytes:
    """Decode base64url without padding; exactly one spelling of any bytes is accepted."""
    try:
        decoded = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as fault:
        raise Unreadable("a part of it is not base64url") from fault
    if urlsafe_b64encode(decoded).rstrip(b"=") != part.encode():
        raise Unreadable("a part of it is not canonical base64url")
    return decoded
