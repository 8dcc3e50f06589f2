"""HTTP to `RestRequest`: what is asked, not yet judged. Pure: it needs no database and no framework."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import unquote

from msgspec import Struct

from pellucid.database.catalog.model import TableName
from pellucid.errors import (
    BeyondLimit,
    CallMethod,
    LimitOnUpsert,
    MalformedBody,
    MalformedQuery,
    MethodNotAllowed,
    RequestError,
    UnknownRoute,
    UnknownSchema,
    UnsupportedMediaType,
)
from pellucid.rest.grammar import media as medium
from pellucid.rest.grammar.bodies import (
    Body,
    Payload,
    csv_payload,
    form_pairs,
    form_payload,
    json_payload,
    unjudged_payload,
)
from pellucid.rest.grammar.media import ANYTHING, Accepted, content_media, parse_accept
from pellucid.rest.grammar.preferences import Preferences, parse_preferences
from pellucid.rest.grammar.query import Query, parse_query
from pellucid.rest.grammar.ranges import ALL, Range, parse_range
from pellucid.rest.profile import Profile

__all__ = ["Body", "Envelope", "Method", "Payload", "RestRequest", "parse_request"]

Method = Literal["OPTIONS", "GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]


class RestRequest(Struct, frozen=True):
    """One data request.

    ``name`` is the table's, or the function's where ``call`` is true; ``root`` is the profile's own address, where the API is described,
    and then the name is empty. ``key`` holds the parts of a primary key given in the path. ``accept`` are the media types that the
    client accepts, by preference. ``body`` is what a function is called with by ``POST``; ``payload`` are the rows, of which a call by
    JSON has one: its arguments. ``negotiated`` tells whether there was a choice of schemas, so that the answer says which one it is from.
    """

    method: Method
    profile: Profile
    name: TableName
    query: Query
    range: Range
    preferences: Preferences
    accept: tuple[Accepted, ...] = ANYTHING
    key: tuple[str, ...] | None = None
    payload: Payload | None = None
    body: Body | None = None
    call: bool = False
    root: bool = False
    negotiated: bool = False

    @property
    def table(self) -> str:
        """The table's own name."""
        return self.name.name

    @property
    def reads(self) -> bool:
        """Whether it only reads."""
        return self.method in ("GET", "HEAD")


class Envelope(Struct, frozen=True):
    """The HTTP request as plain values. ``path`` holds the table and, in the native profile, the key, both still percent-encoded.

    ``headers`` are pairs with names in lower case, as they came: a name may come twice.
    """

    method: Method
    path: tuple[str, ...]
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes = b""


def parse_request(
    envelope: Envelope,
    profile: Profile,
    schemas: Sequence[str],
    most_rows: int | None,
    root_function: str | None = None,
) -> RestRequest:
    """Read a request.

    Args:
        envelope: the HTTP request.
        profile: how to read it.
        schemas: the exposed schemas; the first is the default.
        most_rows: no read answers with more rows than this; None for no bound.
        root_function: the function that answers at the root instead of the description.

    Raises:
        RequestError: it cannot be understood; each part has an error of its own.
    """
    try:
        return _parsed(envelope, profile, schemas, most_rows, root_function)
    except RequestError as error:
        if not profile.validates and not isinstance(error, BeyondLimit):
            error.hint = None  # PostgREST gives none here, and its clients compare
        raise


def _parsed(
    envelope: Envelope, profile: Profile, schemas: Sequence[str], most_rows: int | None, root_function: str | None
) -> RestRequest:
    headers: dict[str, str] = {}
    for header, value in envelope.headers:
        headers.setdefault(header, value)
    place = _place(envelope.path, profile, root_function)
    asked_schema = headers.get("accept-profile" if envelope.method in _READS else "content-profile")
    schema = _schema(asked_schema, schemas)
    _check_method(envelope.method, place, profile)
    by_address = place.call and envelope.method in ("GET", "HEAD")
    query = parse_query(envelope.query, native=profile.bare_equality, call=by_address)
    rows = headers.get("range") if envelope.method == "GET" else None
    span = parse_range(query.limit, query.offset, rows, strict=profile.guards)
    bounded = span != ALL or (profile.guards and (query.limit is not None or query.offset is not None))
    if envelope.method == "PUT" and bounded:
        raise LimitOnUpsert(
            "limit and offset have no meaning for PUT."
            if profile.validates
            else "limit/offset querystring parameters are not allowed for PUT"
        )
    payload, body = _payload(envelope, headers.get("content-type"), query, profile, call=place.call)
    return RestRequest(
        method=envelope.method,
        profile=profile,
        name=TableName(schema, place.name),
        key=place.key,
        query=query,
        range=span.capped(most_rows),
        preferences=parse_preferences([value for name, value in envelope.headers if name == "prefer"]),
        accept=parse_accept(headers.get("accept")),
        payload=payload,
        body=body,
        call=place.call,
        root=not place.name,
        negotiated=asked_schema is not None or len(schemas) > 1,
    )


