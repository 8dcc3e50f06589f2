"""The session cookie of browsers, as a proof of who asks: read here, and believed only where the request comes from this site itself."""

from starlette.types import Scope

from pellucid.errors import Forbidden

SCHEME = "Session"
"""How a cookie's secret is handed to the `Identifier`, as if it stood in an ``Authorization`` header."""
SECURE = "__Host-pellucid"
"""A browser takes a cookie of this prefix over TLS only, for this host only, and for all of its paths (RFC 6265bis, 4.1.3.2)."""
PLAIN = "pellucid-session"
"""In development without TLS; browsers refuse the other name there."""
FLOW = "pellucid-flow"
ELSEWHERE = "pellucid-elsewhere"
"""What ties a sign-in elsewhere to one browser, on the native routes and on those of ``/auth/v1``."""
OWN = frozenset({SECURE, PLAIN, FLOW, ELSEWHERE, f"__Host-{FLOW}", f"__Host-{ELSEWHERE}"})
"""Every cookie whose value proves something here. No function of the database may read one."""
LONGEST = 128
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def cookie_name(*, secure: bool) -> str:
    """The cookie's name."""
    return SECURE if secure else PLAIN


def taken_back() -> str:
    """The header that has a browser forget the secure cookie."""
    return f"{SECURE}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax"


def session_cookie(scope: Scope, *, plain: bool) -> str | None:
    """The secret in the cookie, where there is one; a cookie that is there twice is none.

    Args:
        scope: the request (ASGI).
        plain: whether the cookie of development counts too. In production it does not: a page of another host could have planted it.
    """
    headers = [value for name, value in scope["headers"] if name == b"cookie"]
    if not headers:
        return None
    text = b"; ".join(headers).decode("latin-1")
    for wanted in (SECURE, PLAIN) if plain else (SECURE,):
        if wanted not in text:
            continue
        found = [value for name, value in _pairs(text) if name == wanted]
        if len(found) == 1 and 0 < len(found[0]) <= LONGEST:
            return found[0]
    return None


def require_same_origin(scope: Scope, *, plain: bool) -> None:
    """Refuse a change that another site's page asks for with a visitor's cookie. A browser sends ``Origin`` with every such request.

    Args:
        scope: the request (ASGI).
        plain: whether a page that came without TLS may ask. In production it may not: whoever is on the network could have written it.

    Raises:
        Forbidden: the origin is another one, or is not told.
    """
    if scope["method"] in _SAFE:
        return
    origins, hosts = _values(scope, b"origin"), _values(scope, b"host")
    scheme, _, told = (origins[0] if len(origins) == 1 else "").lower().partition("://")
    trusted = scheme == "https" or (plain and scheme == "http")
    if len(hosts) != 1 or not told or told != hosts[0].lower() or not trusted:
        raise Forbidden(
            "A cookie proves who asks for a change only on this site's own pages.",
            hint="Send the request from a page of this origin, or send an access token in the Authorization header.",
        )


def refuse_other_origins(scope: Scope, *, plain: bool) -> None:
    """The same for a request that hands out a cookie; programs that are no browsers tell no origin, and pass.

    Raises:
        Forbidden: a page of another origin asks.
    """
    if _values(scope, b"origin"):
        require_same_origin(scope, plain=plain)


def _pairs(text: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in text.split(";"))
    return [(name, value.strip('"')) for name, _, value in parts]


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
