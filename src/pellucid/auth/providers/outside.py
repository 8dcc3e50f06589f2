"""The one way out to other hosts: few of them, no redirects, little patience, small answers (OWASP, SSRF Prevention).

A host that somebody configured may stand anywhere, as an OpenID provider in one's own network does. A host that only a document names
must have a public address. Each name is looked up once and the connection goes to that very address, so that a second answer of the
name server changes nothing.
"""

import asyncio
import json
import socket
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from pellucid.errors import ProviderFailed
from pellucid.later import later
from pellucid.lifecycle import Lifecycle

if TYPE_CHECKING:
    import httpx
else:
    httpx = later("httpx")

SECONDS = 10.0
LARGEST = 1 << 20
"""Bytes of an answer."""
_PORTS = {"https": 443, "http": 80}

_UNICAST = ip_network("2000::/3")
"""All that is given out of IPv6 to hosts of the world. What stands for an IPv4 address outside of it (IPv4-mapped, NAT64, IPv4-compatible)
leads to wherever a translator likes, and so do these within it."""
_CARRIERS = tuple(ip_network(each) for each in ("2002::/16", "2001::/23", "192.88.99.0/24"))
"""6to4 (RFC 3056), Teredo and its kind (RFC 6890), and the relays of 6to4 (RFC 7526)."""


class Outside(Lifecycle):
    """Asks others."""

    def __init__(self) -> None:
        super().__init__()
        self._client: httpx.AsyncClient | None = None

    async def ask(
        self,
        url: str,
        home: Collection[str],
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Get a document, or send a form.

        Args:
            url: where.
            home: the origins that were configured, such as ``https://id.example.com``. They alone may be without TLS or in a private
                network.
            form: the fields; None to get.
            headers: to send along.

        Returns:
            The status, and the JSON of the answer; None where there is none.

        Raises:
            ProviderFailed: it cannot be reached, or must not be.
        """
        try:
            target = httpx.URL(url)
            pinned, extensions = await _pinned(target, home)
            request = self._open().build_request(
                "GET" if form is None else "POST",
                pinned,
                data=form,
                headers={"Accept": "application/json", **(headers or {}), "Host": target.netloc.decode("ascii")},
                extensions=extensions,
            )
            async with asyncio.timeout(SECONDS):
                return await self._answer(request)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, UnicodeError) as fault:
            raise ProviderFailed("The provider cannot be reached.") from fault

    async def _answer(self, request: "httpx.Request") -> tuple[int, Any]:
        response = await self._open().send(request, stream=True)
        try:
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > LARGEST:
                    raise ProviderFailed("The provider's answer is too large.")
        finally:
            await response.aclose()
        try:
            return response.status_code, json.loads(bytes(content))
        except (ValueError, RecursionError):
            return response.status_code, None

    def _open(self) -> "httpx.AsyncClient":
        """The client; made when it is needed first, for reading all certificates takes a while."""
        if self._client is None:
            self._client = httpx.AsyncClient(
                follow_redirects=False, trust_env=False, timeout=SECONDS, headers={"User-Agent": "pellucid"}
            )
        return self._client

    async def _stop(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def origin(url: str) -> str:
    """The scheme, host and port of a URL, as `Outside.ask` wants them."""
    parts = httpx.URL(url)
    return f"{parts.scheme}://{parts.netloc.decode('ascii')}"


def is_public(address: str) -> bool:
    """Whether an IP address is that of one host which the whole world reaches, and no other address in disguise."""
    found = ip_address(address)
    if not (isinstance(found, IPv4Address) or found in _UNICAST):
        return False
    return found.is_global and not found.is_multicast and not any(found in carrier for carrier in _CARRIERS)


async def _pinned(url: "httpx.URL", home: Collection[str]) -> "tuple[httpx.URL, dict[str, Any]]":
    """The same URL with the address in the place of the name, which the certificate is checked against all the same."""
    at_home = origin(str(url)) in home
    if url.userinfo or not url.host or (url.scheme != "https" and not (at_home and url.scheme == "http")):
        raise ProviderFailed("The provider names an address that must not be asked.")
    port = url.port or _PORTS[url.scheme]
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not (at_home or all(is_public(each) for each in addresses)):
        raise ProviderFailed("The provider names an address that must not be asked.")
    return url.copy_with(host=addresses[0]), {"sni_hostname": url.host}
