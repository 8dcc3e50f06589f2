"""A file that holds a secret: made once, whole, and for its owner alone."""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from pellucid.errors import StartupError

MAX_BYTES = 64 * 1024


def create_once(path: Path, content: Callable[[], str]) -> None:
    """Write the file where it is not there yet. When several processes try at once, one wins and all find its content.

    The content is written beside it and then linked into place, so that nobody ever reads half a file.

    Raises:
        StartupError: the directory cannot be made or written.
    """
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(draft, content())
        _publish(draft, path)
    except OSError as fault:
        raise StartupError(
            f"{path} cannot be written: {fault.strerror}.", hint="Give the data directory to the user that runs this."
        ) from fault


def read_private(path: Path) -> str:
    """The text of a file that only its owner can read.

    Raises:
        StartupError: it cannot be read, it is no text, it is too large, or its group or everybody can read it.
    """
    try:
        with path.open("rb") as file:
            _require_private(path, os.fstat(file.fileno()))
            content = file.read(MAX_BYTES + 1)
    except OSError as fault:
        raise StartupError(f"{path} cannot be read: {fault.strerror}.", hint="Check the path and its owner.") from fault
    if len(content) > MAX_BYTES:
        raise StartupError(f"{path} is too large for a key file.", hint="Check that the path is the right one.")
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        raise StartupError(f"{path} is not text.", hint="Check that the path is the right one.") from fault


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its content is the one
    finally:
        draft.unlink()


def _require_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise StartupError(f"{path} is not a file.", hint="Check the path.")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StartupError(f"{path} can be read by others than its owner.", hint=f"Run `chmod 600 {path}`.")
