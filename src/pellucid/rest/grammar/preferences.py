"""What a client would like: the ``Prefer`` header (RFC 7240)."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct


class Return(StrEnum):
    """What a write answers with."""

    MINIMAL = "return=minimal"
    HEADERS_ONLY = "return=headers-only"
    REPRESENTATION = "return=representation"


class Count(StrEnum):
    """Whether a read tells how many rows there are in all."""

    EXACT = "count=exact"
    PLANNED = "count=planned"
    ESTIMATED = "count=estimated"


class Resolution(StrEnum):
    """What an insert does with a row whose key is there already."""

    MERGE = "resolution=merge-duplicates"
    IGNORE = "resolution=ignore-duplicates"


class Missing(StrEnum):
    """What a key that a row does not have means: the column's default, or null."""

    DEFAULT = "missing=default"
    NULL = "missing=null"


class TransactionEnd(StrEnum):
    """How the transaction ends, where the server leaves that to the client."""

    COMMIT = "tx=commit"
    ROLLBACK = "tx=rollback"


class Handling(StrEnum):
    """Whether a preference that nobody knows is an error."""

    STRICT = "handling=strict"
    LENIENT = "handling=lenient"


_Preference = TypeVar("_Preference", Resolution, Return, Count, Missing, Handling, TransactionEnd)


class Preferences(Struct, frozen=True):
    """The preferences of one request; None where it has none.

    ``max_affected`` is the most rows that a write may touch (PostgREST's profile minds it only under ``handling=strict``). ``timezone``
    is as sent, for PostgreSQL to judge. ``unknown`` are those that nobody knows, as sent.
    """

    resolution: Resolution | None = None
    returned: Return | None = None
    count: Count | None = None
    missing: Missing | None = None
    handling: Handling | None = None
    end: TransactionEnd | None = None
    max_affected: int | None = None
    timezone: str | None = None
    unknown: tuple[str, ...] = ()


def parse_preferences(headers: Iterable[str]) -> Preferences:
    """Read all ``Prefer`` headers; of a preference given twice the first counts."""
    words = [word.strip() for header in headers for word in header.split(",") if word.strip()]
    if not words:
        return NONE
    return Preferences(
        resolution=_first(words, Resolution),
        returned=_first(words, Return),
        count=_first(words, Count),
        missing=_first(words, Missing),
        handling=_first(words, Handling),
        end=_first(words, TransactionEnd),
        max_affected=_number(_after(words, _MAX_AFFECTED)),
        timezone=_after(words, _TIMEZONE),
        unknown=tuple(word for word in words if word not in _KNOWN and not word.startswith(_OPEN)),
    )


NONE = Preferences()
"""The preferences of those who have none."""

_TIMEZONE = "timezone="
_MAX_AFFECTED = "max-affected="
_OPEN = (_TIMEZONE, _MAX_AFFECTED)
_FAMILIES = (Resolution, Return, Count, Missing, Handling, TransactionEnd)
_KNOWN = frozenset(word.value for family in _FAMILIES for word in family)
_INTEGER = re.compile(r"-?[0-9]{1,18}")


def _first(words: list[str], family: type[_Preference]) -> _Preference | None:
    known = {word.value: word for word in family}
    return next((known[word] for word in words if word in known), None)


def _after(words: list[str], start: str) -> str | None:
    return next((word.removeprefix(start) for word in words if word.startswith(start)), None)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _INTEGER.fullmatch(text) else None
