"""Descriptions as they are sent, kept for as long as the catalog stays the same: each takes a while to make."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Hashable
from typing import Any

from msgspec import Struct

MOST = 32
"""How many descriptions one `Documents` keeps at a time."""


class Document(Struct, frozen=True):
    """A description of the API as JSON, and the tag of this very content (RFC 9110, 8.8.3)."""

    content: bytes
    tag: str


class Documents:
    """Makes descriptions beside the event loop, so that no request waits for them, and one at a time."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._kept: dict[Hashable, Document] = {}
        self._lock = asyncio.Lock()

    async def of(self, version: int | None, viewer: Hashable, make: Callable[[], dict[str, Any]]) -> Document:
        """The description for a viewer.

        Args:
            version: the catalog's; another one makes all descriptions old.
            viewer: what the description depends on beside the catalog.
            make: makes it; called in a thread.
        """
        async with self._lock:
            if version != self._version:
                self._version, self._kept = version, {}
            if viewer not in self._kept:
                if len(self._kept) >= MOST:
                    del self._kept[next(iter(self._kept))]  # the oldest
                self._kept[viewer] = await asyncio.to_thread(_document, make)
            return self._kept[viewer]


def _document(make: Callable[[], dict[str, Any]]) -> Document:
    content = json.dumps(make(), ensure_ascii=False, separators=(",", ":")).encode()
    return Document(content, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
