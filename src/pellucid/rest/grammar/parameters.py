"""Names and values as URLs carry them (WHATWG URL, application/x-www-form-urlencoded)."""

import re
from urllib.parse import unquote_to_bytes

_SEPARATORS = re.compile("[&;]")


def split_query(text: str, most: int, *, semicolons: bool) -> tuple[tuple[str, str | None], ...] | None:
    """Split a query string into its parameters; None where there are more than ``most``. A name without ``=`` has no value.

    Args:
        text: the query string, percent-encoded.
        most: how many it may have.
        semicolons: ``;`` parts them too, as in PostgREST.

    Raises:
        UnicodeError: it is not UTF-8.
    """
    parts = _SEPARATORS.split(text) if semicolons else text.split("&")
    pairs = [part.partition("=") for part in parts if part]
    if len(pairs) > most:
        return None
    return tuple((_decoded(name), _decoded(value) if equals else None) for name, equals, value in pairs)


def split_form(text: str, most: int) -> tuple[tuple[str, str], ...] | None:
    """Split a form into its fields; None where there are more than ``most``. A name without ``=`` is a field with an empty text.

    Raises:
        UnicodeError: it is not UTF-8.
    """
    pairs = [part.partition("=") for part in _SEPARATORS.split(text) if part]
    if len(pairs) > most:
        return None
    return tuple((_decoded(name), _decoded(value)) for name, _, value in pairs)


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    return unquote_to_bytes(text.replace("+", " ")).decode()
