"""A place for instances, and a way to be somebody else there: every story is told as the account of the tests and, as root, as nobody."""

import os
import pwd
import socket
import subprocess
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.postgres.cluster import Cluster, ClusterOptions
from pellucid.postgres.psql import psql_on_instance

ROOT = os.geteuid() == 0
SELVES = ("self", "nobody") if ROOT else ("self",)


@dataclass(slots=True)
class World:
    """Where a story happens and who tells it."""

    base: Path
    user: str = "self"
    binaries: Path | None = None
    told: list[str] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        return self.base / "instance"

    def options(self, *, port: int | None = None, directory: Path | None = None) -> ClusterOptions:
        return ClusterOptions(
            directory or self.directory, port=port, binaries=self.binaries, state=self.base / "state", start_seconds=300
        )

    def cluster(self, *, port: int | None = None, directory: Path | None = None) -> Cluster:
        options = self.options(port=port, directory=directory)
        if not options.directory.exists():
            options.directory.mkdir(0o700)
        (options.directory / "secrets").mkdir(0o700, exist_ok=True)
        return Cluster(options)

    def tell(self, story: Callable[["World"], None]) -> None:
        if self.user == "self":
            story(self)
        else:
            as_account(self.user, lambda: story(self))


def as_account(name: str, story: Callable[[], None]) -> None:
    """Run the story in a forked process that has become this account."""

    def become_and_tell() -> None:
        entry = pwd.getpwnam(name)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
        os.chdir("/")
        story()

    in_fork(become_and_tell)


def in_fork(story: Callable[[], None]) -> None:
    """Run the story in a forked process; what goes wrong there goes wrong here."""
    reader, writer = os.pipe()
    child = fork()
    if child == 0:
        os._exit(_tell(story, writer))
    os.close(writer)
    with os.fdopen(reader) as pipe:
        fault = pipe.read()
    _, status = os.waitpid(child, 0)
    assert not fault, f"in the forked process:\n{fault}"
    assert os.waitstatus_to_exitcode(status) == 0


def fork() -> int:
    """os.fork, without the remark on the test runner's threads: they do not matter to these children."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _tell(story: Callable[[], None], writer: int) -> int:
    try:
        story()
    except BaseException:  # noqa: BLE001 - it is told in the parent
        os.write(writer, traceback.format_exc().encode())
        return 1
    return 0


def ask(cluster: Cluster, sql: str) -> str:
    """What the database answers the superuser, through psql and the socket."""
    psql = psql_on_instance(cluster.directory.path, ["-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql])
    done = subprocess.run(psql.arguments, env=psql.environment, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def free_port() -> int:
    """A port that the system gives to nobody else while the tests run: bound here without listening, it can be listened on."""
    probe = socket.socket()
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", 0))
    _kept.append(probe)
    return int(probe.getsockname()[1])


_kept: list[socket.socket] = []
