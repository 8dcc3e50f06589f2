"""The part of a start that needs everything imported. `pellucid.cli.serve` imports it while PostgreSQL is starting."""

import socket
import sys
from collections.abc import Sequence
from functools import partial

from pellucid.app import Deployment, Pellucid, create
from pellucid.cli.application import load
from pellucid.cli.banner import Facts, Terminal
from pellucid.cli.keeper import Keeper
from pellucid.cli.module import Module
from pellucid.cli.prepare import Found
from pellucid.postgres import PostgresServer
from pellucid.server.supervisor import supervise
from pellucid.settings import Settings


def run(
    settings: Settings,
    server: PostgresServer,
    found: Found,
    *,
    module: Module | None,
    listeners: Sequence[socket.socket],
    terminal: Terminal,
) -> None:
    """Serve until told to stop.

    Raises:
        StartupError: the application cannot be started.
    """
    deployment = Deployment(server.dsn, server.admin_dsn, found.capabilities, found.cautions)
    terminal.expect(_facts(settings, server, deployment, module=module, listener=listeners[0]))
    options = settings.server(
        watch=(module.root,) if module else (), interactive=sys.stdin is not None and sys.stdin.isatty()
    )
    supervise(
        options, listeners, partial(_build, settings, deployment, module), terminal, tend=Keeper(server).look_after
    )


def _build(settings: Settings, deployment: Deployment, module: Module | None) -> Pellucid:
    """The application, made inside a worker."""
    return create(load(module, changing=settings.reload) if module else None, settings, deployment)


def _facts(
    settings: Settings,
    server: PostgresServer,
    deployment: Deployment,
    *,
    module: Module | None,
    listener: socket.socket,
) -> Facts:
    count = settings.processes
    return Facts(
        mode="production" if settings.production else "development",
        postgres=server.description,
        url=_url(listener),
        workers=f"{count} · {module.text}" if module else str(count),
        lacking=deployment.capabilities.remedies,
        cautions=deployment.cautions,
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
