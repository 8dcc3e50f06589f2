"""Where a DSN points, and why nobody lets us in there: for people, and without the password."""

import os
import socket
from urllib.parse import parse_qs, urlsplit

import asyncpg

from pellucid.errors import StartupError


def describe(dsn: str) -> str:
    """Host and port of a DSN, or the directory of its socket. Never its user's password."""
    try:
        parts = urlsplit(dsn)
    except ValueError:
        return "the given URL"
    return parts.netloc.rpartition("@")[2] or parse_qs(parts.query).get("host", ["the default socket"])[0]


def unreachable(dsn: str, fault: BaseException) -> StartupError:  # noqa: PLR0911 - one case a cause
    """Why a first connection failed, in one line, with the way out."""
    place = describe(dsn)
    match fault:
        case asyncpg.InvalidPasswordError() | asyncpg.InvalidAuthorizationSpecificationError():
            return StartupError(
                f"PostgreSQL at {place} refuses the role or its password.",
                hint="Check user and password in the database URL; special characters must be percent-encoded.",
            )
        case asyncpg.InvalidCatalogNameError():
            name = urlsplit(dsn).path.strip("/")
            return StartupError(
                f'PostgreSQL at {place} has no database "{name}".',
                hint="Create it with createdb, or correct the database URL.",
            )
        case asyncpg.TooManyConnectionsError():
            return StartupError(
                f"PostgreSQL at {place} has no connection left.", hint="Raise max_connections, or close others."
            )
        case asyncpg.CannotConnectNowError():
            return StartupError(
                f"PostgreSQL at {place} is starting or stopping.", hint="Wait a moment and start again."
            )
        case TimeoutError():
            return StartupError(
                f"Nothing answers in time at {place}.", hint="Check host, port and firewall of the database URL."
            )
        case OSError() if not isinstance(fault, ValueError):
            return StartupError(
                f"PostgreSQL cannot be reached at {place}: {_reason(fault)}.",
                hint="Check that it runs and that host and port of the database URL are right.",
            )
        case asyncpg.PostgresError():
            return StartupError(
                f"PostgreSQL at {place} refuses the connection: {fault.args[0]}.", hint="Check the database URL."
            )
        case _:
            return StartupError(
                "The database URL cannot be read.", hint="Write it as postgresql://user:password@host:5432/database."
            )


def _reason(fault: OSError) -> str:
    """The system's word for it. asyncio puts words of its own there, and one error in the place of several addresses' errors."""
    if isinstance(fault, socket.gaierror):
        return fault.strerror or "the name cannot be resolved"
    return os.strerror(fault.errno) if fault.errno else "no address of it answers"
