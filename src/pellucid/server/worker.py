"""A worker: one process that answers requests on the inherited sockets until it is told to stop or its supervisor is gone."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop
from uvicorn.lifespan.on import LifespanOn

from pellucid.later import later
from pellucid.server.channel import Teller
from pellucid.server.faults import does_not_start
from pellucid.server.options import ServerOptions
from pellucid.server.protocol import guarded

if TYPE_CHECKING:
    from uvicorn.protocols.websockets import auto
else:
    auto = later("uvicorn.protocols.websockets.auto")

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""An ASGI 3 application."""

_logger = logging.getLogger("pellucid.server")
_SILENT = logging.Logger("pellucid.server.lifespan", logging.CRITICAL + 1)
_COLLECT = (10_000, 20, 50)
"""How many new objects, and then collections of the younger ones, bring on a collection (Python's own: 700, 10, 10)."""
_ORPHAN_SECONDS = 3
"""How long the requests under way may take once the supervisor is gone: another may be starting already."""

Build = Callable[[], Application]
"""Makes the application, inside the worker; a `StartupError` says why it cannot."""


def work(
    build: Build, listeners: Sequence[socket.socket], options: ServerOptions, *, teller: Teller, lifeline: int
) -> int:
    """Build the application and serve it.

    Args:
        teller: where to say that it is ready, or why it is not.
        lifeline: a pipe that reaches its end when the supervisor dies.

    Returns:
        the exit status of the process.
    """
    _allow_many_connections()
    Thread(target=_end_a_blocked_orphan, args=(lifeline,), daemon=True).start()
    try:
        server = _Server(_config(build(), options), teller)
        _collect_less()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(server, listeners, lifeline))
    except BaseException as fault:  # noqa: BLE001 - a user's module may raise anything; the supervisor decides
        teller.failed(does_not_start("the application does not start", fault))
        return 1
    return 0


def _allow_many_connections() -> None:
    """Each connection takes a file descriptor, and the usual limit is 1024 for no reason that matters here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _collect_less() -> None:
    """Take what is there now out of the collector's sight, for it stays; and look at new things less often, for most have no cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


def _end_a_blocked_orphan(lifeline: int) -> None:
    """The event loop notices the supervisor's death by itself, unless somebody's code blocks it."""
    end = select.poll()  # no read: the event loop makes the pipe non-blocking
    end.register(lifeline, select.POLLIN)
    end.poll()
    time.sleep(2 * _ORPHAN_SECONDS)
    os._exit(1)


def _config(application: Application, options: ServerOptions) -> uvicorn.Config:
    config = uvicorn.Config(
        application,
        http=guarded(options.limits),
        ws=_websocket if any(map(find_spec, ("websockets", "wsproto"))) else "none",  # type: ignore[arg-type] # a class for uvicorn
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(options.proxies),
        forwarded_allow_ips=list(options.proxies),
        backlog=options.backlog,
        timeout_graceful_shutdown=options.shutdown_seconds,
        reset_contextvars=True,  # a request never inherits another's context
        workers=1,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # what it says at lower levels, the supervisor says
    config.load()
    config.lifespan_class = _Lifespan
    return config


def _websocket(**options: Any) -> asyncio.Protocol:
    """Make uvicorn's protocol for WebSockets. The library behind it is imported with the first of them, not with every start."""
    assert auto.AutoWebSocketsProtocol is not None  # noqa: S101 - a library is there
    return auto.AutoWebSocketsProtocol(**options)


async def _serve(server: "_Server", listeners: Sequence[socket.socket], lifeline: int) -> None:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    loop.add_reader(lifeline, server.orphaned, lifeline)
    await server.serve(list(listeners))


class _Lifespan(LifespanOn):
    """Keeps the error of a start that failed, instead of logging it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.fault: BaseException | None = None
        self.logger = _SILENT

    async def main(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": self.config.asgi_version, "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self.config.loaded_app(scope, self.receive, self._tell)
        except BaseException as fault:  # noqa: BLE001 - the worker reports whatever it is
            self.fault = fault
            self.error_occurred = True
        finally:
            self.startup_event.set()
            self.shutdown_event.set()

    async def _tell(self, message: Message) -> None:
        """Leave out the traceback that frameworks put in, for `fault` holds the error itself."""
        await self.send({**message, "message": ""} if "message" in message else message)  # type: ignore[arg-type]


class _Server(uvicorn.Server):
    """uvicorn's server under a supervisor: it says when it is ready, and signals are not its own affair."""

    lifespan: _Lifespan

    def __init__(self, config: uvicorn.Config, teller: Teller) -> None:
        super().__init__(config)
        self._teller = teller
        self.servers = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        with contextlib.suppress(SystemExit):
            await super().startup(sockets)
        if self.lifespan.fault is not None:
            raise self.lifespan.fault
        self._teller.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self.lifespan.fault is not None:
            _logger.error("the application did not stop cleanly", exc_info=self.lifespan.fault)

    def stop(self) -> None:
        """Take no more connections from this moment on; the rest follows at the next turn of `main_loop`."""
        for server in self.servers:
            server.close()
        self.should_exit = True

    def orphaned(self, lifeline: int) -> None:
        asyncio.get_running_loop().remove_reader(lifeline)
        _logger.warning("the supervisor is gone: this worker stops")
        self.config.timeout_graceful_shutdown = min(_ORPHAN_SECONDS, self.config.timeout_graceful_shutdown or 0)
        self.stop()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
