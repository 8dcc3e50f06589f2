"""What PostgreSQL takes for a value of a type, when it reads the value out of JSON.

It reads a number as the text that stands in the JSON, so ``1.0`` is no whole number, and ``true`` no number. Nothing is taken here that
PostgreSQL refuses, with two exceptions that cannot be told from the parsed value: ``-0``, and numbers so small or so large that Python has
no float for them. A little that PostgreSQL takes is not: dates and times are those of ISO 8601, whole numbers are decimal, and what is no
text in JSON is none here.
"""

import re
import struct
from calendar import monthrange
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isinf
from typing import Any

_SPACE = " \t\n\v\f\r"
_WHOLE = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
_ENDLESS = re.compile(r"[+-]?inf(inity)?|nan", re.IGNORECASE)
_UUID = re.compile(r"(?P<open>\{)?(?:[0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}(?(open)\})")
_BOOLEANS = frozenset(
    {"0", "1", "on", "of", "off"} | {word[:end] for word in ("true", "false", "yes", "no") for end in range(1, 6)}
)
"""PostgreSQL takes every beginning of a word that is one word's alone (PostgreSQL, 8.6)."""
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-5][0-9])(?::(?P<second>[0-9]{2}(?:\.[0-9]+)?))?"
_ZONE = r"(?: ?(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?))?"
_DATE = r"(?P<year>[0-9]{4,6})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
_CLOCK = re.compile(f"{_TIME}{_ZONE}", re.IGNORECASE)
_MOMENT = re.compile(f"{_DATE}(?:[T ]{_TIME}{_ZONE})?(?P<era> BC)?", re.IGNORECASE)
_INFINITY = re.compile(r"[+-]?infinity", re.IGNORECASE)
LAST_YEAR, FIRST_YEAR_BC = 294275, 4712
"""The last whole year of a timestamp, and the first (PostgreSQL, 8.5)."""
MOST_DIGITS, MOST_PLACES = 131072, 16383
"""Digits of a numeric before the point, and behind it (PostgreSQL, 8.1)."""


def _boolean(value: Any) -> bool:
    match value:
        case bool():
            return True
        case int():
            return value in (0, 1)
        case str():
            return value.strip(_SPACE).lower() in _BOOLEANS
        case _:
            return False


def _whole(bits: int) -> Callable[[Any], bool]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1)

    def taken(value: Any) -> bool:
        match value:
            case bool():
                return False
            case int():
                return bool(low <= value < high)
            case str() if _WHOLE.fullmatch(text := value.strip(_SPACE)):
                return len(text.lstrip("+-0")) <= bits and low <= int(text) < high
            case _:
                return False

    return taken


def _double(value: Any) -> bool:
    return _floating(value, float)


def _single(value: Any) -> bool:
    return _floating(value, _rounded)


def _rounded(number: float) -> float:
    return float(struct.unpack("f", struct.pack("f", number))[0])


def _floating(value: Any, rounded: Callable[[float], float]) -> bool:
    """Whether there is a float of this size: none that is too large, and none so small that nothing is left of it."""
    match value:
        case bool():
            return False
        case int() | float():
            text = repr(value) if isinstance(value, float) else "1" if value else "0"
        case str() if _ENDLESS.fullmatch(value.strip(_SPACE)):
            return True
        case str() if _NUMBER.fullmatch(text := value.strip(_SPACE)):
            pass
        case _:
            return False
    try:
        number = rounded(float(value))
    except OverflowError:
        return False
    return not isinf(number) and (number != 0 or not re.search("[1-9]", re.split("[eE]", text)[0]))


def _numeric(value: Any) -> bool:
    match value:
        case bool():
            return False
        case int() | float():
            return True
        case str() if _ENDLESS.fullmatch(text := value.strip(_SPACE)):
            return True
        case str() if _NUMBER.fullmatch(text := value.strip(_SPACE)):
            number = Decimal(text)
            return number.adjusted() < MOST_DIGITS and -int(number.as_tuple().exponent) <= MOST_PLACES
        case _:
            return False


def _uuid(value: Any) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def _moment(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    text = value.strip(_SPACE)
    match = _MOMENT.fullmatch(text)
    if match is None:
        return _INFINITY.fullmatch(text) is not None
    return _is_day(match) and (match["hour"] is None or _is_time(match))


def _clock(value: Any) -> bool:
    match = _CLOCK.fullmatch(value.strip(_SPACE)) if isinstance(value, str) else None
    return match is not None and _is_time(match)


def _is_day(match: re.Match[str]) -> bool:
    year, month, day = int(match["year"]), int(match["month"]), int(match["day"])
    if not (1 <= year <= (FIRST_YEAR_BC if match["era"] else LAST_YEAR) and 1 <= month <= 12):
        return False
    # the calendar has the same days every 400 years, and the year before 1 is 1 BC
    return 1 <= day <= monthrange(2000 + (1 - year if match["era"] else year) % 400, month)[1]


def _is_time(match: re.Match[str]) -> bool:
    hour, minute, second = int(match["hour"]), int(match["minute"]), Decimal(match["second"] or 0)
    return (hour < 24 and second <= 60) or (hour == 24 and minute == 0 and second == 0)


TAKEN: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "bool": (_boolean, "true or false"),
    "int2": (_whole(16), "a whole number from -32768 to 32767"),
    "int4": (_whole(32), "a whole number from -2147483648 to 2147483647"),
    "int8": (_whole(64), "a whole number from -9223372036854775808 to 9223372036854775807"),
    "float4": (_single, "a number that single precision can hold"),
    "float8": (_double, "a number that double precision can hold"),
    "numeric": (_numeric, "a number"),
    "uuid": (_uuid, "a UUID"),
    "date": (_moment, "a date such as 2031-12-24"),
    "time": (_clock, "a time such as 18:00:00"),
    "timetz": (_clock, "a time such as 18:00:00Z"),
    "timestamp": (_moment, "a date and a time such as 2031-12-24T18:00:00"),
    "timestamptz": (_moment, "a date and a time such as 2031-12-24T18:00:00Z"),
}
"""For each type who judges its values, and what they should be."""


def broken(value: Any) -> bool:
    """Whether a NUL is in a text of the value, or in one within it: PostgreSQL has no such text, and reads no JSON that has."""
    match value:
        case str():
            return "\0" in value
        case list():
            return any(broken(each) for each in value)
        case dict():
            return any(broken(key) or broken(each) for key, each in value.items())
        case _:
            return False
