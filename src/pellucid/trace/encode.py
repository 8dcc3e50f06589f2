"""Traces as JSON, both ways: the fields of `pellucid.trace.document` by their names, seconds as numbers, enumerations as their words."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pellucid.trace.document import Trace


def to_json(trace: Trace) -> dict[str, Any]:
    """A trace as plain values that `json` can write."""
    return asdict(trace)


def from_json(value: Mapping[str, Any]) -> Trace:
    """The trace that `to_json` wrote. What it has and this version does not know is passed over.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    trace = _read(Trace, value)
    assert isinstance(trace, Trace)  # noqa: S101 - that is what was read
    return trace


def to_bytes(trace: Trace) -> bytes:
    """A trace as a line of JSON."""
    return json.dumps(to_json(trace), separators=(",", ":"), ensure_ascii=False, default=str).encode("utf-8", "replace")


def from_bytes(line: bytes) -> Trace:
    """The trace in a line of JSON.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return from_json(json.loads(line))


@cache
def _hints(kind: type[Any]) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    """A plain value as one of a type."""
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        options = [option for option in get_args(kind) if option is not NoneType]
        return value if value is None or len(options) > 1 else _read(options[0], value)
    if origin is tuple:
        return tuple(_read(get_args(kind)[0], part) for part in value)
    if origin is not None:  # a mapping of plain values
        return value
    if is_dataclass(kind):
        return _build(kind, value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    return float(value) if kind is float else value


def _build(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    given = {each.name: _read(hints[each.name], value[each.name]) for each in fields(kind) if each.name in value}
    return kind(**given)
