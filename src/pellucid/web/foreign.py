"""What FastAPI and Starlette raise, in the words of our own family."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from pellucid.errors import (
    InvalidFields,
    MalformedBody,
    MethodNotAllowed,
    PellucidError,
    UnknownRoute,
    UnsupportedMediaType,
)
from pellucid.web.faults import faults_of
from pellucid.web.style import ErrorStyle, local_path

_UNREADABLE = "There was an error parsing the body"
"""FastAPI's text around whatever breaks while it reads a body."""


class HttpError(PellucidError):
    """A status that somebody's own code chose with ``HTTPException``; it says no more than HTTP does.

    ``answer`` is what they gave as the detail, where it is not plain text.
    """

    code = "http"
    title = "Refused by the application"
    way_out = "Read the detail, change the request accordingly and send it again."

    def __init__(self, chosen: HTTPException) -> None:
        detail: Any = chosen.detail
        phrase = _phrase(chosen.status_code)
        super().__init__(detail if isinstance(detail, str) else phrase, headers=chosen.headers)
        self.status = chosen.status_code
        self.phrase = phrase
        self.answer = None if isinstance(detail, str) else detail


def from_http(fault: HTTPException, scope: Scope, style: ErrorStyle) -> PellucidError:
    """An ``HTTPException`` as one of ours.

    The router's own 404 and 405 become `UnknownRoute` and `MethodNotAllowed`; what FastAPI wrapped while it read a body is unwrapped.

    Raises:
        ClientDisconnect: that was what FastAPI wrapped; nobody is there to be answered.
    """
    match fault.status_code:
        case 400 if fault.detail == _UNREADABLE:
            return _while_reading(fault.__cause__)
        case 400 if isinstance(fault.__context__, MultiPartException):
            return MalformedBody(f"The form cannot be read: {fault.detail}")
        case 404 if scope.get("endpoint") is None:
            return _unknown_route(scope, style)
        case 405:
            return _wrong_method(str(scope["method"]), fault.headers or {}, style)
        case _:
            return HttpError(fault)


def from_validation(fault: RequestValidationError) -> PellucidError:
    """FastAPI's findings about a request as one of ours, all of them at once."""
    findings = fault.errors()
    for finding in findings:
        if finding["type"] == "json_invalid":
            return _not_json(finding)
    if isinstance(fault.body, bytes) and any(tuple(finding["loc"]) == ("body",) for finding in findings):
        return UnsupportedMediaType("This route reads JSON, and the request does not say that its body is JSON.")
    faults = faults_of(findings)
    names = ", ".join(fault.field or "the body" for fault in faults)
    return InvalidFields(f"Not valid: {names}.", faults=faults)


def _while_reading(cause: BaseException | None) -> PellucidError:
    match cause:
        case PellucidError():
            return cause
        case ClientDisconnect():
            raise cause
        case UnicodeDecodeError():
            return MalformedBody("The body is not UTF-8 text.", hint="Encode JSON as UTF-8 (RFC 8259, 8.1).")
        case RecursionError():
            return MalformedBody("The body is nested too deeply.", hint="Send a flatter document.")
        case _:
            return MalformedBody("The body cannot be read.")


def _not_json(finding: dict[str, Any]) -> MalformedBody:
    position = finding["loc"][-1]
    why = str((finding.get("ctx") or {}).get("error", "it cannot be parsed"))
    return MalformedBody(f"The body is not JSON: {why}, at character {position}.")


def _unknown_route(scope: Scope, style: ErrorStyle) -> UnknownRoute:
    if style is ErrorStyle.POSTGREST:
        return UnknownRoute("Invalid path specified in request URL")
    path = local_path(scope)
    return UnknownRoute(f"Nothing is served at {path if len(path) <= 200 else path[:200] + '…'}.")


def _wrong_method(method: str, headers: Mapping[str, str], style: ErrorStyle) -> MethodNotAllowed:
    if style is ErrorStyle.POSTGREST:
        return MethodNotAllowed(f"Unsupported HTTP method: {method}", headers=headers)
    allowed = headers.get("Allow", "").replace(", ", " or ")
    return MethodNotAllowed(
        f"{method} is not possible here.", hint=f"Use {allowed}." if allowed else None, headers=headers
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
