"""Which shape an error takes: it depends on the path alone."""

from enum import Enum

from starlette.types import Scope


class ErrorStyle(Enum):
    """The shapes of an error's body."""

    PROBLEM = "problem"
    """``application/problem+json`` (RFC 9457)."""
    POSTGREST = "postgrest"
    """PostgREST's own: ``code``, ``details``, ``hint``, ``message``."""


def style_of(scope: Scope, postgrest_prefixes: tuple[str, ...]) -> ErrorStyle:
    """The style of the errors at a scope's path."""
    path = local_path(scope)
    for prefix in postgrest_prefixes:
        if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
            return ErrorStyle.POSTGREST
    return ErrorStyle.PROBLEM


def local_path(scope: Scope) -> str:
    """The path below the prefix that a proxy may have put before the whole application (ASGI's ``root_path``)."""
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))
