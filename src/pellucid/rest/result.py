"""Rows to status, headers and body."""

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from pellucid.errors import NotSingular, RowNotFound, UnacceptableRange
from pellucid.rest.grammar.preferences import Resolution
from pellucid.rest.plan.model import Call, Delete, Insert, OnConflict, Plan, Reading, Update
from pellucid.rest.request import Media, RestRequest

Record = Mapping[str, Any]


def respond(asked: RestRequest, plan: Plan, records: Sequence[Record]) -> Response:
    """Write the response.

    Raises:
        RowNotFound: the path names a row that is not there, or not for this caller.
        NotSingular: one row was asked for, and there are none or several.
        UnacceptableRange: the range begins behind the last row.
    """
    match plan:
        case Reading():
            return _read(asked, plan, records[0])
        case Insert():
            return _inserted(asked, plan, records[0])
        case Update() | Delete():
            return _changed(asked, plan, records[0])
        case Call():
            raise NotImplementedError


def check_rows(asked: RestRequest, records: Sequence[Record]) -> None:
    """Judge the number of rows while the transaction can still be rolled back.

    Raises:
        RowNotFound, NotSingular: as in `respond`.
    """
    rows = sum(int(record["rows"]) for record in records)
    if asked.key is not None and rows == 0:
        raise RowNotFound(
            f"No row of {asked.table} has the key {','.join(asked.key)}.",
            hint="Check the key; a row that you may not see is answered in the same way.",
        )
    if asked.media is Media.SINGULAR and rows != 1:
        raise NotSingular(
            "Cannot coerce the result to a single JSON object",
            details=f"The result contains {rows} rows",
            hint="Accept application/json for a list, or filter for one row." if asked.profile.validates else None,
        )


def _read(asked: RestRequest, plan: Reading, record: Record) -> Response:
    rows, total, first = int(record["rows"]), record["total"], plan.read.range.offset
    if total is not None and first > total:
        raise UnacceptableRange(
            "Requested range not satisfiable",
            details=f"An offset of {first} was requested, but there are only {total} rows.",
            hint="Ask for a smaller offset." if asked.profile.validates else None,
            headers={"Content-Range": f"*/{total}"},
        )
    body: str = record["body"]
    if _single(asked):
        # json_agg writes one row as "[row]".
        body = body[1:-1]
    headers = {"Content-Range": _content_range(first, rows, total)} | _content_location(asked) | _applied(asked, plan)
    status = 206 if total is not None and rows < total else 200
    if asked.method == "HEAD":
        response = _json(status, "", asked, headers)
        del response.headers["Content-Length"]  # what GET would send, not 0 (RFC 9110, 9.3.2)
        return response
    return _json(status, body, asked, headers)


def _inserted(asked: RestRequest, plan: Insert, record: Record) -> Response:
    rows = int(record["rows"])
    headers = {"Content-Range": f"*/{rows if asked.preferences.count else '*'}"} if not asked.profile.validates else {}
    headers |= _applied(asked, plan)
    if plan.located and record["keys"]:
        headers["Location"] = _location(asked, plan, json.loads(record["keys"]))
    made = rows - int(record["replaced"])
    merged = plan.conflict is OnConflict.MERGE or asked.preferences.resolution is Resolution.MERGE
    status = 200 if made == 0 and merged else 201
    if plan.answer is None:
        return Response(status_code=204 if asked.method == "PUT" else status, headers=headers)
    return _json(status, _written(asked, record), asked, headers)


def _changed(asked: RestRequest, plan: Update | Delete, record: Record) -> Response:
    rows = int(record["rows"])
    total = rows if asked.preferences.count else None
    headers = _applied(asked, plan)
    if not asked.profile.validates:
        whole = _content_range(0, rows, total) if isinstance(plan, Update) else f"*/{'*' if total is None else total}"
        headers["Content-Range"] = whole
    if plan.answer is None:
        return Response(status_code=204, headers=headers)
    return _json(200, _written(asked, record), asked, headers)


def _written(asked: RestRequest, record: Record) -> str:
    body: str = record["body"]
    return body[1:-1] if _single(asked) and int(record["rows"]) == 1 else body


def _single(asked: RestRequest) -> bool:
    """Whether the answer is one object: as asked for, at a row's address, or as the native body was."""
    sent_one = asked.method == "POST" and asked.payload is not None and not asked.payload.listed
    return asked.media is Media.SINGULAR or asked.key is not None or (asked.profile.validates and sent_one)


def _content_range(first: int, rows: int, total: int | None) -> str:
    span = f"{first}-{first + rows - 1}" if rows and total != 0 else "*"
    return f"{span}/{'*' if total is None else total}"


def _applied(asked: RestRequest, plan: Plan) -> dict[str, str]:
    """What was honoured of the preferences, in PostgREST's order (RFC 7240, 3)."""
    wished = asked.preferences
    writes = not isinstance(plan, Reading)
    honoured = (
        wished.resolution if isinstance(plan, Insert) and plan.conflict else None,
        wished.missing if isinstance(plan, Insert | Update) else None,
        wished.returned if writes else None,
        wished.count,
        wished.handling,
    )
    applied = ", ".join(word.value for word in honoured if word is not None)
    return {"Preference-Applied": applied} if applied else {}


def _content_location(asked: RestRequest) -> dict[str, str]:
    """PostgREST tells where the same answer is, its parameters in alphabetical order."""
    if asked.profile.validates:
        return {}
    query = urlencode(sorted(asked.query.pairs, key=itemgetter(0)), quote_via=quote, safe="")
    return {"Content-Location": f"/{quote(asked.table, safe='')}" + (f"?{query}" if query else "")}


def _location(asked: RestRequest, plan: Insert, keys: Sequence[str]) -> str:
    if asked.profile.validates:
        return f"/{quote(asked.table, safe='')}/{','.join(quote(key, safe='') for key in keys)}"
    pairs = [(name, f"eq.{key}") for name, key in zip(plan.table.primary_key, keys, strict=True)]
    return f"/{quote(asked.table, safe='')}?{urlencode(pairs, quote_via=quote, safe='')}"


def _json(status: int, body: str, asked: RestRequest, headers: Mapping[str, str]) -> Response:
    media = "application/json" if asked.media is Media.JSON or asked.profile.validates else asked.media.value
    profile = {"Content-Profile": asked.name.schema} if asked.negotiated else {}
    return Response(body, status_code=status, headers={**headers, **profile}, media_type=f"{media}; charset=utf-8")
