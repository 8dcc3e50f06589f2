"""Pydantic's findings as `Fault`: where, what, and the way out. What was sent is never repeated, for it may be a password."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pellucid.errors import Fault

Finding = Mapping[str, Any]
"""One of Pydantic's error dictionaries: ``type``, ``loc``, ``msg`` and often ``ctx``."""

MOST = 100
"""How many faults one answer tells: a body can have a million, and each of them costs."""

_HINTS: Mapping[str, str | Callable[[Mapping[str, Any]], str]] = {
    "missing": "Add this field.",
    "extra_forbidden": "Leave this field out.",
    "int_parsing": "Send a whole number, without quotes.",
    "int_type": "Send a whole number, without quotes.",
    "int_from_float": "Send a whole number, without decimals.",
    "float_parsing": "Send a number, without quotes.",
    "float_type": "Send a number, without quotes.",
    "decimal_parsing": "Send a number.",
    "bool_parsing": "Send true or false.",
    "bool_type": "Send true or false.",
    "string_type": "Send text in quotes.",
    "list_type": "Send a list: [ … ].",
    "dict_type": "Send an object: { … }.",
    "model_type": "Send an object: { … }.",
    "model_attributes_type": "Send an object: { … }.",
    "none_required": "Send null, or leave the field out.",
    "uuid_parsing": "Send a UUID, such as 0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234.",
    "uuid_type": "Send a UUID, such as 0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234.",
    "date_from_datetime_parsing": "Send a date, such as 2026-01-31.",
    "date_parsing": "Send a date, such as 2026-01-31.",
    "time_parsing": "Send a time, such as 13:45:00.",
    "datetime_parsing": "Send a point in time, such as 2026-01-31T13:45:00Z.",
    "datetime_from_date_parsing": "Send a point in time, such as 2026-01-31T13:45:00Z.",
    "enum": lambda ctx: f"Send one of {ctx.get('expected', 'the allowed values')}.",
    "literal_error": lambda ctx: f"Send one of {ctx.get('expected', 'the allowed values')}.",
    "string_too_short": lambda ctx: f"Send at least {ctx.get('min_length')} characters.",
    "string_too_long": lambda ctx: f"Send at most {ctx.get('max_length')} characters.",
    "too_short": lambda ctx: f"Send at least {ctx.get('min_length')} items.",
    "too_long": lambda ctx: f"Send at most {ctx.get('max_length')} items.",
    "greater_than": lambda ctx: f"Send more than {ctx.get('gt')}.",
    "greater_than_equal": lambda ctx: f"Send {ctx.get('ge')} or more.",
    "less_than": lambda ctx: f"Send less than {ctx.get('lt')}.",
    "less_than_equal": lambda ctx: f"Send {ctx.get('le')} or less.",
}


def faults_of(findings: Sequence[Finding], *, skip: tuple[str, ...] = ("body",)) -> tuple[Fault, ...]:
    """The first findings as `Fault`, at most `MOST` of them.

    Args:
        findings: what ``ValidationError.errors()`` or ``RequestValidationError.errors()`` gave.
        skip: a first step of the path that is not worth naming. FastAPI puts ``body``, ``query``, ``path`` and so on first.
    """
    return tuple(_fault(finding, skip) for finding in findings[:MOST])


def _fault(finding: Finding, skip: tuple[str, ...]) -> Fault:
    return Fault(_path(finding["loc"], skip), _sentence(str(finding["msg"])), _hint(finding))


def _path(steps: Sequence[str | int], skip: tuple[str, ...]) -> str:
    if steps and steps[0] in skip:
        steps = steps[1:]
    return ".".join(str(step) for step in steps)


def _sentence(message: str) -> str:
    """Pydantic puts ``Value error, `` before what a validator of our own says."""
    return message.removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _hint(finding: Finding) -> str | None:
    hint = _HINTS.get(str(finding["type"]))
    return hint(finding.get("ctx") or {}) if callable(hint) else hint
