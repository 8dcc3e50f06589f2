"""A PostgreSQL of one's own for those who bring none, run and set up as Pellucid runs its own: the same programs, the same durability."""

import re
import subprocess
from pathlib import Path

import psutil

from pellucid.postgres import Cluster, ClusterOptions, InstanceLock, psql_on_instance


class Database:
    """It lives as long as its owner does, and in the owner's directory."""

    def __init__(self, directory: Path) -> None:
        """Prepare; nothing is started."""
        self.directory = directory
        self._lock = InstanceLock(directory)
        self._cluster: Cluster | None = None

    def start(self) -> None:
        """Start it; the first time it is made."""
        self._lock.__enter__()
        self._cluster = Cluster(ClusterOptions(self.directory))
        self._cluster.start()

    def stop(self) -> None:
        """Stop it; harmless when it does not run."""
        if self._cluster is not None:
            self._cluster.stop()
            self._lock.__exit__(None, None, None)
            self._cluster = None

    @property
    def root(self) -> int:
        """The postmaster's process id."""
        where = str(self.cluster.placement.data)
        mine = psutil.Process().children()
        return next(int(each.pid) for each in mine if where in each.cmdline())

    @property
    def cluster(self) -> Cluster:
        """The running cluster."""
        if self._cluster is None:
            raise RuntimeError("its database does not run")
        return self._cluster

    @property
    def version(self) -> str:
        """Of PostgreSQL."""
        return f"PostgreSQL {self.cluster.binaries.version}"

    def url(self, role: str) -> str:
        """Where it is, for this role."""
        return re.sub(r"//\w+@", f"//{role}@", self.cluster.dsn)

    def program(self, name: str) -> str:
        """One of PostgreSQL's programs."""
        return str(self.cluster.binaries.program(name))

    def run(self, sql: str) -> None:
        """Run statements as the superuser."""
        run_sql(self.directory, sql)


def run_sql(directory: Path, sql: str) -> None:
    """Run statements as the superuser of the PostgreSQL that runs in this directory, each in a transaction of its own.

    Raises:
        RuntimeError: PostgreSQL refuses one.
    """
    psql = psql_on_instance(directory, ("--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", "-"))
    done = subprocess.run(psql.arguments, env=psql.environment, input=sql, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"PostgreSQL refuses it: {done.stderr.strip()[-500:]}")
