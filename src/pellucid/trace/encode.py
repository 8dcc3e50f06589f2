"""Traces as JSON, both ways: the fields of `pellucid.trace.document` by their names, seconds as numbers, enumerations as their words."""

import json
from collections.abc import Mapping
from typing import Any

from msgspec import ValidationError, convert, to_builtins

from pellucid.trace.document import Trace


def to_json(trace: Trace) -> dict[str, Any]:
    """A trace as plain values that `json` can write."""
    value: dict[str, Any] = to_builtins(trace, enc_hook=str)
    return value


def from_json(value: Mapping[str, Any]) -> Trace:
    """The trace that `to_json` wrote. What it has and this version does not know is passed over.

    Raises:
        ValueError: it is none.
    """
    try:
        return convert(value, Trace)
    except ValidationError as fault:
        raise ValueError(str(fault)) from fault


def to_bytes(trace: Trace) -> bytes:
    """A trace as a line of JSON."""
    return json.dumps(to_json(trace), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def from_bytes(line: bytes) -> Trace:
    """The trace in a line of JSON.

    Raises:
        ValueError: it is none.
    """
    return from_json(json.loads(line))
