"""The instance directory: everything that one Pellucid keeps on disk, readable by its owner alone."""

import os
import pwd
import stat
from pathlib import Path
from typing import Self

from msgspec import Struct

from pellucid.errors import StartupError

OWNER_ONLY = 0o700
PASSABLE = 0o710
"""Owner-only, and the PostgreSQL account's group may pass through (not list): the mode when root runs Pellucid."""

_KNOWN = frozenset({"lock", "postgres", "postgres.new", "postgres.log", "postgres.log.1", "run", "secrets"})
_HARMLESS = frozenset({"lost+found", ".gitignore"})


class InstanceDirectory(Struct, frozen=True):
    """Where things are. `path` is absolute and free of symbolic links."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> Self:
        """The instance directory at `path`, which need not exist yet."""
        return cls(Path(os.path.realpath(path)))

    @property
    def lock(self) -> Path:
        """The file whose lock says that somebody works here; it holds that process's id."""
        return self.path / "lock"

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory (PGDATA), or a symbolic link to it."""
        return self.path / "postgres"

    @property
    def secrets(self) -> Path:
        """Keys and passwords."""
        return self.path / "secrets"

    @property
    def password(self) -> Path:
        """The password of the superuser `postgres`; there only where TCP was asked for."""
        return self.secrets / "postgres-password"

    @property
    def log(self) -> Path:
        """PostgreSQL's own log."""
        return self.path / "postgres.log"

    def prepare(self) -> None:
        """Make the directory and its `secrets`, or see that what is there is fit.

        Raises:
            StartupError: it cannot be made, is not a directory, belongs to somebody else or holds something else.
        """
        try:
            self._create()
            self._examine(self.path.lstat())
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                self._examine(os.fstat(handle))
                self._restrict(handle)
            finally:
                os.close(handle)
            self._close_secrets()
        except OSError as fault:
            raise StartupError(
                f"The instance directory {self.path} cannot be used: {fault.strerror}.",
                hint="Choose a directory that you may write to with --data.",
            ) from fault

    def require_owner(self) -> None:
        """See that whoever runs this is the owner, where it is there: PostgreSQL lets nobody else in through the socket.

        Raises:
            StartupError: it belongs to somebody else.
        """
        if self.path.exists():
            self._examine(self.path.lstat())

    def _close_secrets(self) -> None:
        """A symbolic link in its place is refused: what it leads to is not ours to close."""
        self.secrets.mkdir(OWNER_ONLY, exist_ok=True)
        handle = os.open(self.secrets, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.fchmod(handle, OWNER_ONLY)
        finally:
            os.close(handle)

    def _create(self) -> None:
        try:
            self.path.mkdir(OWNER_ONLY)
        except FileExistsError:
            return
        except FileNotFoundError as fault:
            if self.path.parent.is_dir():  # /proc and its like make no directories
                raise
            raise StartupError(
                f"The instance directory {self.path} cannot be made: {self.path.parent} does not exist.",
                hint=f"Make {self.path.parent} first, or choose another directory with --data.",
            ) from fault

    def _examine(self, status: os.stat_result) -> None:
        if not stat.S_ISDIR(status.st_mode):
            raise StartupError(
                f"The instance directory {self.path} is not a directory.",
                hint="Choose another path with --data.",
            )
        if status.st_uid != os.geteuid():
            raise StartupError(
                f"The instance directory {self.path} belongs to {account_name(status.st_uid)}.",
                hint="Run as that user, or choose another directory with --data.",
            )

    def _restrict(self, handle: int) -> None:
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        if mode == OWNER_ONLY or (mode == PASSABLE and os.geteuid() == 0):
            return
        self._refuse_strange_content(set(os.listdir(handle)))
        os.fchmod(handle, OWNER_ONLY)

    def _refuse_strange_content(self, names: set[str]) -> None:
        """Somebody's home or project must not be closed to others because `--data` named it by mistake."""
        if names - _HARMLESS and not names & _KNOWN:
            raise StartupError(
                f"The instance directory {self.path} holds other things and nothing of an instance.",
                hint="Choose an empty or new directory with --data.",
            )


def close_data(data: Path) -> bool:
    """Close a data directory that others may look into, as a copy or a restored backup often is; whether that was needed.

    PostgreSQL does not start on such a one. To its group it may be open for reading (PostgreSQL, initdb ``--allow-group-access``).

    Raises:
        StartupError: it cannot be closed.
    """
    if not data.stat().st_mode & (stat.S_IWGRP | stat.S_IRWXO):
        return False
    try:
        data.chmod(OWNER_ONLY)
    except OSError as fault:
        raise StartupError(
            f"The data directory {data} is open to others, and PostgreSQL does not start on it.",
            hint=f"Run `chmod 700 {data}` as its owner.",
        ) from fault
    return True


def account_name(uid: int) -> str:
    """The name of the account, or its number where it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
