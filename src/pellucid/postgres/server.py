"""What Pellucid asks of any PostgreSQL, whoever runs it."""

from collections.abc import Callable
from typing import Protocol

from pellucid.postgres.url import plain_url, without_password

Progress = Callable[[str], None]
"""Told, in a few words, what takes its time."""


class PostgresServer(Protocol):
    """A PostgreSQL that requests can be sent to."""

    @property
    def dsn(self) -> str:
        """For requests: the role that may do nothing by itself."""

    @property
    def admin_dsn(self) -> str:
        """For bootstrap and DDL."""

    @property
    def description(self) -> str:
        """What the banner says: which version, where, as whom. No secrets."""

    @property
    def alive(self) -> bool:
        """Whether it runs, as far as this process can know; one that is not is brought back by `start`."""

    def start(self, progress: Progress) -> None:
        """Start it; does nothing when it runs."""

    def stop(self) -> None:
        """Stop it; does nothing when it does not run."""


class External:
    """A PostgreSQL that somebody else runs: there is nothing to start or to stop.

    Raises:
        StartupError: the URL is not one of PostgreSQL's (PostgreSQL, 34.1.1.2).
    """

    def __init__(self, url: str) -> None:
        self._url = plain_url(url)

    @property
    def dsn(self) -> str:
        """The URL as given."""
        return self._url

    @property
    def admin_dsn(self) -> str:
        """The URL as given."""
        return self._url

    @property
    def description(self) -> str:
        """The URL without its password."""
        return f"PostgreSQL at {without_password(self._url)}"

    @property
    def alive(self) -> bool:
        """Somebody else sees to that."""
        return True

    def start(self, progress: Progress) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""
