"""PostgreSQL's errors (PostgreSQL, appendix A) and the driver's, translated once: the one table from SQLSTATE to `PellucidError`.

PostgreSQL's own words stay in ``message``, ``details`` and ``hint``, for the PostgREST profile shows them as they are. The friendly words
are the first of ``faults``: every translated `DatabaseError` has at least one, and each has a way out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import asyncpg
from sqlalchemy.exc import DBAPIError, DisconnectionError

from pellucid.database.catalog.model import EMPTY, Catalog
from pellucid.database.friendly import Refusal, faults, table_of
from pellucid.database.veil import veiled
from pellucid.errors import (
    BrokenCheck,
    BrokenReference,
    Contention,
    DatabaseError,
    Denied,
    Duplicate,
    Fault,
    Interrupted,
    InvalidValue,
    MissingValue,
    PellucidError,
    RaisedBadly,
    ReadOnly,
    StatementRefused,
    Unavailable,
)

FAMILY: Mapping[str, type[DatabaseError]] = {
    "0A": StatementRefused,
    "0L": Denied,
    "0P": Denied,
    "21": StatementRefused,
    "22": InvalidValue,
    "22023": StatementRefused,
    "23": BrokenCheck,
    "23001": BrokenReference,
    "23502": MissingValue,
    "23503": BrokenReference,
    "23505": Duplicate,
    "25006": ReadOnly,
    "25P03": Interrupted,
    "25P04": Interrupted,
    "28": Denied,
    "2F": StatementRefused,
    "3D": StatementRefused,
    "3F": StatementRefused,
    "40001": Contention,
    "40P01": Contention,
    "42": StatementRefused,
    "42501": Denied,
    "42804": InvalidValue,
    "44": BrokenCheck,
    "54": StatementRefused,
    "55": StatementRefused,
    "55P03": Contention,
    "57014": Interrupted,
    "P0001": StatementRefused,
    "P0002": StatementRefused,
    "P0003": StatementRefused,
    "P0004": BrokenCheck,
    "PT": StatementRefused,
}
"""The class of an error, by the whole SQLSTATE or by its first two characters. What is not here is a fault of the server."""

UNAVAILABLE = frozenset({"08", "53", "57P01", "57P02", "57P03", "57P05"})
"""The database, or the way to it, is gone or full."""

POSTGREST: Mapping[str, int] = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "25": 500, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500, "40": 500, "53": 503,
    "54": 500, "55": 500, "57": 500, "58": 500, "F0": 500, "HV": 500, "P0": 500, "XX": 500,
    "23503": 409, "23505": 409, "25006": 405, "53400": 500, "57P01": 503, "P0001": 400, "42883": 404, "42P01": 404, "42P17": 500,
}  # fmt: skip
"""The status that PostgREST answers with, where it is not 400; the same two keys. `_postgrest_status` knows the rest."""

STALE = (asyncpg.InvalidCachedStatementError, asyncpg.OutdatedSchemaCacheError)
"""A statement was prepared before somebody changed the schema. asyncpg forgets it with the error, so trying again helps."""

ABSENT = (asyncpg.UndefinedFunctionError, asyncpg.InvalidSchemaNameError)
"""A function is not there."""

FOREIGN = (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What PostgreSQL or the driver said, in somebody's own code. Other errors there are that code's own affair."""

LONGEST_ECHO = 1000
"""How many characters of a text that came from outside an error repeats."""

BEARER = {"WWW-Authenticate": "Bearer"}
RETRY = {"Retry-After": "1"}


