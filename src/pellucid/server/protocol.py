"""HTTP/1.1 on one connection: uvicorn's protocol with the deadlines and sizes that it leaves out.

Everything here happens below the application. What it refuses, it refuses with a small problem document (RFC 9457) and hangs up.
"""

import asyncio
import json
from collections.abc import Callable
from enum import Enum
from http import HTTPStatus
from time import perf_counter
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pellucid.errors import BodyTooSlow, HeadersTooLarge
from pellucid.server.arrival import ARRIVAL
from pellucid.server.familiar import Familiar, Message
from pellucid.server.options import Limits
from pellucid.server.reply import Reply, ShortWay


class Phase(Enum):
    """What the client is sending."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class GuardedProtocol(HttpToolsProtocol):
    """One connection, which the client cannot hold for nothing.

    One clock for what the client still has to send, and one for a response that it leaves unread. A request that arrives in one
    piece, as nearly all do, starts neither.
    """

    limits: ClassVar[Limits] = Limits()
    familiar: ClassVar[Familiar] = Familiar()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._phase = Phase.NOTHING
        self._bytes = 0
        self._framing = 0
        self._draining = False
        self._short_way: ShortWay | None = getattr(self.app, "short_way", None)
        self._offered: RequestResponseCycle | None = None
        self._served = 0
        self._taken = 0
        self._idle_since = 0.0

    # -- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a head."""
        super().connection_made(transport)  # type: ignore[arg-type] # declared narrower than what an event loop may give
        self._start_clock(self.limits.head_seconds, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_clock()
        self._stop_stall()
        self._stop_rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, then see what is still missing."""
        if self.transport.is_closing():
            return
        rested = self._rests
        if rested and len(data) <= self.limits.head_bytes and (message := self.familiar.read(data)):
            self._serve(message)
            return
        self._taken = 0
        self._parse(data)
        if rested and self._taken == 1 and self._phase is Phase.NOTHING:
            self.familiar.learn(data, self.headers)

    @property
    def _rests(self) -> bool:
        """Whether nothing is under way, in either direction, and an application that has a short way is ready for the next request."""
        return (
            self._short_way is not None
            and self._phase is Phase.NOTHING
            and not (self._answering or self._draining or self.flow.write_paused)
            and self.limit_concurrency is None
        )

    def _parse(self, data: bytes) -> None:
        if self._phase is not Phase.NOTHING:
            self._bytes += len(data)
        self._framing += len(data) if self._phase is Phase.BODY else 0
        super().data_received(data)
        if self._offered is not None:
            self._start_usual(self._offered)
        if not self.transport.is_closing() and self.transport.get_protocol() is self:
            self._expect_more()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over; its clocks stay behind."""
        self._stop_clock()
        self._stop_rest()
        super().handle_websocket_upgrade()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_more(self) -> None:
        if self._phase is Phase.HEAD and self._bytes > self.limits.head_bytes:
            self._refuse_head()
        elif self._phase is Phase.BODY and self._framing > self.limits.head_bytes:
            detail = f"More than {self.limits.head_bytes} bytes came that are no part of the body."
            self._refuse(
                431,
                "framing-too-large",
                detail,
                hint="Send the body in larger chunks, without extensions and trailers.",
            )
        elif self._clock is not None:
            return
        elif self._phase is Phase.BODY:
            self._start_clock(self.limits.body_seconds, self._weigh_body)
        elif self._phase is Phase.HEAD or not self._answering:
            self._start_clock(self.limits.head_seconds, self._head_is_late)

    # -- what the client sends ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._enter(Phase.HEAD)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header. A field behind the body is none: a proxy has not looked at it, and nobody has counted it (RFC 9110, 6.5.1)."""
        if self._phase is Phase.HEAD:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the request starts, though its body may still be coming."""
        self._enter(Phase.BODY)
        if self._head_size() > self.limits.head_bytes:
            self._refuse_head()
            return
        if ambiguity := self._ambiguity():
            self.send_400_response(ambiguity)
            return
        super().on_headers_complete()
        if self._draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A piece of the body came."""
        self._framing = 0
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._enter(Phase.NOTHING)
        if not self.transport.is_closing():
            super().on_message_complete()
        if self._offered is not None:
            self._offer(self._offered)

    # -- who serves it ------------------------------------------------------------------------------------------------

    def _serve(self, message: Message) -> None:
        """Serve a request that was read without the parser, as `on_message_begin` and those after it do."""
        self._stop_clock()
        path = self.root_path.encode() + message.path
        scope: Any = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": "1.1",
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "method": message.method,
            "root_path": self.root_path,
            "path": path.decode(),
            "raw_path": path,
            "query_string": message.query,
            "headers": message.fields,
            "state": self.app_state.copy(),
        }
        here = asyncio.Event()
        here.set()
        self.cycle = cycle = RequestResponseCycle(
            scope, self.transport, self.flow, self.logger, self.access_logger, self.access_log, self.server_state.default_headers, here,
            expect_100_continue=False, keep_alive=True, on_response=self.on_response_complete,
        )  # fmt: skip
        cycle.body += message.body
        cycle.more_body = False
        self._served += 1
        self._offer(cycle)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Offer the request to the application's short way as soon as all of it is here, which is nearly always at once."""
        self._served += 1
        if self._short_way is None or app is not self.app or cycle.waiting_for_100_continue or self.flow.write_paused:
            self._stamp(cycle)
            super()._start_asgi_task(cycle, app)
        elif cycle.more_body:
            self._offered = cycle
        else:
            self._offer(cycle)

    def _offer(self, cycle: RequestResponseCycle) -> None:
        self._offered = None
        assert self._short_way is not None  # noqa: S101 - nothing is offered otherwise
        if self._short_way(cycle.scope, bytes(cycle.body), Reply(cycle, self._start_usual)):  # type: ignore[arg-type]
            self._taken += 1
        else:
            self._start_usual(cycle)

    def _start_usual(self, cycle: RequestResponseCycle) -> None:
        self._offered = None
        self._stamp(cycle)
        super()._start_asgi_task(cycle, self.app)

    def _stamp(self, cycle: RequestResponseCycle) -> None:
        """Note that the request now waits for nothing but its turn."""
        cycle.scope[ARRIVAL] = (perf_counter(), self._served, self.client)  # type: ignore[literal-required] # beside ASGI's names

    def _enter(self, phase: Phase) -> None:
        self._stop_clock()
        self._phase = phase
        self._bytes = self._framing = 0

    def _head_size(self) -> int:
        return len(self.url) + sum([len(name) + len(value) + 4 for name, value in self.headers])

    def _ambiguity(self) -> str | None:
        """What another reader of the same bytes could take otherwise, beyond what the parser refuses (RFC 9112, 3.2 and 6.1)."""
        names = [name for name, _ in self.headers]
        hosts, modern = names.count(b"host"), self.parser.get_http_version() == "1.1"
        if hosts > 1 or (modern and hosts == 0):
            return "A request has exactly one Host header."
        if not modern and b"transfer-encoding" in names:
            return "Transfer-Encoding came with HTTP/1.1."
        return None

    def _weigh_body(self) -> None:
        """End a trickle; a client that the application itself keeps waiting is not at fault."""
        waiting = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if not waiting and self._bytes < self.limits.body_bytes:
            detail = f"The body came slower than {self._body_rate()}."
            self._refuse(BodyTooSlow.status, BodyTooSlow.code, detail, hint=BodyTooSlow.way_out)
            return
        self._bytes = 0
        self._start_clock(self.limits.body_seconds, self._weigh_body)

    def _body_rate(self) -> str:
        return f"{self.limits.body_bytes} bytes in {self.limits.body_seconds:g} seconds"

    # -- what the client is sent --------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The client is slow to read: from here on, it has a limited time to catch up."""
        super().pause_writing()
        self._stop_stall()
        self._stall = self.loop.call_later(self.limits.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        super().resume_writing()
        self._stop_stall()

    def on_response_complete(self) -> None:
        """Where the answer came before the end of the body, swallow the rest for a while.

        Hanging up at once would make the client's system throw the answer away (RFC 9112, section 9.6).
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._rest()
        if self._phase is Phase.BODY:
            self._start_clock(self.limits.linger_seconds, self.transport.close)

    def _rest(self) -> None:
        """Wait for the next request. The timer looks for itself whether one came meanwhile, which costs less than a timer for each."""
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(
                self.limits.keep_alive_seconds, self.timeout_keep_alive_handler
            )

    def timeout_keep_alive_handler(self) -> None:
        """Hang up if nothing has come since the last answer for as long as that may be."""
        self.timeout_keep_alive_task = None
        if self._answering or self._phase is not Phase.NOTHING or self.transport.is_closing():
            return
        left = self._idle_since + self.limits.keep_alive_seconds - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            self.transport.close()

    def _stop_rest(self) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None

    def _unset_keepalive_if_required(self) -> None:
        """Leave the timer alone: see `_rest`."""

    # -- stopping -----------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """Finish what is under way; a request that is on its way is still answered."""
        self._draining = True
        if self._answering:
            super().shutdown()
        else:
            self.loop.call_later(self.limits.drain_seconds, self._close_when_idle)

    def _close_when_idle(self) -> None:
        if not self._answering:
            self.transport.close()

    # -- refusals -----------------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP/1.1 (RFC 9112)."""
        self._refuse(400, "malformed-http", msg, hint="Check the method, the address and the headers (RFC 9112).")

    def _refuse_head(self) -> None:
        detail = f"The request line and headers exceed {self.limits.head_bytes} bytes."
        self._refuse(HeadersTooLarge.status, HeadersTooLarge.code, detail, hint=HeadersTooLarge.way_out)

    def _head_is_late(self) -> None:
        if self._phase is Phase.NOTHING:  # a browser's spare connection: nobody waits for an answer
            self.transport.close()
            return
        detail = f"No complete headers came within {self.limits.head_seconds:g} seconds."
        self._refuse(408, "head-too-slow", detail, hint="Send the request at once, or over a better connection.")

    def _refuse(self, status: int, code: str, detail: str, *, hint: str) -> None:
        """Answer and hang up; where a response has begun already, only hang up, for nothing may be written into it."""
        self._stop_clock()
        begun = self._answering and (self.cycle.response_started or bool(self.pipeline))
        if not begun:
            self.transport.write(_problem(HTTPStatus(status), code, detail, hint))
        self.transport.close()

    # -- the clocks ---------------------------------------------------------------------------------------------------

    def _start_clock(self, seconds: float, late: Callable[[], None]) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(seconds, late)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


def guarded(limits: Limits) -> type[GuardedProtocol]:
    """The protocol with these limits."""
    return type("GuardedProtocol", (GuardedProtocol,), {"limits": limits, "familiar": Familiar()})


def _problem(status: HTTPStatus, code: str, detail: str, hint: str) -> bytes:
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
        "hint": hint,
    }
    body = json.dumps(problem, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
