"""What a request carries: rows as JSON, CSV or a form, and the raw bytes that a function takes."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from pydantic_core import from_json

from pellucid.errors import BeyondLimit, MalformedBody
from pellucid.rest.grammar.parameters import split_form

MAX_KEYS_IN_ROW = 1600
"""PostgreSQL's most columns in a table (appendix K)."""
MAX_ROWS_IN_BODY = 100_000
"""How many rows one body may hold."""
_UNEVEN = "All object keys must match"
_UNREADABLE = "Empty or invalid json"
_CSV_FIELD = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n|[\r\n]|$)')


class Payload(Struct, frozen=True):
    """The rows of a body: as sent, for PostgreSQL to read without loss, and as parsed, for judging them.

    ``listed`` tells whether they came as a list. ``raw`` is a JSON array; where the request says which ``columns`` it fills,
    PostgREST's profile leaves it to PostgreSQL to judge the text, and then it may be anything.
    """

    raw: str
    rows: tuple[Mapping[str, Any], ...]
    listed: bool


class Body(Struct, frozen=True):
    """What a function is called with: the bytes as sent, and their media type. ``pairs`` are the fields of a form, decoded."""

    content: bytes
    media: str
    pairs: tuple[tuple[str, str], ...] | None = None


def json_payload(content: bytes, *, helpful: bool) -> Payload:
    """Read rows as JSON.

    Args:
        content: an object, or a list of objects.
        helpful: whether errors tell the place; else they are PostgREST's.

    Raises:
        MalformedBody: it is something else.
        BeyondLimit: it has too many rows or keys.
    """
    try:
        value = from_json(content, allow_inf_nan=False)
        text = content.decode()
    except ValueError as fault:
        if not helpful:
            raise MalformedBody(_UNREADABLE) from None
        where = f"The body is not valid JSON: {fault}." if content.strip() else "The body is empty."
        raise MalformedBody(where, hint="Send a JSON object, or a list of objects.") from None
    return _rows(value, text, helpful=helpful)


def unjudged_payload(content: bytes) -> Payload:
    """Read rows as JSON, and leave what is wrong with them to PostgreSQL: the request says which columns it fills.

    Raises:
        MalformedBody: it is not even text.
        BeyondLimit: it has too many rows or keys.
    """
    try:
        text = content.decode()
    except ValueError:
        raise MalformedBody(_UNREADABLE) from None
    try:
        value = from_json(content, allow_inf_nan=False)
    except ValueError:
        return Payload(text, (), listed=True)
    _check_size(value)
    rows = tuple(row for row in (value if isinstance(value, list) else [value]) if isinstance(row, dict))
    return Payload(f"[{text}]", rows, listed=False) if isinstance(value, dict) else Payload(text, rows, listed=True)


def csv_payload(content: bytes, *, helpful: bool) -> Payload:
    """Read rows as CSV (RFC 4180): a header with the names, then the rows; a field that is ``NULL`` is null, as in PostgREST.

    Raises:
        MalformedBody: there is no header, a quote is out of place, or a line has more or fewer fields than the header.
    """
    records = _csv_records(content, helpful=helpful)
    header = next(records, None)
    if header is None:
        raise _empty_csv(helpful=helpful)
    if len(header) > MAX_KEYS_IN_ROW:
        raise _too_many_keys()
    rows: list[Mapping[str, Any]] = []
    for record in records:
        if len(rows) >= MAX_ROWS_IN_BODY:
            raise _too_many_rows()
        if helpful and len(record) != len(header):
            raise MalformedBody(
                f"Row {len(rows) + 1} of the CSV has {len(record)} fields, and the header has {len(header)}.",
                hint="Give each row as many fields as the header; quote a field that holds a comma.",
            )
        pairs = zip(header, record, strict=False)  # PostgREST drops what is more than the header
        rows.append({name: None if text == "NULL" else text for name, text in pairs})
    if any(row.keys() != rows[0].keys() for row in rows):
        raise MalformedBody("All lines must have same number of fields")
    return Payload(json.dumps(rows, ensure_ascii=False), tuple(rows), listed=True)


