"""What came of the statement, judged while the transaction can still be rolled back."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from pellucid.errors import (
    BadResponseHeaders,
    BadResponseStatus,
    InvalidPreference,
    KeyMismatch,
    NotSingular,
    RowNotFound,
    TooManyAffected,
    TooManyAffectedByCall,
)
from pellucid.rest.grammar.preferences import Handling
from pellucid.rest.plan.form import Form
from pellucid.rest.plan.model import Call, Delete, Plan, Update
from pellucid.rest.request import RestRequest

Record = Mapping[str, Any]


class Outcome(Struct, frozen=True):
    """The one record of a statement.

    ``rows`` are in the body, or were touched; ``total`` are there outside the range too, None where nobody counted. ``keys`` is the
    primary key of the one new row, and ``replaced`` how many rows of an upsert were there before. ``status`` and ``headers`` are
    those that functions have chosen for the response.
    """

    body: str | bytes
    rows: int = 0
    total: int | None = None
    keys: tuple[str | None, ...] = ()
    replaced: int = 0
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


def check_preferences(asked: RestRequest, plan: Plan) -> None:
    """Refuse preferences that cannot be honoured, where the client insists on them.

    Raises:
        InvalidPreference: nobody knows one of them.
        TooManyAffectedByCall: the rows of a function that answers one value cannot be counted.
    """
    wished = asked.preferences
    if wished.handling is not Handling.STRICT:
        return
    unknown = ", ".join(wished.unknown)
    if unknown and asked.profile.validates:
        raise InvalidPreference(
            f"Nobody knows the preferences {unknown}.", hint="Leave them out, or send handling=lenient."
        )
    if unknown:
        raise InvalidPreference(
            "Invalid preferences given with handling=strict", details=f"Invalid preferences: {unknown}"
        )
    if wished.max_affected is not None and isinstance(plan, Call) and not plan.function.returns_set:
        if asked.profile.validates:
            raise TooManyAffectedByCall(f"{asked.table} answers with one value: nobody can count what it touches.")
        raise TooManyAffectedByCall(
            "Function must return SETOF or TABLE when max-affected preference is used with handling=strict"
        )


def judge(asked: RestRequest, plan: Plan, form: Form, records: Sequence[Record]) -> Outcome:
    """Read the answer of the database, and hold it against what the client insists on.

    Raises:
        RowNotFound, NotSingular, KeyMismatch, TooManyAffected: it is not what was asked for.
        BadResponseStatus, BadResponseHeaders: functions have set for the response what is none.
    """
    if form.plan is not None:
        return Outcome("".join(f"{line}\n" for record in records for line in record.values()))
    outcome = _read(records[0], form)
    _check_rows(asked, form, outcome.rows)
    _check_affected(asked, plan, outcome.rows)
    return outcome


def _read(record: Record, form: Form) -> Outcome:
    return Outcome(
        body="" if record["body"] is None else record["body"],
        rows=1 if form.single else int(record["rows"]),
        total=record["total"],
        keys=tuple(json.loads(record["keys"])) if record["keys"] else (),
        replaced=int(record["replaced"]),
        status=_status(record["status"]),
        headers=_headers(record["headers"]),
    )


def _check_rows(asked: RestRequest, form: Form, rows: int) -> None:
    helpful = asked.profile.validates
    if asked.key is not None and rows == 0:
        raise RowNotFound(
            f"No row of {asked.table} has the key {','.join(asked.key)}.",
            hint="Check the key; a row that you may not see is answered in the same way.",
        )
    if form.singular and rows != 1:
        if helpful:
            raise NotSingular(
                f"One object was asked for, and the answer has {rows} rows.",
                hint="Accept application/json for a list, or filter for one row.",
            )
        raise NotSingular(
            "Cannot coerce the result to a single JSON object", details=f"The result contains {rows} rows"
        )
    if asked.method == "PUT" and not helpful and rows != 1:
        raise KeyMismatch("Payload values do not match URL in primary key column(s)")


def _check_affected(asked: RestRequest, plan: Plan, rows: int) -> None:
    most = asked.preferences.max_affected
    if most is None or rows <= most or not bounded(asked, plan):
        return
    if asked.profile.validates:
        raise TooManyAffected(f"{rows} rows would be touched, and max-affected allows {most}; none was.")
    raise TooManyAffected(
        "Query result exceeds max-affected preference constraint", details=f"The query affects {rows} rows"
    )


def bounded(asked: RestRequest, plan: Plan) -> bool:
    """Whether the preference ``max-affected`` counts: in PostgREST for those who insist, natively for all but those who do not."""
    handling = asked.preferences.handling
    minds = handling is not Handling.LENIENT if asked.profile.guards else handling is Handling.STRICT
    return minds and isinstance(plan, Update | Delete | Call)


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "trailer", "upgrade"})
_STATUS = re.compile(r"([2-5]\d\d)(?!\d)")


def _status(text: str | None) -> int | None:
    """The status in the setting ``response.status``."""
    if text is None:
        return None
    found = _STATUS.match(text)
    if found is None:
        raise BadResponseStatus("response.status guc must be a valid status code")
    return int(found[1])


def _headers(text: str | None) -> tuple[tuple[str, str], ...]:
    """The pairs in the setting ``response.headers``. What frames the response is the server's own affair and left out."""
    if text is None:
        return ()
    try:
        pairs = [pair for (pair,) in (tuple(each.items()) for each in json.loads(text))]
        fit = all(_NAME.fullmatch(name) and _VALUE.fullmatch(value) for name, value in pairs)
    except (ValueError, AttributeError, TypeError):
        fit = False
    if not fit:
        raise BadResponseHeaders(
            "response.headers guc must be a JSON array composed of objects with a single key and a string value"
        )
    return tuple((name, value) for name, value in pairs if name.lower() not in _FRAMING)
