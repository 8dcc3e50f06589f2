"""The PostgreSQL that runs in an instance directory, as its pid file tells; whoever started it."""

from pathlib import Path
from urllib.parse import urlencode

from msgspec import Struct

from pellucid.errors import StartupError
from pellucid.postgres.directory import InstanceDirectory
from pellucid.postgres.processes import processes_in, read_pid_file


class Running(Struct, frozen=True):
    """Where it listens: the directory of its socket, and the number in the socket's name."""

    sockets: Path
    port: int

    def dsn(self, role: str) -> str:
        """A DSN for a role, as `pellucid.database` reads it."""
        where = urlencode({"host": str(self.sockets), "port": self.port}, safe="/")
        return f"postgresql://{role}@/postgres?{where}"


def running_in(directory: Path) -> Running:
    """The one that runs there.

    Raises:
        StartupError: none does, or it is somebody else's.
    """
    instance = InstanceDirectory.at(directory)
    instance.require_owner()
    data = instance.data
    file = read_pid_file(data)
    if file is None or file.sockets is None or file.port is None or not processes_in(data):
        raise StartupError(
            f"No PostgreSQL runs in {directory}.", hint="Start it with pellucid serve, or name a database with --db."
        )
    return Running(file.sockets, file.port)
