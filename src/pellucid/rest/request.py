"""HTTP to `RestRequest`: what is asked, not yet judged. Pure: it needs no database and no framework."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal
from urllib.parse import unquote

from pydantic_core import from_json

from pellucid.database.catalog.model import TableName
from pellucid.errors import (
    MalformedBody,
    MalformedQuery,
    NotAcceptable,
    RequestError,
    UnknownRoute,
    UnknownSchema,
    UnsupportedMediaType,
)
from pellucid.rest.grammar.preferences import Preferences, parse_preferences
from pellucid.rest.grammar.query import Query, parse_query
from pellucid.rest.grammar.ranges import Range, parse_range
from pellucid.rest.profile import Profile

Method = Literal["OPTIONS", "GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]
MAX_KEYS_IN_ROW = 1600
"""PostgreSQL's most columns in a table (appendix K)."""
MAX_ROWS_IN_BODY = 100_000
"""How many rows one body may hold."""


class Media(Enum):
    """How rows are written."""

    JSON = "application/json"
    SINGULAR = "application/vnd.pgrst.object+json"


@dataclass(frozen=True, slots=True)
class Payload:
    """The rows of a body: as sent, for PostgreSQL to read without loss, and as parsed, for judging them.

    ``listed`` tells whether they came as a list. ``raw`` is always a JSON array.
    """

    raw: str
    rows: tuple[Mapping[str, Any], ...]
    listed: bool


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One data request.

    ``key`` holds the parts of a primary key given in the path. ``negotiated`` tells whether there was a choice of schemas, so that
    the answer says which one it is from.
    """

    method: Method
    profile: Profile
    name: TableName
    query: Query
    range: Range
    preferences: Preferences
    media: Media
    key: tuple[str, ...] | None = None
    payload: Payload | None = None
    negotiated: bool = False

    @property
    def table(self) -> str:
        """The table's own name."""
        return self.name.name

    @property
    def reads(self) -> bool:
        """Whether it only reads."""
        return self.method in ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The HTTP request as plain values. ``path`` holds the table and, in the native profile, the key, both still percent-encoded.

    ``headers`` are pairs with names in lower case, as they came: a name may come twice.
    """

    method: Method
    path: tuple[str, ...]
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""


def parse_request(envelope: Envelope, profile: Profile, schemas: Sequence[str], most_rows: int | None) -> RestRequest:
    """Read a request.

    Args:
        envelope: the HTTP request.
        profile: how to read it.
        schemas: the exposed schemas; the first is the default.
        most_rows: no read answers with more rows than this; None for no bound.

    Raises:
        RequestError: it cannot be understood; each part has an error of its own.
    """
    try:
        return _parsed(envelope, profile, schemas, most_rows)
    except RequestError as error:
        if not profile.validates:
            error.hint = None  # PostgREST gives none here, and its clients compare
        raise


def _parsed(envelope: Envelope, profile: Profile, schemas: Sequence[str], most_rows: int | None) -> RestRequest:
    headers = dict(envelope.headers)
    table, key = _path(envelope.path, profile)
    query = parse_query(envelope.query, bare_equality=profile.bare_equality)
    reads = envelope.method in ("OPTIONS", "GET", "HEAD")
    schema = headers.get("accept-profile" if reads else "content-profile")
    span = parse_range(query.limit, query.offset, headers.get("range") if envelope.method == "GET" else None)
    return RestRequest(
        method=envelope.method,
        profile=profile,
        name=TableName(_schema(schema, schemas), table),
        key=key,
        query=query,
        range=span.capped(most_rows),
        preferences=parse_preferences([value for name, value in envelope.headers if name == "prefer"]),
        media=_media(headers.get("accept", "*/*")),
        payload=_payload(envelope, headers.get("content-type"), profile),
        negotiated=schema is not None or len(schemas) > 1,
    )


def _path(parts: tuple[str, ...], profile: Profile) -> tuple[str, tuple[str, ...] | None]:
    """The table, and the parts of the key, each decoded by itself: a comma or a slash inside a part comes percent-encoded."""
    if not parts[0] or (len(parts) > 1 and (not profile.validates or not parts[1] or "/" in parts[1])):
        raise UnknownRoute(
            "Invalid path specified in request URL", hint="Rows are at /table/key, without more slashes."
        )
    try:
        names = [unquote(part, errors="strict") for part in parts[:1]]
        key = [unquote(part, errors="strict") for part in parts[1].split(",")] if len(parts) > 1 else None
    except UnicodeDecodeError:
        raise MalformedQuery("The path is not UTF-8.", hint="Percent-encode it as UTF-8.") from None
    if any("\0" in text for text in [*names, *(key or ())]):
        raise MalformedQuery("The path holds a NUL character.", hint="PostgreSQL has no such text; leave it out.")
    return names[0], tuple(key) if key else None


def _schema(asked: str | None, schemas: Sequence[str]) -> str:
    if asked is None:
        return schemas[0]
    if asked not in schemas:
        raise UnknownSchema(
            f"Invalid schema: {asked}", hint=f"Only the following schemas are exposed: {', '.join(schemas)}"
        )
    return asked


_SINGULAR = {"application/vnd.pgrst.object", "application/vnd.pgrst.object+json"}
_LISTS = {"*/*", "application/*", "application/json", "application/vnd.pgrst.array", "application/vnd.pgrst.array+json"}
_QUALITY = re.compile(r";q=([01](?:\.\d{0,3})?)(?=;|$)")


def _media(accept: str) -> Media:
    """The first acceptable representation, in the client's order of preference (RFC 9110, 12.5.1)."""
    if accept in ("*/*", "application/json"):
        return Media.JSON
    ranked = sorted((_ranked(part) for part in accept.split(",") if part.strip()), key=lambda pair: -pair[1])
    for name, quality in ranked:
        if quality > 0 and name in _SINGULAR:
            return Media.SINGULAR
        if quality > 0 and name in _LISTS:
            return Media.JSON
    if not ranked:
        return Media.JSON
    raise NotAcceptable(
        f"None of these media types are available: {', '.join(name for name, _ in ranked)}",
        hint="Accept application/json.",
    )


