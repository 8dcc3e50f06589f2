"""The listening sockets: bound before anything slow, so that a port in use is known at once."""

import errno
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from pellucid.errors import StartupError

_PATIENCE = 1.0
"""Seconds for the workers of a killed supervisor to let go of the port."""

_PAUSE = 0.05


@contextmanager
def listen(host: str, port: int, *, backlog: int) -> Iterator[tuple[socket.socket, ...]]:
    """Listen on every address that ``host`` means (``localhost`` has two); port 0 lets the system choose one for all.

    The sockets listen at once: clients that come while the server still starts wait instead of being refused.

    Raises:
        StartupError: the port is taken or reserved, or the host is none of this machine's.
    """
    with ExitStack() as stack:
        sockets: list[socket.socket] = []
        for family, address in _resolve(host, port):
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(stack.enter_context(_bind(family, address, chosen, backlog)))
        yield tuple(sockets)


def close(sockets: Sequence[socket.socket]) -> None:
    """Refuse new connections from now on."""
    for listener in sockets:
        listener.close()


def _resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as fault:
        raise StartupError(
            f"the host {host!r} cannot be resolved", hint="use an address of this machine, such as --host 127.0.0.1"
        ) from fault
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _bind(family: socket.AddressFamily, address: str, port: int, backlog: int) -> socket.socket:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return _try(family, address, port, backlog)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise _explain(fault, address, port) from fault
            time.sleep(_PAUSE)


def _try(family: socket.AddressFamily, address: str, port: int, backlog: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(backlog)
    except BaseException:
        listener.close()
        raise
    return listener


def _explain(fault: OSError, address: str, port: int) -> StartupError:
    match fault.errno:
        case errno.EADDRINUSE:
            return StartupError(
                f"port {port} is in use on {address}",
                hint=f"stop the program that listens there, or choose another: --port {_next(port)}",
            )
        case errno.EACCES | errno.EPERM:
            return StartupError(
                f"port {port} may not be opened by this user",
                hint="choose one from 1024 up, such as --port 8000, and let a proxy serve the reserved one",
            )
        case errno.EADDRNOTAVAIL:
            return StartupError(
                f"{address} is not an address of this machine",
                hint="use --host 127.0.0.1, or --host 0.0.0.0 for every address",
            )
        case _:
            return StartupError(
                f"{address} port {port} cannot be opened: {fault.strerror}", hint="choose another with --host or --port"
            )


def _next(port: int) -> int:
    return port + 1 if port < 65_535 else 8000
