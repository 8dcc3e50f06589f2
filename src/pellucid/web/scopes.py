"""What an API key is narrowed to, where its role and account may more.

``read`` lets PostgreSQL refuse every write. ``/orders`` and the like let in requests whose path begins so, segment by segment; there may
be several. Without any path all are open. A path is no wall around a table: what its answers embed is for grants and policies to refuse.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.types import Scope

from pellucid.errors import Forbidden

READ = "read"
_CLAIM = "scopes"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_CALLS = ("/rpc/", "/rest/v1/rpc/")
"""Functions are called by POST even where they only read; PostgreSQL refuses those that do not."""


def scopes_of(claims: Mapping[str, Any]) -> Sequence[str]:
    """The scopes of a key; none for what is no key."""
    scopes = claims.get(_CLAIM) if "key_id" in claims else None
    return [each for each in scopes if isinstance(each, str)] if isinstance(scopes, list) else ()


def reads_only(claims: Mapping[str, Any]) -> bool:
    """Whether PostgreSQL shall refuse every write."""
    return READ in scopes_of(claims)


def require_scope(claims: Mapping[str, Any], scope: Scope) -> None:
    """Go on only with what the key is for.

    Raises:
        Forbidden: it is for other paths, or for reading only.
    """
    if reads_only(claims) and scope["method"] not in _SAFE and not scope["path"].startswith(_CALLS):
        raise Forbidden("The API key is for reading.", hint="Use a key without the scope read.")
    paths = [each for each in scopes_of(claims) if each.startswith("/")]
    asked = scope["path"]
    if paths and not any(asked == path or asked.startswith(f"{path.rstrip('/')}/") for path in paths):
        raise Forbidden("The API key is not for this path.", hint=f"It is for {', '.join(paths)}.")