def _ranked(part: str) -> tuple[str, float]:
    """A media type and its weight. A parameter that asks for another form of it (``nulls=stripped``) stays with the name."""
    text = re.sub(r"\s+", "", part).lower()
    name, *parameters = text.split(";")
    quality = _QUALITY.search(text)
    form = "".join(f";{each}" for each in parameters if each.startswith("nulls="))
    return name + form, float(quality[1]) if quality else 1.0


def _payload(envelope: Envelope, content_type: str | None, profile: Profile) -> Payload | None:
    if envelope.method not in ("POST", "PATCH", "PUT"):
        return None
    _require_json(content_type, profile)
    try:
        value = from_json(envelope.body, allow_inf_nan=False)
        text = envelope.body.decode()
    except ValueError as fault:
        if not profile.validates:
            raise MalformedBody("Empty or invalid json") from None
        where = f"The body is not valid JSON: {fault}." if envelope.body.strip() else "The body is empty."
        raise MalformedBody(where, hint="Send a JSON object, or a list of objects.") from None
    return _rows(value, text, profile)


def _require_json(content_type: str | None, profile: Profile) -> None:
    """Refuse a body that does not say it is JSON: a web page of another origin can send such a body without asking (CORS).

    PostgREST takes a body without a content type as JSON, and so does its profile.
    """
    media = (content_type or "").partition(";")[0].strip().lower()
    if media == "application/json" or (media.startswith("application/") and media.endswith("+json")):
        return
    if not media and not profile.validates:
        return
    if not profile.validates:
        raise UnsupportedMediaType(f"Content-Type not acceptable: {media}")
    raise UnsupportedMediaType(
        f"The body's content type is {media}, not JSON." if media else "The request does not say what its body is.",
        hint="Send the header Content-Type: application/json.",
    )


def _rows(value: Any, text: str, profile: Profile) -> Payload:
    rows = value if isinstance(value, list) else (value,)
    if any(isinstance(row, dict) and len(row) > MAX_KEYS_IN_ROW for row in rows):
        raise MalformedBody(
            f"A row has more than {MAX_KEYS_IN_ROW} keys, and no table has as many columns.", hint="Send fewer keys."
        )
    match value:
        case dict():
            return Payload(f"[{text}]", (value,), listed=False)
        case list() if len(value) > MAX_ROWS_IN_BODY:
            raise MalformedBody(
                f"The body has more than {MAX_ROWS_IN_BODY} rows.", hint="Send them in several requests."
            )
        case list() if all(isinstance(row, dict) for row in value):
            return Payload(text, tuple(value), listed=True)
        case list() if profile.validates:
            place = next(place for place, row in enumerate(value) if not isinstance(row, dict))
            raise MalformedBody(f"Item {place} of the list is not an object.", hint="Send a list of JSON objects.")
        case list():
            raise MalformedBody("All object keys must match")
        case _ if profile.validates:
            raise MalformedBody(
                "The body is neither an object nor a list.", hint="Send a JSON object, or a list of objects."
            )
        case _:
            return Payload("[]", (), listed=True)
