"""What a server says when it refuses: problem details (RFC 9457) and what is like them."""

import json
from collections.abc import Callable, Mapping

from pellucid.trace.client.talk import Head, Sink

MOST = 16_384
"""Bytes of an answer that are read for its reason."""
_SAID = ("title", "error_description", "message", "msg", "error")
_QUOTING = ("22", "P0")
"""Errors of PostgreSQL whose message quotes a value, or says what a function wanted it to."""


class Complaint:
    """Listens to an answer on its way to the sink. ``told`` is its reason and its hint, in the words of whoever answers."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._heard = bytearray()

    def hear(self, piece: bytes) -> None:
        """Pass a piece on."""
        self._heard += piece[: MOST - len(self._heard)]
        self._sink(piece)

    def told(self, head: Head | None, masked: Callable[[str], str]) -> str:
        """Why the server refused; nothing where it did not, or does not say."""
        if head is None or head.status < 400 or "json" not in head.get("content-type"):
            return ""
        try:
            said = json.loads(self._heard)
        except ValueError:
            return ""
        return masked(_reason(said)) if isinstance(said, Mapping) else ""


def _reason(said: Mapping[str, object]) -> str:
    if "title" not in said and str(said.get("code", "")).startswith(_QUOTING):
        return ""
    reason = next((str(said[name]) for name in _SAID if isinstance(said.get(name), str)), "")
    hint = said.get("hint")
    return " → ".join([reason, *([hint] if isinstance(hint, str) and hint else [])]) if reason else ""
