"""Who may look behind the scenes: at metrics, at what is missing, at traces."""

from ipaddress import ip_address

from fastapi import Request

from pellucid.errors import Forbidden, PellucidError, Unauthenticated
from pellucid.web.hosts import host_name
from pellucid.web.identity import current_identity
from pellucid.web.resources import resources_of

OPERATOR_ROLE = "service_role"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


async def is_operator(request: Request) -> bool:
    """Whether the caller runs this server.

    In development everybody does. In production it is whoever asks from this very machine, or shows a token for `OPERATOR_ROLE` and does
    not act in the name of another. A session has this role only when it has proved all that its account can. A proxy on this machine asks
    from here too, on behalf of anybody: what a proxy passed on does not count as from here. Some say nothing of themselves, but speak
    HTTP/1.0, as nginx does unless told otherwise, or pass on the name that their client asked for.
    """
    if not resources_of(request).production or _from_here(request):
        return True
    try:
        identity = await current_identity(request)
    except PellucidError:
        return False
    return identity.role == OPERATOR_ROLE and "act" not in identity.claims


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