_READS = ("OPTIONS", "GET", "HEAD")
MAX_SHOWN = 200
"""How much of a path an error shows."""


class _Place(Struct, frozen=True):
    """What a path names: a table, a row of it, a function, or, without a name, the root."""

    name: str
    key: tuple[str, ...] | None = None
    call: bool = False


def _place(parts: tuple[str, ...], profile: Profile, root_function: str | None) -> _Place:
    """Read a path, each part decoded by itself: a comma or a slash inside a part comes percent-encoded."""
    match parts:
        case () | ("",):
            return _Place(root_function or "", call=root_function is not None)
        case ("rpc", function) if function and "/" not in function:
            return _Place(_decoded(function), call=True)
        case (table,) if profile.validates is False or table != "rpc":
            return _Place(_decoded(table))
        case (table, key) if profile.validates and table not in ("", "rpc") and key and "/" not in key:
            return _Place(_decoded(table), tuple(_decoded(part) for part in key.split(",")))
        case _:
            raise UnknownRoute(
                f"Nothing is at /{'/'.join(parts)[:MAX_SHOWN]}."
                if profile.validates
                else "Invalid path specified in request URL",
                hint="Rows are at /table/key and functions at /rpc/name, without more slashes.",
            )


def _decoded(part: str) -> str:
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise MalformedQuery("The path is not UTF-8.", hint="Percent-encode it as UTF-8.") from None
    if "\0" in text:
        raise MalformedQuery("The path holds a NUL character.", hint="PostgreSQL has no such text; leave it out.")
    return text


def _schema(asked: str | None, schemas: Sequence[str]) -> str:
    if asked is None:
        return schemas[0]
    if asked not in schemas:
        raise UnknownSchema(
            f"Invalid schema: {asked}", hint=f"Only the following schemas are exposed: {', '.join(schemas)}"
        )
    return asked


def _check_method(method: Method, place: _Place, profile: Profile) -> None:
    if place.call and method not in (*_READS, "POST"):
        said = f"{method} calls no function." if profile.validates else f"Cannot use the {method} method on RPC"
        raise CallMethod(said, headers={"Allow": "OPTIONS,GET,HEAD,POST"})
    if not place.name and method not in _READS:
        raise MethodNotAllowed(f"Unsupported HTTP method: {method}", headers={"Allow": "OPTIONS,GET,HEAD"})


def _payload(
    envelope: Envelope, content_type: str | None, query: Query, profile: Profile, *, call: bool
) -> tuple[Payload | None, Body | None]:
    """The rows of a body, and for a call the body itself."""
    if envelope.method not in ("POST", "PATCH", "PUT"):
        return None, None
    media, content = _media(content_type, profile), envelope.body
    if not call:
        return _rows(media, content, profile, judged=query.columns is None or envelope.method == "PUT"), None
    if media == medium.FORM:
        return None, Body(content, media, form_pairs(content))
    if media in (medium.TEXT, medium.XML, medium.OCTETS):
        return None, Body(content, media)
    if media == medium.JSON and not content.strip():
        content = b"{}"
    return _rows(media, content, profile, judged=query.columns is None), Body(envelope.body, media)


def _rows(media: str, content: bytes, profile: Profile, *, judged: bool) -> Payload:
    helpful = profile.validates
    match media:
        case medium.JSON if helpful or judged:
            return json_payload(content, helpful=helpful)
        case medium.JSON:
            return unjudged_payload(content)
        case medium.CSV:
            return csv_payload(content, helpful=helpful)
        case medium.FORM:
            return form_payload(content)
        case _ if helpful:
            raise UnsupportedMediaType(
                f"A body of the content type {media} cannot be read here.",
                hint="Send application/json or text/csv; a function takes text/xml and application/octet-stream too.",
            )
        case _:
            raise MalformedBody(f"Content-Type not acceptable: {media}")


_SIMPLE = frozenset({medium.FORM, medium.TEXT, "multipart/form-data"})
"""What a web page of another origin may send without asking first (Fetch, CORS-safelisted request-header)."""


def _media(content_type: str | None, profile: Profile) -> str:
    """The media type of a body.

    PostgREST takes a body without a content type as JSON, and so does its profile. The native one refuses what a web page of another
    origin could send without asking first (CORS): its callers may be known by their place in the network alone.
    """
    media = content_media(content_type)
    name = media.partition(";")[0].strip().lower()
    if not profile.validates:
        return media
    if content_type is None or not name or name in _SIMPLE:
        raise UnsupportedMediaType(
            f"The body's content type is {name}, not JSON."
            if content_type and name
            else "The request does not say what its body is.",
            hint="Send the header Content-Type: application/json.",
        )
    return medium.JSON if name.startswith("application/") and name.endswith("+json") else media
