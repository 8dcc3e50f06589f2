"""``pellucid serve``: everything, from one command, started and stopped in order."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from pellucid.cli.banner import Terminal
from pellucid.cli.metrics import shared_counters
from pellucid.cli.module import Module, locate
from pellucid.cli.options import Config, Data
from pellucid.cli.sources import load
from pellucid.errors import StartupError
from pellucid.later import at_once
from pellucid.postgres import Cluster, External, InstanceLock, PostgresServer
from pellucid.server.signals import interruptible, meanwhile, undisturbed
from pellucid.server.sockets import listen
from pellucid.settings import Settings

CONTEXT: dict[str, Any] = {}
INTERRUPTED = 130
"""128 and the number of SIGINT, as shells have it."""

Switch = bool | None
Number = str | None
"""As it was written: `Settings` reads numbers, from wherever they come."""


def command(  # noqa: PLR0917 - the options of the command line are its arguments
    context: typer.Context,
    module: Annotated[
        str | None, typer.Argument(help="Your application: app.py or package.module, with :name if need be.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[Number, typer.Option(metavar="PORT", help="TCP port to listen on.", show_default="8000")] = None,
    workers: Annotated[Number, typer.Option(metavar="COUNT", help="Processes that answer requests.")] = None,
    db: Annotated[
        str | None, typer.Option(metavar="URL", help="Use this PostgreSQL instead of an embedded one.")
    ] = None,
    data: Data = None,
    production: Annotated[Switch, typer.Option("--production", help="Strangers can reach this server.")] = None,
    reload: Annotated[
        Switch, typer.Option("--reload", help="Start the workers anew when a Python file changes.")
    ] = None,
    postgres_port: Annotated[
        Number, typer.Option(metavar="PORT", help="Open the embedded PostgreSQL on this port of 127.0.0.1 too.")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="auto, json or text.", show_default="auto")] = None,
    log_level: Annotated[
        str | None, typer.Option(help="debug, info, warning, error or critical.", show_default="info")
    ] = None,
    config: Config = None,
) -> None:
    """Serve until Ctrl-C. Every option but the last has a variable too, such as PELLUCID_PORT, and a key in the file."""
    given = {name: value for name, value in context.params.items() if name in Settings.model_fields}
    loaded = load(given, os.environ, config)
    terminal = Terminal()
    terminal.warn(loaded.warnings)
    try:
        serve(loaded.settings, module, terminal)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    terminal.stopped()


def serve(settings: Settings, module: str | None, terminal: Terminal) -> None:
    """Start everything, run it until told to stop, and stop everything in the opposite order.

    Raises:
        StartupError: something is not as it must be.
    """
    application = _locate(settings, module)
    with ExitStack() as stack:
        listeners = stack.enter_context(listen(settings.host, settings.port, backlog=settings.server().backlog))
        server = stack.enter_context(_postgres(settings))
        stack.enter_context(shared_counters(settings.data / "metrics" if settings.db is None else None))
        starter = stack.enter_context(ThreadPoolExecutor(1))
        stack.enter_context(interruptible())
        with terminal.progress(f"{'Starting' if settings.db is None else 'Connecting to'} PostgreSQL") as progress:
            launch, found = _start(settings, server, starter, progress)
        starter.shutdown()  # before the workers are forked: a fork copies one thread only
        launch.run(settings, server, found, module=application, listeners=listeners, terminal=terminal)


def _locate(settings: Settings, module: str | None) -> Module | None:
    if module is not None:
        return locate(module, Path.cwd())
    if settings.reload:
        raise StartupError(
            "reload needs an application of yours to watch", hint="name it: pellucid serve app.py --reload"
        )
    return None


@contextmanager
def _postgres(settings: Settings) -> Iterator[PostgresServer]:
    """The PostgreSQL of these settings, not started yet; stopped in the end if it is ours."""
    if settings.db is not None:
        yield External(settings.db.get_secret_value())
        return
    with InstanceLock(settings.data):
        cluster = Cluster(settings.cluster())
        try:
            yield cluster
        finally:
            cluster.stop()


def _start(
    settings: Settings, server: PostgresServer, starter: Executor, progress: Callable[[str], None]
) -> tuple[ModuleType, Any]:
    """Start PostgreSQL and ready the database, and meanwhile import what answers requests: each takes about as long as the other."""
    with undisturbed():
        started = starter.submit(server.start, progress)
    prepare = at_once("pellucid.cli.prepare")
    prepare.begin_log(settings)
    with meanwhile(starter, lambda: prepare.ready(settings, server, started, progress)) as readied:
        launch = at_once("pellucid.cli.launch")
        return launch, readied.result()
