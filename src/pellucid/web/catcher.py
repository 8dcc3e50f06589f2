"""Catches every error on its way out, and has it turned into a response while there is still time for one."""

import inspect
import logging

from fastapi.exceptions import RequestValidationError, ResponseValidationError
from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pellucid.errors import DatabaseError, Interrupted, PellucidError
from pellucid.web.exchange import exchange_of
from pellucid.web.foreign import from_http, from_validation
from pellucid.web.problem import audience_of, render
from pellucid.web.style import style_of

_log = logging.getLogger("pellucid.web")


class Problems:
    """Knows how this application speaks of errors: by path, and by mode."""

    def __init__(self, postgrest_prefixes: tuple[str, ...], *, production: bool, verbose: bool = True) -> None:
        self.postgrest_prefixes = postgrest_prefixes
        self.production = production
        self.verbose = verbose

    def response(self, fault: Exception, scope: Scope) -> Response:
        """The response to whatever was raised; unexpected things are logged with their stack.

        Raises:
            ClientDisconnect: nobody is there to be answered.
        """
        error = self._translate(fault, scope)
        self._log(error, fault, scope)
        audience = audience_of(scope, self.postgrest_prefixes, production=self.production)
        return render(error, replace(audience, verbose=self.verbose))

    async def handle(self, request: Request, fault: Exception) -> Response:
        """The same, as FastAPI's exception handlers are called."""
        return self.response(fault, request.scope)

    def _translate(self, fault: Exception, scope: Scope) -> PellucidError:
        match fault:
            case PellucidError():
                return fault
            case HTTPException():
                return from_http(fault, scope, style_of(scope, self.postgrest_prefixes))
            case RequestValidationError():
                return from_validation(fault)
            case _:
                return self._unexpected(fault, scope)

    def _unexpected(self, fault: Exception, scope: Scope) -> PellucidError:
        if self.production:
            return PellucidError("Something went wrong inside the server.")
        return PellucidError(
            f"{type(fault).__name__} was raised while {scope['method']} {scope['path']} was answered.",
            hint="The server's log has the stack; look for the request id.",
        )

    def _log(self, error: PellucidError, fault: Exception, scope: Scope) -> None:
        if exchange := exchange_of(scope):
            exchange.facts["error"] = error.code
        if isinstance(fault, ResponseValidationError):
            _log.error("the answer does not fit its model: %s", _places(fault))
        elif error is not fault and error.status == 500 and type(error) is PellucidError:
            _log.error("unexpected error", exc_info=fault)
        elif isinstance(error, DatabaseError) and error.status >= 500 and not isinstance(error, Interrupted):
            _log.error("the database refused: %s (%s)", error.message, error.sqlstate, exc_info=fault)
        elif error.status >= 500:
            _log.warning("%s: %s", error.title, error.message)


class Catcher:
    """The layer around the application that lets no exception through, as long as a response is still possible.

    Once bytes have left, the status cannot be taken back: the error is logged and raised again, so that the server cuts the
    connection and the client sees that the answer is not whole. After the last byte there is nothing left to save.
    """

    def __init__(self, app: ASGIApp, *, problems: Problems) -> None:
        self.app = app
        self.problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        progress = _Progress(send)
        try:
            await self.app(scope, receive, progress)
        except ClientDisconnect:
            return
        except Exception as fault:  # noqa: BLE001 - every error is answered here
            if progress.started:
                _too_late(fault, progress)
                return
            response = await self._response(fault, Request(scope, receive))
            await response(scope, receive, send)

    async def _response(self, fault: Exception, request: Request) -> Response:
        """The user's own handler for all exceptions goes first, as in any FastAPI application."""
        handlers = request.app.exception_handlers if "app" in request.scope else {}
        handler = handlers.get(Exception) or handlers.get(500)
        if handler is None or isinstance(fault, PellucidError | HTTPException | RequestValidationError):
            return self.problems.response(fault, request.scope)
        _log.error("unexpected error", exc_info=fault)
        made = handler(request, fault)
        if inspect.isawaitable(made):
            made = await made
        return made if isinstance(made, Response) else self.problems.response(fault, request.scope)


class _Progress:
    """Learns from what is sent how far the response has got."""

    __slots__ = ("finished", "send", "started")

    def __init__(self, send: Send) -> None:
        self.send = send
        self.started = False
        self.finished = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
        await self.send(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            self.finished = True


def _too_late(fault: Exception, progress: _Progress) -> None:
    if progress.finished:
        _log.error("an error after the answer was complete", exc_info=fault)
        return
    _log.error("the answer broke off", exc_info=fault)
    mark_logged(fault)
    raise fault


def mark_logged(fault: BaseException) -> None:
    """Note on an exception that its stack is in the log already, so that the server need not write it again."""
    fault.__dict__["pellucid_logged"] = True


def was_logged(fault: BaseException) -> bool:
    """Whether `mark_logged` was called for this exception."""
    return bool(fault.__dict__.get("pellucid_logged"))


def _places(fault: ResponseValidationError) -> str:
    """Where the answer does not fit, without the values: those may be secrets."""
    return "; ".join(f"{'.'.join(map(str, finding['loc']))}: {finding['type']}" for finding in fault.errors())
