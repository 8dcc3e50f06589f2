"""Outcome to status, headers and body."""

from collections.abc import Mapping
from operator import itemgetter
from urllib.parse import quote, urlencode

from starlette.responses import Response

from pellucid.errors import UnacceptableRange
from pellucid.rest.grammar.preferences import Count, Resolution, TransactionEnd
from pellucid.rest.outcome import Outcome, bounded
from pellucid.rest.plan.form import Form, Shape
from pellucid.rest.plan.legacy import legacy_names
from pellucid.rest.plan.model import Call, Delete, Insert, OnConflict, Plan, Reading, Update
from pellucid.rest.request import RestRequest
from pellucid.version import VERSION

VARY = "Accept, Prefer, Range"
"""The request headers that an answer depends on, beside who asks (RFC 9110, 12.5.5)."""


def respond(
    asked: RestRequest, plan: Plan, form: Form, outcome: Outcome, end: TransactionEnd | None = None
) -> Response:
    """Write the response.

    Args:
        asked: the request.
        plan: what it became.
        form: how the answer is written.
        outcome: what came of it.
        end: how the client wished the transaction to end, where that was honoured.

    Raises:
        UnacceptableRange: the range begins behind the last row.
    """
    if form.plan is not None:
        return _written(200, {}, asked, form, outcome)
    applied = _applied(asked, plan, end)
    match plan:
        case Reading():
            status, headers = _span(asked, plan.read.range.offset, outcome)
            return _written(status, headers | content_location(asked) | applied, asked, form, outcome)
        case Insert():
            return _inserted(asked, plan, form, outcome, applied)
        case Update() | Delete():
            headers = _changed(asked, plan, outcome) | applied
            return _written(204 if plan.answer is None else 200, headers, asked, form, outcome)
        case Call(function):
            status, headers = _span(asked, plan.read.range.offset, outcome)
            return _written(204 if function.returns_void else status, headers | applied, asked, form, outcome)


def _span(asked: RestRequest, first: int, outcome: Outcome) -> tuple[int, dict[str, str]]:
    """Which of the rows the answer has (RFC 9110, 14.4)."""
    rows, total = outcome.rows, outcome.total
    if total is not None and first > total:
        raise UnacceptableRange(
            "Requested range not satisfiable",
            details=f"An offset of {first} was requested, but there are only {total} rows.",
            hint="Ask for a smaller offset." if asked.profile.validates else None,
            headers={"Content-Range": f"*/{total}"},
        )
    return 206 if total is not None and rows < total else 200, {"Content-Range": _content_range(first, rows, total)}


def _inserted(asked: RestRequest, plan: Insert, form: Form, outcome: Outcome, applied: Mapping[str, str]) -> Response:
    headers: dict[str, str] = {}
    if asked.method == "POST" and not asked.profile.validates:
        headers["Content-Range"] = f"*/{_counted(asked, outcome)}"
    if plan.located and outcome.keys:
        headers["Location"] = location(asked, plan, outcome.keys)
    merges = plan.conflict is OnConflict.MERGE or asked.preferences.resolution is Resolution.MERGE
    status = 200 if merges and outcome.rows <= outcome.replaced else 201
    if plan.answer is None and asked.method == "PUT":
        status = 204
    return _written(status, {**headers, **applied}, asked, form, outcome)


def _changed(asked: RestRequest, plan: Update | Delete, outcome: Outcome) -> dict[str, str]:
    if asked.profile.validates:
        return {}
    counted = _counted(asked, outcome)
    if isinstance(plan, Delete):
        return {"Content-Range": f"*/{counted}"}
    return {"Content-Range": _content_range(0, outcome.rows, None if counted == "*" else outcome.rows)}


def _counted(asked: RestRequest, outcome: Outcome) -> str:
    """The number of rows that a write touched, where the client wants to know."""
    return str(outcome.rows) if asked.preferences.count in (Count.EXACT, Count.ESTIMATED) else "*"


