"""Which shape an error takes: it depends on the path alone."""

from enum import Enum

from starlette.types import Scope


class ErrorStyle(Enum):
    """The shapes of an error's body."""

    PROBLEM = "problem"
    """``application/problem+json`` (RFC 9457)."""
    POSTGREST = "postgrest"
    """PostgREST's own: ``code``, ``details``, ``hint``, ``message``."""
    AUTH = "auth"
    """Those of Supabase's auth API: ``code``, ``error_code``, ``msg``, or ``code`` and ``message`` in its version 2024-01-01."""


AUTH_PREFIX = "/auth/v1"
"""Where the accounts speak the language of Supabase's auth clients."""


def style_of(scope: Scope, postgrest_prefixes: tuple[str, ...]) -> ErrorStyle:
    """The style of the errors at a scope's path."""
    path = local_path(scope)
    if any(_below(path, prefix) for prefix in postgrest_prefixes):
        return ErrorStyle.POSTGREST
    return ErrorStyle.AUTH if _below(path, AUTH_PREFIX) else ErrorStyle.PROBLEM


def _below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/")


def local_path(scope: Scope) -> str:
    """The path below the prefix that a proxy may have put before the whole application (ASGI's ``root_path``)."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))
