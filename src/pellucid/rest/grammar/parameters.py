"""Names and values as URLs carry them (WHATWG URL, application/x-www-form-urlencoded)."""

import re
from urllib.parse import unquote_to_bytes

_SEPARATORS = re.compile("[&;]")
Pair = tuple[str, str]


def split_query(text: str, most: int, *, semicolons: bool) -> tuple[Pair, ...] | None:
    """Split a query string into its parameters; None where there are more than ``most``.

    A name without ``=`` says nothing, and is left out.

    Args:
        text: the query string, percent-encoded.
        most: how many it may have.
        semicolons: ``;`` parts them too, as in PostgREST.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    parts = _SEPARATORS.split(text) if semicolons else text.split("&")
    pairs = [part.partition("=") for part in parts if part]
    if len(pairs) > most:
        return None
    return tuple((_decoded(name), _decoded(value)) for name, equals, value in pairs if equals)


def split_form(text: str, most: int) -> tuple[Pair, ...] | None:
    """Split a form into its fields; None where there are more than ``most``. A name without ``=`` is a field with an empty text.

    Raises:
        UnicodeDecodeError: it is not UTF-8.
    """
    pairs = [part.partition("=") for part in _SEPARATORS.split(text) if part]
    if len(pairs) > most:
        return None
    return tuple((_decoded(name), _decoded(value)) for name, _, value in pairs)


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1", "surrogatepass")).decode()