def translate(  # noqa: PLR0911 - one case a source
    fault: BaseException, *, anonymous: bool = False, catalog: Catalog = EMPTY, role: str | None = None
) -> PellucidError:
    """Translate an error of PostgreSQL, of the driver or of SQLAlchemy.

    Args:
        fault: what was raised; one of ours comes back as it is.
        anonymous: whether the caller has proved nothing, so that PostgREST would answer 401 and not 403.
        catalog: knows the columns of constraints that PostgreSQL only names, as it does under row level security.
        role: who is told; None for somebody who may know of every table.
    """
    if isinstance(fault, PellucidError):
        return fault
    for inner in _causes(fault):
        match inner:
            case PellucidError() as known:
                return known
            case asyncpg.InvalidCachedStatementError() | asyncpg.OutdatedSchemaCacheError():
                return _changed()
            case asyncpg.DataError() if inner.message is None:
                return _unencodable(inner)
            case asyncpg.PostgresError():
                return _refused(veiled(inner, catalog, role), anonymous=anonymous, catalog=catalog)
            case asyncpg.InterfaceError() | asyncpg.InternalClientError() | OSError() | DisconnectionError():
                return Unavailable("Database connection error.", headers=RETRY)
    return PellucidError("Something went wrong while talking to the database.")


def in_doubt() -> Unavailable:
    """The error of a COMMIT whose answer never came. There is no Retry-After: a second attempt may do it twice."""
    return Unavailable(
        "The connection to the database broke while the transaction was committed.",
        hint="Look whether your change is there before you send it again.",
    )


def absent(fault: asyncpg.PostgresError) -> DatabaseError:
    """The error of a function that is not there though the server calls it by itself. PostgREST's status stays."""
    sqlstate = fault.sqlstate or ""
    return DatabaseError(
        fault.message or "",
        sqlstate=sqlstate,
        hint=fault.hint,
        faults=(Fault("", f"{DatabaseError.title}.", DatabaseError.way_out),),
        postgrest_status=_postgrest_status(fault, sqlstate, anonymous=False),
    )


def answered(fault: BaseException) -> bool:
    """Whether the connection is still in step after this error: PostgreSQL said it, or the driver did before it sent anything."""
    return isinstance(fault, (asyncpg.PostgresError, *STALE))


def condition(fault: BaseException) -> str:
    """An error's name and SQLSTATE, such as ``lock not available (55P03)``; none of the values that its message may quote."""
    cause = next((each for each in _causes(fault) if isinstance(each, asyncpg.PostgresError)), fault)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(cause).__name__.removesuffix("Error")).lower()
    sqlstate = getattr(cause, "sqlstate", None)
    return f"{name} ({sqlstate})" if sqlstate else name


def disconnected(fault: BaseException) -> bool:
    """Whether the error says that the connection is gone."""
    for inner in _causes(fault):
        if isinstance(inner, asyncpg.PostgresError):
            return _look_up(inner.sqlstate or "", UNAVAILABLE) is not None and not (inner.sqlstate or "").startswith(
                "53"
            )
        if isinstance(inner, STALE):
            return False
        if isinstance(inner, (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)):
            return True
    return False


def _causes(fault: BaseException) -> Iterator[BaseException]:
    """The error, and what lies under it: SQLAlchemy wraps the driver's."""
    seen: list[BaseException] = []
    current: BaseException | None = fault
    while current is not None and current not in seen:
        yield current
        seen.append(current)
        current = getattr(current, "orig", None) or current.__cause__


def _look_up(sqlstate: str, among: Any) -> str | None:
    return next((key for key in (sqlstate, sqlstate[:2]) if key in among), None)


def _changed() -> Contention:
    message = "The schema changed while the statement was under way."
    return Contention(
        message, sqlstate="40001", faults=(Fault("", message, "Send the same request again."),), headers=RETRY
    )


def _unencodable(fault: BaseException) -> InvalidValue:
    """The driver could not turn a value into the type that the statement expects; nothing was sent. PostgreSQL's message is empty then."""
    message = f"invalid input: {str(fault).partition(': ')[2] or 'a value does not fit its type'}"
    friendly = Fault("", f"A value does not fit; {message}.", "Send a value of the column's type.")
    return InvalidValue(message, sqlstate="22P02", faults=(friendly,))


