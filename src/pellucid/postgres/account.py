"""The account that PostgreSQL runs as. PostgreSQL refuses to run as root, so root lends it an unprivileged one."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pellucid.errors import StartupError

_UNPRIVILEGED = ("postgres", "nobody")
_PASSED_ON = ("PATH", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class Account(Struct, frozen=True):
    """An account of the operating system, and how to run programs as it."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether it is another account than the one that runs Pellucid."""
        return self.uid != os.geteuid()

    def take(self, target: int | Path) -> None:
        """Make the account the owner of a file, given as a descriptor or a path; a symbolic link is not followed."""
        if not self.is_other:
            return
        if isinstance(target, int):
            os.fchown(target, self.uid, self.gid)
        else:
            os.lchown(target, self.uid, self.gid)

    def run(self, command: Sequence[str | Path], *, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end and catch what it says; its exit status is the caller's to judge.

        Raises:
            OSError: the account may not run the program.
            StartupError: the operating system does not let Pellucid run programs as this account.
        """
        return subprocess.run(  # noqa: S603 - the command is ours, no shell
            [str(part) for part in command],
            input=text or "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            env=environment(),
            start_new_session=True,
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
        )

    def spawn(self, command: Sequence[str | Path], *, output: int) -> subprocess.Popen[bytes]:
        """Start a program that lives on, in a session of its own: Ctrl-C in the terminal does not reach it.

        Args:
            command: the program and its arguments.
            output: the descriptor that takes what it says.
        """
        return subprocess.Popen(  # noqa: S603 - the command is ours, no shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=environment(),
            start_new_session=True,
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
        )

    def can_enter(self, directory: Path) -> bool:
        """Whether the account may pass through the directory and all above it.

        Raises:
            StartupError: the operating system does not let Pellucid run programs as this account.
        """
        try:
            return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", directory]).returncode == 0
        except OSError as fault:
            raise StartupError(
                f"PostgreSQL does not run as root, and programs cannot be run as the account {self.name}: {fault.strerror}.",
                hint="Run Pellucid as an ordinary user, or give it a database with --db.",
            ) from fault


def environment() -> dict[str, str]:
    """What PostgreSQL's processes see: nothing of Pellucid's own settings, none of the PG* variables, messages in English."""
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {"LC_ALL": "C", "HOME": "/"}


def current_account() -> Account:
    """The account that runs Pellucid.

    Raises:
        StartupError: the process's user id has no entry in the user database, which PostgreSQL needs for peer authentication.
    """
    uid = os.geteuid()
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise StartupError(
            f"The user id {uid} has no account on this machine, and PostgreSQL needs one.",
            hint="Add the account (in a container: to /etc/passwd), or give Pellucid a database with --db.",
        ) from None
    return Account(entry.pw_name, uid, os.getegid())


def choose_account(data: Path) -> Account:
    """The account that is to run PostgreSQL on this data directory, which need not exist yet.

    Not as root: one's own. As root: the owner of the directory, else `postgres`, else `nobody`.

    Raises:
        StartupError: there is no such account.
    """
    if os.geteuid() != 0:
        return current_account()
    if data.exists() and data.stat().st_uid != 0:
        return _account_of(data.stat())
    for name in _UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StartupError(
        "PostgreSQL does not run as root, and this machine has neither an account postgres nor nobody.",
        hint="Add an account named postgres, or run Pellucid as an ordinary user.",
    )


def _account_of(status: os.stat_result) -> Account:
    try:
        entry = pwd.getpwuid(status.st_uid)
    except KeyError:
        return Account(str(status.st_uid), status.st_uid, status.st_gid)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
