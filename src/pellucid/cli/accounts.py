"""The accounts of this instance for a command: on the database that runs, or on one that is started for the while."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import typer

from pellucid.auth.hooks import Hooks
from pellucid.auth.passwords import PasswordOptions, Passwords
from pellucid.auth.service import Accounts
from pellucid.auth.tokens import open_tokens
from pellucid.cli import application
from pellucid.cli.database import MISTAKEN, reached
from pellucid.cli.errors import show
from pellucid.cli.module import locate
from pellucid.cli.sources import load
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.errors import PellucidError, StartupError
from pellucid.settings import Settings

Outcome = TypeVar("Outcome")
Work = Callable[[Accounts], Awaitable[Outcome]]


def visit(
    db: str | None, data: Path | None, config: Path | None, work: Work[Outcome], app: str | None = None
) -> Outcome:
    """Do some work with the accounts of these settings.

    Args:
        db: another database than the instance's own.
        data: where the instance is.
        config: its settings as a file.
        work: what is to be done.
        app: the user's application, for its hooks.

    Raises:
        StartupError: the database cannot be reached, or has no accounts.
        typer.Exit: the work was refused; the reason is on standard error.
    """
    settings = load({"db": db, "data": data}, os.environ, config).settings
    hooks = application.load(locate(app, Path.cwd())).hooks if app else Hooks()
    try:
        with reached(settings) as there:
            return asyncio.run(_visit(settings, there.dsn, hooks, work))
    except StartupError:
        raise
    except PellucidError as refusal:
        show(StartupError(refusal.message, hint=refusal.hint or refusal.way_out))
        raise typer.Exit(MISTAKEN) from None


async def _visit(settings: Settings, dsn: str, hooks: Hooks, work: Work[Outcome]) -> Outcome:
    async with Database(DatabaseOptions(dsn, dsn, pool_size=2)) as database:
        tokens = open_tokens(settings.tokens(), settings.keys())
        accounts = Accounts(database, Passwords(PasswordOptions()), tokens, settings.accounts(), hooks)
        return await work(accounts)