def form_payload(content: bytes) -> Payload:
    """Read one row as a form (``application/x-www-form-urlencoded``); all its values are texts.

    Raises:
        MalformedBody: it is not UTF-8.
        BeyondLimit: it has too many fields.
    """
    row = dict(form_pairs(content))
    return Payload(json.dumps([row], ensure_ascii=False), (row,), listed=False)


def form_pairs(content: bytes) -> tuple[tuple[str, str], ...]:
    """Read a form's fields as they came.

    Raises:
        MalformedBody: it is not UTF-8.
        BeyondLimit: it has too many fields.
    """
    try:
        pairs = split_form(content.decode(), MAX_KEYS_IN_ROW)
    except UnicodeError:
        raise MalformedBody("The form is not UTF-8.", hint="Percent-encode it as UTF-8.") from None
    if pairs is None:
        raise BeyondLimit(f"The form has more than {MAX_KEYS_IN_ROW} fields.", hint="Send fewer fields.")
    return pairs


def _csv_records(content: bytes, *, helpful: bool) -> Iterator[list[str]]:
    """The records, blank lines left out."""
    try:
        text = content.decode()
    except ValueError:
        raise MalformedBody("The CSV is not UTF-8.", hint="Write it as UTF-8.") from None
    if not text.strip("\r\n"):
        raise _empty_csv(helpful=helpful)
    record: list[str] = []
    at = 0
    while at < len(text):
        found = _CSV_FIELD.match(text, at)
        if found is None:
            raise _misplaced_quote(text, at, helpful=helpful)
        record.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        at = found.end()
        if found[3] == "," and at < len(text):
            continue
        if found[3] == ",":
            record.append("")
        if record != [""]:
            yield record
        record = []


def _empty_csv(*, helpful: bool) -> MalformedBody:
    return MalformedBody(
        "The CSV is empty." if helpful else 'parse error (not enough input) at ""',
        hint="Send a line with the names of the columns, and then the rows.",
    )


def _misplaced_quote(text: str, at: int, *, helpful: bool) -> MalformedBody:
    if not helpful:
        return MalformedBody(f'parse error (endOfInput) at "{text[at : at + 100]}"')
    return MalformedBody(
        f"Line {text.count(chr(10), 0, at) + 1} of the CSV has a quote that does not fit.",
        hint="Put the whole field in double quotes, and double each quote inside it.",
    )


def _rows(value: Any, text: str, *, helpful: bool) -> Payload:
    _check_size(value)
    match value:
        case dict():
            return Payload(f"[{text}]", (value,), listed=False)
        case list() if all(isinstance(row, dict) for row in value):
            if not helpful and any(row.keys() != value[0].keys() for row in value):
                raise MalformedBody(_UNEVEN)
            return Payload(text, tuple(value), listed=True)
        case list() if helpful:
            place = next(place for place, row in enumerate(value) if not isinstance(row, dict))
            raise MalformedBody(f"Item {place} of the list is not an object.", hint="Send a list of JSON objects.")
        case list():
            raise MalformedBody(_UNEVEN)
        case _ if helpful:
            raise MalformedBody(
                "The body is neither an object nor a list.", hint="Send a JSON object, or a list of objects."
            )
        case _:
            return Payload("[]", (), listed=True)


def _check_size(value: Any) -> None:
    rows = value if isinstance(value, list) else (value,)
    if any(isinstance(row, dict) and len(row) > MAX_KEYS_IN_ROW for row in rows):
        raise _too_many_keys()
    if len(rows) > MAX_ROWS_IN_BODY:
        raise _too_many_rows()


def _too_many_keys() -> BeyondLimit:
    return BeyondLimit(
        f"A row has more than {MAX_KEYS_IN_ROW} keys, and no table has as many columns.", hint="Send fewer keys."
    )


def _too_many_rows() -> BeyondLimit:
    return BeyondLimit(f"The body has more than {MAX_ROWS_IN_BODY} rows.", hint="Send them in several requests.")
