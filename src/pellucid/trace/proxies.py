"""What a proxy in front says of its part, and whether it is to be believed."""

import re
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from pellucid.observe import Fact

_START = re.compile(r"(?:t\s*=\s*)?(\d{9,19})(?:\.(\d{1,9}))?")
_LONGEST = 3600.0
"""Seconds. Whoever says more has another idea of the time."""
_DIGITS = {10: 1.0, 13: 1e3, 16: 1e6, 19: 1e9}
"""A time since 1970 is in seconds, milliseconds, microseconds or nanoseconds; of now, that can be told by its digits."""
_NAMES = ((b"x-proxy", "proxy"), (b"via", "proxy"), (b"x-forwarded-server", "machine"))
UNTIMED = "not told, for it sends no X-Request-Start"
_SHORT = re.compile(r"[\w.,:/() \-]{1,100}")


class Believed:
    """The proxies whose headers are believed: addresses, networks, or ``*`` for all."""

    def __init__(self, proxies: Iterable[str]) -> None:
        self.proxies = tuple(proxies)

    @cached_property
    def _networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        found = []
        for text in self.proxies:
            try:
                found.append(ip_network(text, strict=False))
            except ValueError:  # a name or a socket: nothing that an address could be in
                continue
        return tuple(found)

    def __contains__(self, peer: object) -> bool:
        """Whether what comes from an address is believed."""
        if "*" in self.proxies:
            return True
        try:
            address = ip_address(str(peer))
        except ValueError:
            return str(peer) in self.proxies
        return any(address in network for network in self._networks)


def facts_of(headers: Mapping[bytes, bytes]) -> tuple[float | None, dict[str, Fact]]:
    """When the proxy began with a request, in seconds since 1970 if it says so, and what else it says of itself."""
    facts: dict[str, Fact] = {}
    for name, fact in _NAMES:
        said = headers.get(name, b"").decode("latin-1").strip()
        if said and _SHORT.fullmatch(said):
            facts.setdefault(fact, said)
    for name, fact in ((b"x-forwarded-proto", "scheme"), (b"x-forwarded-for", "hops")):
        if name in headers:
            said = headers[name].decode("latin-1")
            facts[fact] = said.count(",") + 1 if fact == "hops" else said[:10]
    return started(headers.get(b"x-request-start") or headers.get(b"x-queue-start")), facts


def started(header: bytes | None) -> float | None:
    """The time in ``X-Request-Start``, in seconds since 1970: ``t=1700000000.123`` (nginx), or milli-, micro- or nanoseconds.

    None where it cannot be read, lies in the future, or long ago.
    """
    match = _START.fullmatch((header or b"").decode("latin-1").strip())
    if match is None or len(match[1]) not in _DIGITS:
        return None
    at = float(f"{match[1]}.{match[2] or 0}") / _DIGITS[len(match[1])]
    return at if 0.0 <= time.time() - at <= _LONGEST else None