def _content_range(first: int, rows: int, total: int | None) -> str:
    span = f"{first}-{first + rows - 1}" if rows and total != 0 else "*"
    return f"{span}/{'*' if total is None else total}"


def _applied(asked: RestRequest, plan: Plan, end: TransactionEnd | None) -> dict[str, str]:
    """What was honoured of the preferences, in PostgREST's order (RFC 7240, 3)."""
    wished = asked.preferences
    inserts = isinstance(plan, Insert) and asked.method == "POST"
    honoured = (
        wished.resolution if inserts and isinstance(plan, Insert) and plan.conflict else None,
        wished.missing if inserts or isinstance(plan, Update) else None,
        wished.returned if isinstance(plan, Insert | Update | Delete) else None,
        wished.count,
        end,
        wished.handling,
        f"timezone={wished.timezone}" if wished.timezone is not None else None,
        _affected(asked, plan),
    )
    applied = ", ".join(str(word) for word in honoured if word is not None)
    return {"Preference-Applied": applied} if applied else {}


def _affected(asked: RestRequest, plan: Plan) -> str | None:
    wished = asked.preferences
    return f"max-affected={wished.max_affected}" if wished.max_affected is not None and bounded(asked, plan) else None


def content_location(asked: RestRequest) -> dict[str, str]:
    """PostgREST tells where the same answer is, its parameters in alphabetical order."""
    if asked.profile.validates:
        return {}
    query = urlencode(sorted(asked.query.pairs, key=itemgetter(0)), quote_via=quote, safe="")
    return {"Content-Location": f"/{quote(asked.table, safe='')}" + (f"?{query}" if query else "")}


def location(asked: RestRequest, plan: Insert, keys: tuple[str | None, ...]) -> str:
    """Where a new row is (RFC 9110, 10.2.2)."""
    table = f"/{quote(asked.table, safe='')}"
    if asked.profile.validates:
        return f"{table}/{','.join([quote(key or '', safe='') for key in keys])}"
    values = ("is.null" if key is None else f"eq.{key}" for key in keys)
    pairs = list(zip(plan.table.primary_key, values, strict=True))
    return f"{table}?{urlencode(pairs, quote_via=quote, safe='')}"


def _written(status: int, headers: Mapping[str, str], asked: RestRequest, form: Form, outcome: Outcome) -> Response:
    """The response as it stands, then what functions of the database want to be otherwise."""
    own = dict(headers)
    if form.shape is not Shape.NOTHING or (asked.method == "HEAD" and status != 204):
        own["Content-Type"] = form.media
        own |= {"Content-Profile": asked.name.schema} if asked.negotiated else {}
    own["Vary"] = VARY
    own |= _warning(asked)
    chosen = {name.lower() for name, _ in outcome.headers}
    status = outcome.status or status
    empty = asked.method == "HEAD" or status in (204, 304)
    response = Response(
        b"" if empty else outcome.body,
        status,
        {name: value for name, value in own.items() if name.lower() not in chosen},
    )
    if empty:
        response.raw_headers = [pair for pair in response.raw_headers if pair[0] != b"content-length"]
    response.raw_headers += [(name.lower().encode(), value.encode()) for name, value in outcome.headers]
    return response


def _warning(asked: RestRequest) -> dict[str, str]:
    """A word about what will stop working (RFC 7234, 5.5)."""
    names = legacy_names(asked.query) if asked.query.embedded else ()
    if not names:
        return {}
    changes = ", ".join(f"`{name}` to `{alias}`" for name, alias in names)
    text = (
        "Embedded resource was referenced by relation name even though it has an alias. This is deprecated and will stop"
        f" working in a future release. Update {changes} in query string filters, orders or limits."
    )
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    printable = "".join(letter if " " <= letter <= "~" else "?" for letter in quoted)
    return {"Warning": f'299 Pellucid/{VERSION} "{printable}"'}
