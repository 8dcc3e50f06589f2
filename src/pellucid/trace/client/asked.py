"""What is asked, and which ways may be gone to ask it. Values only."""

from collections.abc import Callable, Mapping, Set
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from pellucid.trace.client.failure import Failed

PORTS = {"http": 80, "https": 443}
Secret = Callable[[str], bool]
"""Whether the name of a header tells of a secret."""
FOLLOWED = frozenset({301, 302, 303, 307, 308})
"""The statuses that send elsewhere (RFC 9110, 15.4)."""
_PERSONAL = frozenset({"authorization", "cookie", "apikey", "proxy-authorization", "host"})
"""Headers that are meant for one origin only, beside those that `Ways` calls secret."""
_OF_THE_BODY = frozenset({"content-type", "content-length", "content-encoding"})


class Version(StrEnum):
    """Which HTTP is wanted."""

    ANY = "any"
    """What the two agree on by ALPN: HTTP/2 before HTTP/1.1."""
    ONE = "http1.1"
    TWO = "http2"
    THREE = "http3"


class Origin(Struct, frozen=True):
    """Where a request goes: scheme, host (without brackets) and port."""

    scheme: str
    host: str
    port: int

    @property
    def secure(self) -> bool:
        """Whether it is behind TLS."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """Host and port as HTTP writes them; the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


class Asked(Struct, frozen=True):
    """One request. Headers are pairs, in the order in which they are sent; ``url`` has no user, password or fragment any more.

    Attributes:
        left: what a redirect to another origin did not take along: names of headers, and ``body``.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    left: tuple[str, ...] = ()

    @property
    def origin(self) -> Origin:
        """Where it goes."""
        parts = urlsplit(self.url)
        return Origin(parts.scheme, parts.hostname or "", parts.port or PORTS[parts.scheme])

    @property
    def target(self) -> str:
        """Path and query."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @property
    def authority(self) -> str:
        """The host as the request names it: another one where a header says so."""
        return next((value for name, value in self.headers if name.lower() == "host"), self.origin.authority)

    def sent_headers(self) -> list[tuple[str, str]]:
        """All but the host: what was given, and the length of the body."""
        given = [(name, value) for name, value in self.headers if name.lower() != "host"]
        if self.body is not None or self.method in {"POST", "PUT", "PATCH"}:
            given.append(("content-length", str(len(self.body or b""))))
        return given

    def followed(self, status: int, location: str, secret: Secret) -> "Asked":
        """The request that a redirect asks for (RFC 9110, 15.4). Secrets and the body stay with their origin."""
        url = plain(urljoin(self.url, location))
        moved = replace(self, url=url)
        if status == 303 or (status in {301, 302} and self.method == "POST"):
            method = "HEAD" if self.method == "HEAD" else "GET"
            moved = replace(moved, method=method, body=None, headers=_without(moved.headers, _OF_THE_BODY))
        return moved if moved.origin == self.origin else _elsewhere(moved, secret)


def _elsewhere(asked: Asked, secret: Secret) -> Asked:
    """The request as another origin may have it, be it the same host without TLS: no secrets, and no body, which may hold some."""
    names = [name.lower() for name, _ in asked.headers]
    personal = {name for name in names if name in _PERSONAL or secret(name)}
    bodily = () if asked.body is None else ("body",)
    headers = _without(asked.headers, personal | _OF_THE_BODY if bodily else personal)
    return replace(asked, headers=headers, body=None, left=(*asked.left, *sorted(personal), *bodily))


def _without(headers: tuple[tuple[str, str], ...], names: Set[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() not in names)


def plain(url: str) -> str:
    """An address without user, password and fragment, fit for a request line.

    Raises:
        Failed: it is not one of ``http://`` or ``https://`` with a host.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise Failed(
                f"{parts.scheme or 'this'} is not asked for here",
                "give an address that begins with http:// or https://",
            )
        port = "" if parts.port is None else f":{parts.port}"
        host = parts.hostname if ":" in parts.hostname else _ascii(parts.hostname)
    except ValueError as fault:
        raise Failed("the address is not one", "write it as http://host:port/path") from fault
    host = f"[{host}]" if ":" in host else host
    return SplitResult(
        parts.scheme, host + port, quote(parts.path or "/", safe=_PLAIN), quote(parts.query, safe=_PLAIN), ""
    ).geturl()


_PLAIN = "/%:@!$&'()*+,;=?-._~[]{}|^`\"\\<>"
"""What is sent as it was written; the rest, such as blanks and letters beyond ASCII, is percent-encoded."""


def _ascii(host: str) -> str:
    """A name in letters that DNS knows (IDNA)."""
    return host if host.isascii() else host.encode("idna").decode()


class Ways(Struct, frozen=True):
    """How to ask.

    Attributes:
        version: which HTTP.
        insecure: go on with a certificate that proves nothing.
        cacert: whom to trust, as a file of certificates (PEM), in place of the system's.
        resolve: addresses for ``(host, port)`` that no one needs to be asked about.
        dns_server: address and port of the server to ask for names, in place of the system's.
        dns_timeout: how many seconds a name server has before it is asked again, or the next one is.
        location: follow redirects, and how many at most in ``most_hops``.
        timeout: seconds for one hop.
        kept: ask again on the connection that is open.
        shown: how an address is shown, without its secrets.
        said: how something that a server said is shown, without its secrets.
        secret: which headers a redirect does not take to another origin.
    """

    version: Version = Version.ANY
    insecure: bool = False
    cacert: Path | None = None
    resolve: Mapping[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    dns_server: tuple[str, int] | None = None
    dns_timeout: float = 2.0
    hosts: Path = Path("/etc/hosts")
    location: bool = False
    most_hops: int = 20
    timeout: float = 60.0
    kept: bool = True
    shown: Callable[[str], str] = str
    said: Callable[[str], str] = str
    secret: Secret = _PERSONAL.__contains__