def _refused(fault: asyncpg.PostgresError, *, anonymous: bool, catalog: Catalog) -> PellucidError:
    sqlstate = fault.sqlstate or "XX000"
    if sqlstate == "PGRST":
        return _raised_response(fault)
    if _look_up(sqlstate, UNAVAILABLE) and sqlstate != "53400":
        gone = Unavailable(fault.message or "Database connection error.", details=fault.detail, headers=RETRY)
        gone.postgrest_code = sqlstate
        return gone
    family = FAMILY[key] if (key := _look_up(sqlstate, FAMILY)) else DatabaseError
    status = _postgrest_status(fault, sqlstate, anonymous=anonymous)
    error = family(
        fault.message or "",
        sqlstate=sqlstate,
        details=fault.detail,
        hint=fault.hint,
        faults=faults(_read(fault, sqlstate, catalog), family, anonymous=anonymous),
        headers=BEARER if status == 401 else None,
        postgrest_status=status,
    )
    if sqlstate.startswith("PT") or (family is Denied and anonymous):
        error.status = status
    return error


def _read(fault: asyncpg.PostgresError, sqlstate: str, catalog: Catalog) -> Refusal:
    return Refusal(
        sqlstate,
        fault.message or "",
        fault.detail or "",
        fault.hint,
        fault.column_name or "",
        fault.constraint_name or "",
        table_of(catalog, fault.schema_name, fault.table_name),
    )


def _postgrest_status(fault: asyncpg.PostgresError, sqlstate: str, *, anonymous: bool) -> int:
    message = fault.message or ""
    match sqlstate:
        case "42501":
            return 401 if anonymous else 403
        case "21000":
            return 400 if message.endswith("requires a WHERE clause") else 500
        case "22023":
            return 401 if message.startswith("role") and message.endswith("does not exist") else 400
        case "42883" if message.startswith("function xmlagg("):
            return 406
        case _ if sqlstate.startswith("PT"):
            return _status(sqlstate[2:])
        case _:
            key = _look_up(sqlstate, POSTGREST)
            return POSTGREST[key] if key else 400


def _status(text: str) -> int:
    """The status in ``PT402``; 500 where it is none that HTTP knows (RFC 9110, 15)."""
    return int(text) if text.isascii() and text.isdigit() and 200 <= int(text) <= 599 else 500


def _raised_response(fault: asyncpg.PostgresError) -> PellucidError:
    """``RAISE SQLSTATE 'PGRST'``: a function that words the whole error itself, as JSON in MESSAGE and DETAIL."""
    said, how = _object(fault.message, _SAID), _object(fault.detail, _HOW)
    if said is None:
        return _unreadable(f"Invalid JSON value for MESSAGE: '{_short(fault.message)}'", _MESSAGE_FORM)
    if how is None:
        missing = "DETAIL is missing in the RAISE statement"
        return _unreadable(
            f"Invalid JSON value for DETAIL: '{_short(fault.detail)}'" if fault.detail else missing, _DETAIL_FORM
        )
    status = _status(str(how["status"]))
    error = StatementRefused(
        said["message"],
        sqlstate=said["code"],
        details=said.get("details"),
        hint=said.get("hint"),
        faults=(Fault("", said["message"], said.get("hint") or "Do as the message says."),),
        headers=how["headers"],
        postgrest_status=status,
    )
    error.status = status
    return error


_SAID: Mapping[str, tuple[type, ...]] = {
    "code": (str,), "message": (str,), "details": (str, type(None)), "hint": (str, type(None)),
}  # fmt: skip
_HOW: Mapping[str, tuple[type, ...]] = {"status": (int,), "headers": (dict,), "status_text": (str, type(None))}
_OPTIONAL = frozenset({"details", "hint", "status_text"})
_MESSAGE_FORM = (
    "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'."
)
_DETAIL_FORM = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."


def _object(text: str | None, members: Mapping[str, tuple[type, ...]]) -> dict[str, Any] | None:
    """The JSON object in a text, if it has these members of these types."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return None
    if not isinstance(found, dict) or not found.keys() >= members.keys() - _OPTIONAL:
        return None
    fit = all(isinstance(found.get(name), kinds) for name, kinds in members.items())
    texts = all(isinstance(value, str) for value in found.get("headers", {}).values()) if fit else False
    return found if texts else None


def _unreadable(details: str, hint: str) -> RaisedBadly:
    return RaisedBadly("Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error", details=details, hint=hint)


def _short(text: str | None) -> str:
    """A text that somebody wrote, at a length that can be shown."""
    return (text or "")[:LONGEST_ECHO]
