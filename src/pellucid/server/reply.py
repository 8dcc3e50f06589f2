"""Answers without a coroutine: a request is offered to the application's short way before a task is made for it.

A task, its context and four nested coroutines cost a request more than many an answer does. An application that knows at once what is to
be done may take a request as it stands, and answers it later by a `Reply`, in one piece. All others are served as ASGI has it.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle


class Reply:
    """How a request that was taken is answered: by exactly one call of `whole` or `usual`."""

    __slots__ = ("_cycle", "_start")

    def __init__(self, cycle: RequestResponseCycle, start: Callable[[RequestResponseCycle], None]) -> None:
        """Answer a request.

        Args:
            cycle: the request.
            start: serves it as ASGI has it.
        """
        self._cycle = cycle
        self._start = start

    @property
    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._cycle.disconnected

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """Answer in one write, and look at nothing of it again. A client that has gone is not told.

        Args:
            status: of the answer.
            lines: the fields of the head as they go over the wire (RFC 9112, 5), ``content-length`` among them unless there can be no body.
            body: the body; empty where there is none.
        """
        cycle = self._cycle
        if cycle.disconnected:
            return
        cycle.response_started = True
        cycle.waiting_for_100_continue = False
        close = b"" if cycle.keep_alive else b"connection: close\r\n"
        cycle.transport.write(
            b"".join((STATUS_LINE[status], _written(cycle.default_headers), lines, close, b"\r\n", body))
        )
        cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()

    def usual(self) -> None:
        """Have it served as ASGI has it: nothing has been done."""
        self._start(self._cycle)


_Fields = list[tuple[bytes, bytes]]
_last: tuple[_Fields, bytes] = ([], b"")
"""The fields that all answers have, and how they are written. The server makes them anew each second, for the date is among them."""


def _written(fields: _Fields) -> bytes:
    global _last  # noqa: PLW0603 - one for all connections
    if _last[0] is not fields:
        _last = (fields, b"".join([b"%b: %b\r\n" % field for field in fields]))
    return _last[1]


ShortWay = Callable[[MutableMapping[str, Any], bytes, Reply], bool]
"""Takes a request (its ASGI scope, its body and the reply), or returns False at once."""
