"""``pellucid top``: what the database is doing, live in the terminal."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
import typer
from msgspec import to_builtins
from rich.console import Console
from rich.live import Live

from pellucid.cli.dashboard import as_lines, as_tables, fitting
from pellucid.cli.database import reached
from pellucid.cli.options import Config, Data, Db
from pellucid.cli.sources import load
from pellucid.database.driver import connect
from pellucid.database.place import describe, unreachable
from pellucid.errors import StartupError
from pellucid.trace.activity import Looking
from pellucid.trace.overview import Overview

CONTEXT: dict[str, Any] = {}
WAIT_SECONDS = 10.0
MOST = 10
CALM = "set statement_timeout = '10s'; set lock_timeout = '1s'"


def command(  # noqa: PLR0917 - the options of the command line are its arguments
    interval: Annotated[
        float, typer.Option(min=0.2, metavar="SECONDS", help="Look so often; rates are over this time.")
    ] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look for one interval and end, as in a pipe.")] = False,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON, once.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Show so many of each kind.", show_default="10, or what fits")
    ] = None,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show which statements take the time and which became slower, connections, locks, replication and dead rows; live on a terminal."""
    settings = load({"db": db, "data": data}, os.environ, config).settings
    live = sys.stdout.isatty() and not once and not as_data
    with reached(settings) as there:
        try:
            if live:
                asyncio.run(_watch(there.dsn, interval, limit or fitting(Console().height)))
            else:
                _print(asyncio.run(_look_twice(there.dsn, interval, limit or MOST)), as_data=as_data)
        except KeyboardInterrupt:
            pass


@asynccontextmanager
async def _looking(dsn: str, limit: int) -> AsyncIterator[Looking]:
    """A connection of its own that looks, and leaves a snapshot for the history of statements."""
    try:
        connection = await connect(dsn, application_name="pellucid top", within=WAIT_SECONDS)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError) as fault:
        raise unreachable(dsn, fault) from fault
    try:
        await connection.execute(CALM)
        looking = Looking(connection, limit)
        await looking.remember()
        yield looking
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as fault:
        reason = str(fault).partition("\n")[0] or type(fault).__name__
        raise StartupError(
            f"PostgreSQL at {describe(dsn)} answers no more: {reason}", hint="see whether it runs"
        ) from fault
    finally:
        connection.terminate()


async def _look_twice(dsn: str, interval: float, limit: int) -> Overview:
    """Rates need two looks."""
    async with _looking(dsn, limit) as looking:
        await looking.look()
        await asyncio.sleep(interval)
        return await looking.look()


async def _watch(dsn: str, interval: float, limit: int) -> None:
    """Until somebody presses Ctrl-C."""
    async with _looking(dsn, limit) as looking:
        with Live(screen=True, auto_refresh=False, vertical_overflow="crop") as screen:
            while True:
                screen.update(as_tables(await looking.look()), refresh=True)
                await asyncio.sleep(interval)


def _print(overview: Overview, *, as_data: bool) -> None:
    if as_data:
        typer.echo(json.dumps(to_builtins(overview), indent=2))
    elif sys.stdout.isatty():
        Console(highlight=False).print(as_tables(overview))
    else:
        typer.echo("\n".join(as_lines(overview)))
