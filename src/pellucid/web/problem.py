"""From an error to a response: the only place where that happens.

An error knows its status, its code and what a client may see (`pellucid.errors`). Here it gets its shape: problem+json (RFC 9457)
for people and programs, PostgREST's bodies under that dialect's paths, those of Supabase's auth API under its own.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import Scope

from pellucid.errors import DatabaseError, Details, Fault, PellucidError, Unauthenticated
from pellucid.web import auth_errors
from pellucid.web.exchange import exchange_of
from pellucid.web.foreign import HttpError
from pellucid.web.style import ErrorStyle, style_of

LONGEST_TEXT = 8192
"""Characters of one text in an error. PostgreSQL and the grammar repeat what was sent, and that may be a whole book."""

RETRY_AFTER = "1"
"""Seconds after which a 503 may have passed, where the error does not know better."""


class Audience(Struct, frozen=True):
    """Who reads the error, and where: what decides about shape and openness, beside the error itself."""

    style: ErrorStyle
    request_id: str = ""
    prefix: str = ""
    anonymous: bool = True
    presented: bool = False
    """Whether the request carried an ``Authorization`` header."""
    production: bool = False
    verbose: bool = True
    """Whether errors in PostgREST's shape have details and hints."""
    auth_version: str = ""
    """The version of Supabase's auth API that the request names."""


def audience_of(scope: Scope, postgrest_prefixes: tuple[str, ...], *, production: bool) -> Audience:
    """Who sent the request behind a scope."""
    exchange, headers = exchange_of(scope), Headers(scope=scope)
    identity = scope.get("state", {}).get("identity")
    return Audience(
        style=style_of(scope, postgrest_prefixes),
        request_id=exchange.request_id if exchange else "",
        prefix=scope.get("root_path", ""),
        anonymous=not getattr(identity, "authenticated", False),
        presented="authorization" in headers,
        production=production,
        auth_version=headers.get(auth_errors.VERSION_HEADER, ""),
    )


def render(error: PellucidError, audience: Audience) -> Response:
    """The response that an error becomes for this audience."""
    status = status_of(error, audience)
    response = Response(status_code=status)
    if status >= 200 and status not in (204, 304):
        response = _body(error, audience, status)
    _add_headers(response.headers, error, audience, status)
    return response


def status_of(error: PellucidError, audience: Audience) -> int:
    """The status of the response."""
    if audience.style is ErrorStyle.AUTH:
        return auth_errors.spoken(error).status
    if audience.style is ErrorStyle.PROBLEM:
        return error.status
    chosen = error.status_in_postgrest if isinstance(error, DatabaseError) else None
    return chosen or error.postgrest_status or error.status


def _body(error: PellucidError, audience: Audience, status: int) -> Response:
    match audience.style:
        case ErrorStyle.POSTGREST:
            return Response(
                postgrest_body(error, verbose=audience.verbose), status, media_type="application/json; charset=utf-8"
            )
        case ErrorStyle.AUTH:
            spoken = auth_errors.body(error, audience.auth_version, audience.request_id)
            return Response(spoken, status, media_type="application/json")
        case ErrorStyle.PROBLEM:
            text = json.dumps(problem_body(error, audience, status), ensure_ascii=False, separators=(",", ":"))
            return Response(text.encode("utf-8", "replace"), status, media_type="application/problem+json")


# -- RFC 9457 -------------------------------------------------------------------------------------------------------


def problem_body(error: PellucidError, audience: Audience, status: int) -> dict[str, Any]:
    """The members of the problem, in reading order, without those that have nothing to say."""
    members: dict[str, Any] = {
        "type": f"{audience.prefix}/docs/errors/{error.code}",
        "title": error.title,
        "status": status,
        "detail": error.message,
        "code": error.code,
        "hint": error.hint or error.way_out,
        "errors": [_fault_body(fault) for fault in error.faults],
        "details": error.details,
    }
    match error:
        case HttpError():
            members |= _from_application(error, status)
        case DatabaseError():
            members |= _from_database(error, production=audience.production)
    members["request_id"] = audience.request_id
    return {name: _shortened(value) for name, value in members.items() if value not in (None, "", [])}


def _shortened(value: Any) -> Any:
    return _short(value) if isinstance(value, str) else value


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _from_application(error: HttpError, status: int) -> dict[str, Any]:
    """Nothing is documented here about what somebody's own code refuses (RFC 9457, 4.2.1)."""
    return {"type": "about:blank", "title": error.phrase, "code": f"http-{status}", "answer": error.answer}


