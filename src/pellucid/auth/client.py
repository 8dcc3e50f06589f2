"""Where a request comes from, as far as sessions, limits and the audit log want to know."""

from ipaddress import IPv6Address, ip_address

from msgspec import Struct
from starlette.requests import Request

LONGEST_AGENT = 300
NETWORK_BITS = 64
"""What one household or server is given of IPv6 (RFC 6177): one address there is no limit at all."""


class Client(Struct, frozen=True):
    """The address, as the server tells it (proxies that are listed are believed, no others), and the ``User-Agent``.

    Both are None where nobody asked over HTTP, as with a command.
    """

    address: str | None = None
    agent: str | None = None

    @property
    def network(self) -> str | None:
        """What limits count by: an IPv4 address, or the /64 of an IPv6 address."""
        if self.address is None:
            return None
        try:
            address = ip_address(self.address)
        except ValueError:
            return self.address
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped is not None:
                return str(address.ipv4_mapped)
            return f"{IPv6Address(int(address) >> NETWORK_BITS << NETWORK_BITS)}/{NETWORK_BITS}"
        return str(address)


NOBODY = Client()


def client_of(request: Request) -> Client:
    """The client of a request."""
    agent = request.headers.get("user-agent")
    return Client(request.client.host if request.client else None, _plain(agent) if agent else None)


def _plain(agent: str) -> str:
    """What may be stored and shown: printable, and not endless."""
    return "".join(letter for letter in agent[:LONGEST_AGENT] if letter.isprintable())
