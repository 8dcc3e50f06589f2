"""What a client accepts: the ``Accept`` header (RFC 9110, 12.5.1), with PostgREST's own media types and their parameters."""

import re
from typing import Literal

from msgspec import Struct

JSON = "application/json"
SINGULAR = "application/vnd.pgrst.object+json"
ARRAY = "application/vnd.pgrst.array+json"
GEOJSON = "application/geo+json"
CSV = "text/csv"
TEXT = "text/plain"
XML = "text/xml"
OPENAPI = "application/openapi+json"
FORM = "application/x-www-form-urlencoded"
OCTETS = "application/octet-stream"
ANY = "*/*"

MAX_ACCEPTED = 50
"""How many media types of one header are looked at."""
_PLAN = "application/vnd.pgrst.plan"
_OPTIONS = ("analyze", "verbose", "settings", "buffers", "wal")
_SINGULARS = {SINGULAR, "application/vnd.pgrst.object"}
_ARRAYS = {ARRAY, "application/vnd.pgrst.array"}
_PLAIN = {JSON, GEOJSON, CSV, TEXT, XML, OPENAPI, FORM, OCTETS, ANY}
_NAME = re.compile(r"([a-z0-9.*]+)/([a-z0-9.*+-]+)", re.IGNORECASE)
_PARAMETER = re.compile(r'\s*;\s*([a-z0-9-]+)\s*=\s*(?:"([^"]*)"|([a-z0-9|-]+))', re.IGNORECASE)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?")


class PlanForm(Struct, frozen=True):
    """How the execution plan of a request is wanted: in which format, with which options of ``EXPLAIN``, of which representation."""

    format: Literal["json", "text"]
    options: tuple[str, ...]
    of: "Accepted"


class Accepted(Struct, frozen=True):
    """One media type that a client accepts.

    ``media`` is one of this module's constants, or anything else as sent, with its parameters. ``stripped`` leaves keys out whose
    value is null. ``plan`` asks for the plan instead of the rows; ``media`` is then ``application/vnd.pgrst.plan+json`` or ``+text``.
    """

    media: str
    stripped: bool = False
    plan: PlanForm | None = None

    def __str__(self) -> str:
        """The media type with the parameters that were understood."""
        if self.plan is None:
            return f"{self.media};nulls=stripped" if self.stripped else self.media
        options = f"; options={'|'.join(self.plan.options)}" if self.plan.options else ""
        return f'{self.media}; for="{self.plan.of}"{options}'


ANYTHING = (Accepted(ANY),)
"""What those accept who do not say."""


def parse_accept(header: str | None) -> tuple[Accepted, ...]:
    """Read an ``Accept`` header: by weight, and of the same weight those with parameters first and those with stars last.

    It never fails: what is no media type is one that nothing can be written in.
    """
    if header is None or header == ANY:
        return ANYTHING
    parts = [_weighed(part) for part in header.split(",")[:MAX_ACCEPTED]]
    parts.sort(key=lambda part: (-part[1], -(part[0].count(";") - part[0].count("*"))))
    return tuple(parse_media(text) for text, _ in parts)


def parse_media(text: str) -> Accepted:
    """Read one media type with its parameters."""
    name = _NAME.match(text)
    if name is None:
        return Accepted(text)
    media = name[0].lower()
    if media in _PLAIN:
        return Accepted(media)
    return _vendored(media, _parameters(text, name.end())) or Accepted(text)


def content_media(header: str | None) -> str:
    """What a body is, by its ``Content-Type``; JSON where nothing is said."""
    return JSON if header is None else parse_media(header.strip()).media


def _vendored(media: str, parameters: dict[str, str]) -> Accepted | None:
    """PostgREST's own media types, of which parameters make several."""
    stripped = parameters.get("nulls") == "stripped"
    if media in _SINGULARS:
        return Accepted(SINGULAR, stripped)
    if media in _ARRAYS:
        return Accepted(ARRAY, stripped=True) if stripped else Accepted(JSON)
    if media in (_PLAN, f"{_PLAN}+text"):
        return _plan("text", parameters)
    return _plan("json", parameters) if media == f"{_PLAN}+json" else None


def _plan(form: Literal["json", "text"], parameters: dict[str, str]) -> Accepted:
    asked = parameters.get("options", "").split("|")
    options = tuple(option for option in _OPTIONS if option in asked)
    of = parameters.get("for", JSON)
    inner = Accepted(of) if of.lower().startswith(_PLAN) else parse_media(of)
    return Accepted(f"{_PLAN}+{form}", plan=PlanForm(form, options, inner))


def _parameters(text: str, at: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while parameter := _PARAMETER.match(text, at):
        found[parameter[1].lower()] = parameter[2] if parameter[2] is not None else parameter[3]
        at = parameter.end()
    return found


def _weighed(part: str) -> tuple[str, float]:
    text, _, weight = part.replace(" ", "").partition(";q=")
    number = _NUMBER.match(weight)
    return text, float(number[0]) if number else 1.0