def _from_database(error: DatabaseError, *, production: bool) -> dict[str, Any]:
    """Plain words first, PostgreSQL's own beside them.

    Its DETAIL may quote whole rows and name other tables, and its internal errors speak of its insides: production keeps both in
    the log.
    """
    hidden = production and error.status >= 500
    own = {"sqlstate": error.sqlstate, "message": error.message, "details": error.details, "hint": error.hint}
    shown = {"sqlstate"} if hidden else own.keys() - {"details"} if production else own.keys()
    plain = Fault("", error.title, error.way_out) if hidden else _plain(error)
    return {
        "detail": plain.message,
        "hint": plain.hint or error.way_out,
        "errors": [] if hidden else [_fault_body(fault) for fault in error.faults if fault.field or fault != plain],
        "details": None,
        "database": {name: _shortened(own[name]) for name in own if name in shown and own[name]},
    }


def _plain(error: DatabaseError) -> Fault:
    """The plain words that came with the translation of the error, or PostgreSQL's own for want of them."""
    return error.faults[0] if error.faults else Fault("", error.message, error.hint)


def _fault_body(fault: Fault) -> dict[str, str]:
    return {"field": fault.field, "message": _short(fault.message)} | ({"hint": fault.hint} if fault.hint else {})


# -- PostgREST ------------------------------------------------------------------------------------------------------

_ESCAPES = {code: f"\\u{code:04x}" for code in range(0x20)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}


def postgrest_body(error: PellucidError, *, verbose: bool = True) -> bytes:
    """The four members in alphabetical order, escaped as PostgREST escapes them: clients compare such bodies byte by byte."""
    words = error.in_postgrest if isinstance(error, Unauthenticated) else None
    members: Mapping[str, Details | None] = {
        "code": postgrest_code(error),
        "details": error.details or _listed(error),
        "hint": None if words else error.hint,
        "message": words or error.message,
    }
    shown = members if verbose else {name: members[name] for name in ("code", "message")}
    text = ",".join(f'"{name}":{_haskell_json(value)}' for name, value in shown.items())
    return f"{{{text}}}".encode("utf-8", "replace")


def postgrest_code(error: PellucidError) -> str:
    """The code in the body and in ``Proxy-Status``: the SQLSTATE where PostgreSQL refused, else PostgREST's own."""
    return error.sqlstate if isinstance(error, DatabaseError) else error.postgrest_code


def _haskell_json(value: Details | None) -> str:
    match value:
        case None:
            return "null"
        case str():
            return f'"{_short(value).translate(_ESCAPES)}"'
        case listed:
            members = (",".join(f'"{name}":{_haskell_json(each[name])}' for name in sorted(each)) for each in listed)
            return "[" + ",".join(f"{{{member}}}" for member in members) + "]"


def _listed(error: PellucidError) -> str | None:
    """The bad fields in one line, unless PostgreSQL found them: its details are given as it gave them."""
    if isinstance(error, DatabaseError):
        return None
    lines = [f"{fault.field}: {fault.message}" if fault.field else fault.message for fault in error.faults]
    return "; ".join(lines) or None


# -- headers --------------------------------------------------------------------------------------------------------

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
_FRAMING = frozenset({"content-length", "content-type", "transfer-encoding", "connection", "trailer", "upgrade"})


def _add_headers(headers: MutableHeaders, error: PellucidError, audience: Audience, status: int) -> None:
    for name, value in error.headers.items():
        if _fits(name, value):
            headers[name] = value
    if audience.style is ErrorStyle.POSTGREST:
        headers["Proxy-Status"] = f"PostgREST; error={_ascii(postgrest_code(error))}"
    else:
        if audience.style is ErrorStyle.AUTH:
            headers.update(auth_errors.headers(error, audience.auth_version))
        headers.setdefault("Cache-Control", "no-store")
    if status == 401:
        headers.setdefault("WWW-Authenticate", _challenge(error, audience))
    if status == 503:
        headers.setdefault("Retry-After", RETRY_AFTER)


def _fits(name: str, value: str) -> bool:
    """Whether this can be a header of an error (RFC 9110, 5).

    Functions in the database choose some of them: none may split the response or change its frame.
    """
    return _NAME.fullmatch(name) is not None and _VALUE.fullmatch(value) is not None and name.lower() not in _FRAMING


def _challenge(error: PellucidError, audience: Audience) -> str:
    """The challenge of RFC 6750, 3: it names an error only to those who presented a token."""
    if isinstance(error, DatabaseError) or not audience.presented:
        return "Bearer"
    quoted = _ascii(error.message).replace("\\", "\\\\").replace('"', '\\"')
    return f'Bearer error="invalid_token", error_description="{quoted}"'


def _ascii(text: str) -> str:
    """Fit for a header: printable ASCII, everything else as a question mark."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)
