"""``pellucid sql``: psql on the database of this instance, which is started for the while if it does not run."""

import os
import signal
import subprocess
from typing import Any

import typer

from pellucid.cli.options import Config, Data, Db
from pellucid.cli.sources import load
from pellucid.errors import StartupError
from pellucid.postgres import (
    Cluster,
    ClusterOptions,
    InstanceDirectory,
    InstanceLock,
    psql_on_instance,
    psql_on_url,
)

CONTEXT: dict[str, Any] = {"ignore_unknown_options": True, "allow_extra_args": True}


def command(
    context: typer.Context,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Open psql. Whatever else you give goes to psql: pellucid sql -c "select 1"."""
    settings = load({"db": db, "data": data}, os.environ, config).settings
    arguments = tuple(context.args)
    if settings.db is not None:
        psql_on_url(settings.db.get_secret_value(), arguments).replace_process()
    raise typer.Exit(_on_instance(settings.cluster(), arguments))


def _on_instance(options: ClusterOptions, arguments: tuple[str, ...]) -> int:
    """psql's exit status."""
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
        psql_on_instance(options.directory, arguments).replace_process()
    with lock:
        return _for_the_while(Cluster(options), arguments)


def _for_the_while(cluster: Cluster, arguments: tuple[str, ...]) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C cancels a statement in psql, and is not meant for us
    cluster.start(lambda _: None)
    try:
        psql = psql_on_instance(cluster.options.directory, arguments)
        command_line, environment = psql.arguments, psql.environment
        return subprocess.run(command_line, env=environment, check=False).returncode  # noqa: S603 - no shell
    finally:
        cluster.stop()
