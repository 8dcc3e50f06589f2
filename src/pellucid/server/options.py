"""What can be chosen about the processes and the sockets."""

from pathlib import Path

from msgspec import Struct, field


class Limits(Struct, frozen=True):
    """How long and how large a client may be before the server hangs up. Seconds and bytes.

    They guard what lies below the application, which sees a request only when its head is whole.

    Attributes:
        head_bytes: request line and headers together; more is answered with 431 (RFC 6585).
        head_seconds: from the first byte (or the connection) to the end of the headers; later is answered with 408 (RFC 9110).
        body_bytes, body_seconds: this many bytes of the body must come in every span of this many seconds; 240 bytes a
            second lets the slowest telephone pass and ends a trickle.
        stall_seconds: how long a client may leave its response unread before the connection is cut.
        linger_seconds: how long the rest of a body is swallowed once its request has been answered.
        keep_alive_seconds: how long an idle connection stays open. Longer than the 60 seconds of common proxies, so that the
            proxy hangs up first and never writes into a connection that has just been closed.
        drain_seconds: when stopping, how long an idle connection may still bring the request that is on its way.
    """

    head_bytes: int = 65_536
    head_seconds: float = 10.0
    body_bytes: int = 2_400
    body_seconds: float = 10.0
    stall_seconds: float = 60.0
    linger_seconds: float = 5.0
    keep_alive_seconds: float = 75.0
    drain_seconds: float = 0.25


class ServerOptions(Struct, frozen=True):
    """How the workers are run.

    Attributes:
        workers: processes that answer requests, all on the same sockets.
        limits: what a client may do to a connection.
        start_seconds: how long a worker may take until it is ready.
        shutdown_seconds: how long requests under way may take once the server is told to stop.
        backlog: connections that may wait to be accepted.
        proxies: addresses whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed; nobody's by default.
        watch: directories whose Python files renew the workers when they change; none turns that off.
        interactive: a terminal is attached, so its hanging up (SIGHUP) means stop; otherwise SIGHUP renews the workers.
    """

    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    start_seconds: float = 60.0
    shutdown_seconds: int = 30
    backlog: int = 1024
    proxies: tuple[str, ...] = ()
    watch: tuple[Path, ...] = ()
    interactive: bool = False
