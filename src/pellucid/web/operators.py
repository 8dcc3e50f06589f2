"""Who may look behind the scenes: at metrics, at what is missing, at traces."""

from base64 import urlsafe_b64decode
from ipaddress import ip_address

from fastapi import Request
from starlette.types import Scope

from pellucid.errors import Forbidden, PellucidError, Unauthenticated
from pellucid.web.hosts import host_name
from pellucid.web.identity import current_identity
from pellucid.web.resources import resources_of

OPERATOR_ROLE = "service_role"
_PROOFS = (b"authorization", b"apikey")
_PARTS = 3
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


async def is_operator(request: Request) -> bool:
    """Whether the caller runs this server.

    In development everybody does. In production it is whoever asks from this very machine, or shows a token for `OPERATOR_ROLE` and does
    not act in the name of another. A session has this role only when it has proved all that its account can. A proxy on this machine asks
    from here too, on behalf of anybody: what a proxy passed on does not count as from here. Some say nothing of themselves, but speak
    HTTP/1.0, as nginx does unless told otherwise, or pass on the name that their client asked for.
    """
    return not resources_of(request).production or _from_here(request) or await _proves_it(request)


async def is_proved_operator(request: Request) -> bool:
    """Whether the caller has proved to run this server. It is asked where more than figures is shown.

    In development everybody counts. In production it takes a token, as for `is_operator`, from this machine too: a proxy on it that adds no
    header of its own is not to be told from its owner.
    """
    return not resources_of(request).production or await _proves_it(request)


def names_operator(scope: Scope) -> bool:
    """Whether an access token came along that could be an operator's. Nothing of it is verified: that proves nothing and costs little."""
    role = OPERATOR_ROLE.encode()
    return any(role in _claims(value) for name, value in scope["headers"] if name in _PROOFS)


async def _proves_it(request: Request) -> bool:
    try:
        identity = await current_identity(request)
    except PellucidError:
        return False
    return identity.role == OPERATOR_ROLE and "act" not in identity.claims


def _claims(header: bytes) -> bytes:
    """The claims in a token (RFC 7519), unread; nothing where the header holds none."""
    parts = header.rpartition(b" ")[2].split(b".")
    if len(parts) != _PARTS:
        return b""
    try:
        return urlsafe_b64decode(parts[1] + b"=" * (-len(parts[1]) % 4))
    except ValueError:
        return b""


async def require_operator(request: Request) -> None:
    """Let only those pass who run this server.

    Raises:
        Unauthenticated: the caller is nobody known.
        Forbidden: the caller is somebody else.
    """
    if await is_operator(request):
        return
    hint = f"Ask from the machine it runs on, or send a token of {OPERATOR_ROLE}; an account proves its second factor first."
    if (await current_identity(request)).authenticated:
        raise Forbidden("This is for whoever runs the server.", hint=hint)
    raise Unauthenticated("This is for whoever runs the server.", hint=hint)


def _from_here(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    if request.scope.get("http_version") == "1.0" or not _names_here(host_name(request.headers.get("host", ""))):
        return False
    return _is_loopback(request.client.host)


def _names_here(host: str) -> bool:
    """Whether a request names this machine as it calls itself."""
    return host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
