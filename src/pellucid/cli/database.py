"""The database of this instance for a command: the one that runs, or one that is started for the while."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import typer
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console

from pellucid.cli.errors import printable, show
from pellucid.database.provisions import LOGIN
from pellucid.errors import StartupError
from pellucid.policy.facts import Scope
from pellucid.policy.refusal import Refusal
from pellucid.policy.survey import opened
from pellucid.postgres import Cluster, ClusterOptions, External, InstanceDirectory, InstanceLock, running_in
from pellucid.settings import Settings

ADMINISTRATOR = "postgres"
MISTAKEN = 2
"""The exit status where something was named that does not fit."""

Outcome = TypeVar("Outcome")
Work = Callable[[Any, Scope], Awaitable[Outcome]]
"""Gets a connection of the role that may do most, and what is to be looked at."""


class Reached(Struct, frozen=True):
    """A database that accepts connections: ``dsn`` is for the role that may do most, ``login`` the role that requests start from."""

    dsn: str
    login: str | None


def visit(settings: Settings, work: Work[Outcome], *, beyond: tuple[str, ...] = ()) -> Outcome:
    """Do some work on the database of these settings.

    Args:
        settings: which database, and what of it is exposed.
        work: what is to be done there.
        beyond: schemas to look at that are not exposed.

    Raises:
        StartupError: the database cannot be reached.
        typer.Exit: the work refused what was asked for; the reason is on standard error.
    """
    scope = Scope(settings.schemas, anon=settings.anon_role or "", beyond=beyond, searched=settings.extra_search_path)
    try:
        with reached(settings) as there:
            return asyncio.run(_visit(there, replace(scope, login=there.login), work))
    except Refusal as refusal:
        show(refusal)
        raise typer.Exit(MISTAKEN) from None


def echo_sql(text: str) -> None:
    """Write SQL to standard output: exactly as it is where a program reads it, without what could command the terminal for a person."""
    typer.echo(printable(text) if sys.stdout.isatty() else text)


async def _visit(there: Reached, scope: Scope, work: Work[Outcome]) -> Outcome:
    async with opened(there.dsn) as connection:
        return await work(connection, scope)


@contextmanager
def reached(settings: Settings) -> Iterator[Reached]:
    """The database of these settings. One of our own that does not run is started, and stopped in the end.

    Raises:
        StartupError: there is none, or it does not start.
    """
    if settings.db is not None:
        yield Reached(External(settings.db.get_secret_value()).admin_dsn, None)
        return
    options = settings.cluster()
    instance = InstanceDirectory.at(options.directory)
    if not instance.data.exists():
        raise StartupError(
            f"there is no database in {instance.path}",
            hint="pellucid serve makes one; or name another place with --data",
        )
    lock = InstanceLock(options.directory)
    try:
        lock.acquire()
    except StartupError:  # somebody serves it: then it runs
        yield Reached(running_in(options.directory).dsn(ADMINISTRATOR), LOGIN)
        return
    with lock, _started(options) as cluster:
        yield Reached(cluster.admin_dsn, LOGIN)


@contextmanager
def _started(options: ClusterOptions) -> Iterator[Cluster]:
    cluster = Cluster(options)
    try:
        with Console(file=sys.stderr).status("Starting PostgreSQL"):
            cluster.start(lambda _: None)
        yield cluster
    finally:
        cluster.stop()
