"""Where an instance's data and sockets go, so that PostgreSQL's account can reach them and nobody else can."""

import hashlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from pellucid.errors import StartupError
from pellucid.postgres.account import Account, choose_account
from pellucid.postgres.directory import OWNER_ONLY, InstanceDirectory
from pellucid.postgres.relocation import home_of, let_pass

SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
"""Bytes in the path of a Unix socket, without the closing zero (unix(7))."""

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
"""Paths that need no quoting, neither in a URL nor in a list of directories."""


class Placement(Struct, frozen=True):
    """Where things are, all links resolved."""

    account: Account
    home: Path
    """The instance directory, or the one below `/var/lib/pellucid` that stands in for it."""
    data: Path
    sockets: Path


def place(instance: InstanceDirectory, *, port: int, state: Path, progress: Callable[[str], None]) -> Placement:
    """Decide where data and sockets go, and make the directories around them.

    As root, the instance directory is opened for the PostgreSQL account's group to pass through. Where a directory above it
    is closed to the account, that directory is left alone: the data go below `state`, and `DIR/postgres` points there.

    Raises:
        StartupError: there is no place that the account can reach.
    """
    account = choose_account(instance.data)
    try:
        home = _home(instance, account, state)
        data = _data(instance, home, progress)
        if account.is_other and not account.can_enter(data.parent):
            raise _out_of_reach(data, account)
        return Placement(account, home, data, _sockets(home, account, port))
    except OSError as fault:
        raise StartupError(
            f"The directories for PostgreSQL cannot be made in {instance.path}: {fault.strerror}.",
            hint="Choose another directory with --data.",
        ) from fault


def _home(instance: InstanceDirectory, account: Account, state: Path) -> Path:
    if not account.is_other:
        return instance.path
    if not account.can_enter(instance.path.parent):
        return home_of(instance.path, account, state)
    let_pass(instance.path, account)
    return instance.path


def _data(instance: InstanceDirectory, home: Path, progress: Callable[[str], None]) -> Path:
    link = instance.data
    if link.exists():
        return link.resolve()
    data = home / "postgres"
    if home == instance.path:
        link.unlink(missing_ok=True)
        return data
    if not link.is_symlink():
        _set_aside(data, progress)
    link.unlink(missing_ok=True)
    link.symlink_to(data)
    progress(f"The data go to {data}, which PostgreSQL's account can reach; {link} points there")
    return data


def _set_aside(data: Path, progress: Callable[[str], None]) -> None:
    """The instance directory is new, so data of an earlier one at the same path are not its own; they are kept all the same."""
    if not data.exists():
        return
    number = 1
    while (aside := data.with_name(f"{data.name}.old-{number}")).exists():
        number += 1
    data.rename(aside)
    progress(f"The data of an earlier instance at this path were set aside as {aside}")


def _sockets(home: Path, account: Account, port: int) -> Path:
    """An owner-only directory whose path is short enough for a socket: beside the data, else in the temporary directory."""
    beside = home / "run"
    if _fits(beside, port):
        return _own(beside, account)
    name = f"pellucid-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}-{account.uid}"
    for base in dict.fromkeys((Path(tempfile.gettempdir()).resolve(), Path("/tmp").resolve())):  # noqa: S108 - made owner-only
        if _fits(base / f"{name}-01234567", port) and account.can_enter(base):
            return _private(base, name, account)
    raise StartupError(
        f"No directory for PostgreSQL's socket was found: the path of {beside} is too long or has unusual characters.",
        hint="Choose an instance directory with a shorter path with --data.",
    )


def _fits(directory: Path, port: int) -> bool:
    socket = os.fsencode(directory / f".s.PGSQL.{port}")
    return len(socket) <= SOCKET_PATH_LIMIT and _PLAIN.fullmatch(str(directory)) is not None


def _own(directory: Path, account: Account) -> Path:
    """The account's own directory inside one of ours."""
    directory.mkdir(OWNER_ONLY, exist_ok=True)
    directory.chmod(OWNER_ONLY)
    account.take(directory)
    return directory


def _private(base: Path, name: str, account: Account) -> Path:
    """The account's own directory in a place where everybody may write.

    One that is there already is taken only as it stands: to change its owner or mode would be to trust whoever laid it there.
    """
    known = base / name
    try:
        known.mkdir(OWNER_ONLY)
    except FileExistsError:
        status = known.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and stat.S_IMODE(status.st_mode) == OWNER_ONLY:
            return known
        known = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
    account.take(known)
    return known


def release_sockets(placement: Placement) -> None:
    """Remove the directory of the sockets if it is in the temporary directory; the one in the instance directory stays."""
    if placement.sockets.parent == placement.home:
        return
    try:
        placement.sockets.rmdir()
    except OSError:  # a socket is left in it, or it was never made
        return


def _out_of_reach(data: Path, account: Account) -> StartupError:
    return StartupError(
        f"PostgreSQL does not run as root, and its account {account.name} cannot reach {data}.",
        hint="Move the data where that account can reach them, or run Pellucid as an ordinary user.",
    )
