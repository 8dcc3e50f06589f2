"""Which names this server answers to (RFC 9110, 7.4)."""

from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from pellucid.errors import UnknownHost

ANY = ("*",)
LOCAL = ("localhost", "*.localhost")
"""Names that no DNS server can point elsewhere (RFC 6761, 6.3)."""


class HostGuard:
    """Refuses requests for hosts that are not on the list.

    A page under a name that its owner points at this machine (DNS rebinding) would count as the same origin to a browser; its
    requests still carry that name, and are refused here. Plain addresses cannot be rebound: ``addresses`` lets all of them pass.
    """

    def __init__(self, app: ASGIApp, *, allowed: tuple[str, ...], addresses: bool) -> None:
        self.app = app
        self.allowed = tuple(name.lower() for name in allowed)
        self.addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] in ("http", "websocket") and "*" not in self.allowed:
            self._check(scope)
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            raise UnknownHost("The request has no Host header, or more than one.", hint="Send exactly one.")
        name = host_name(hosts[0])
        if not any(matches(name, pattern) for pattern in self.allowed) and not (self.addresses and is_address(name)):
            raise UnknownHost(f"This server does not answer for {name[:100]}.")


def host_name(host: str) -> str:
    """The name in a Host header, in lower case, without port, brackets and final dot."""
    name = host.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def matches(name: str, pattern: str) -> bool:
    """Whether a name is the pattern, or lies below it where that begins with ``*.``."""
    return name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def is_address(name: str) -> bool:
    """Whether this is an IP address and not a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
