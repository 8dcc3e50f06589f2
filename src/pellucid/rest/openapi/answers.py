"""Responses: the rows and their media types, and what goes wrong."""

from collections.abc import Iterable
from typing import Any

from pellucid.web.described import PROBLEM_SCHEMA

Json = dict[str, Any]
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def _text(description: str) -> Json:
    return {"description": description, "schema": {"type": "string"}}


HEADERS: Json = {
    "Content-Range": _text("Which rows these are, and of how many: `0-9/*`, `0-9/120` (RFC 9110, 14.4)."),
    "Location": _text("The new row's own address."),
    "Preference-Applied": _text("What was honoured of the preferences (RFC 7240, 3)."),
}
_ERRORS = {
    "400": "The request cannot be understood, or names a column, a relationship or an operator that is not there.",
    "401": "The access token is not good, or this is for signed-in callers.",
    "403": "The caller may not do that: a grant or a policy of row level security is missing.",
    "404": "There is no such row, or the caller may not see it.",
    "406": "The answer cannot be written as the header Accept wants it, or there is not the one row that it wants.",
    "409": "The row is there already, or another one refers to it or is missing.",
    "415": "The body is in a media type that is not read here, or does not say what it is.",
    "416": "The range begins behind the last row.",
    "422": "Some values do not fit; errors names the fields.",
}
RESPONSES: Json = {
    f"Problem{status}": {"description": description, "content": _PROBLEM} for status, description in _ERRORS.items()
} | {
    "Problem": {"description": "A problem: what is wrong, and the way out.", "content": _PROBLEM},
    "Done": {"description": "Done; the preference was that no rows come back."},
}
DONE: Json = {"204": {"$ref": "#/components/responses/Done"}}
SCHEMAS: Json = {"Problem": PROBLEM_SCHEMA}

READING = ("400", "401", "403", "406", "416", "422")
READING_ONE = ("400", "401", "403", "404", "406", "422")
WRITING = ("400", "401", "403", "406", "409", "415", "422")
WRITING_ONE = ("400", "401", "403", "404", "406", "409", "415", "422")
DELETING = ("400", "401", "403", "406", "409", "422")
DELETING_ONE = ("400", "401", "403", "404", "406", "409", "422")
CALLING = ("400", "401", "403", "404", "406", "409", "415", "416", "422")


def problems(statuses: Iterable[str]) -> Json:
    """The errors of an operation; any other one is a problem too."""
    named = {status: {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}
    return named | {"default": {"$ref": "#/components/responses/Problem"}}


def rows(row: Json, media: Iterable[str] = ()) -> Json:
    """The media types that a list of rows comes in."""
    many = {"type": "array", "items": row}
    return {
        "application/json": {"schema": many},
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.pgrst.object+json": {"schema": row},
        **{name: {} for name in media},
    }


def one(row: Json) -> Json:
    """The media types that one row comes in."""
    return {"application/json": {"schema": row}, "text/csv": {"schema": {"type": "string"}}}


def one_or_many(row: Json) -> Json:
    """The media types that an insert answers in: a list for a list."""
    return one({"anyOf": [row, {"type": "array", "items": row}]}) | {
        "application/vnd.pgrst.object+json": {"schema": row}
    }


def answer(description: str, content: Json | None = None, *headers: str) -> Json:
    """A response."""
    said: Json = {"description": description}
    if headers:
        said["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return said | ({"content": content} if content else {})
