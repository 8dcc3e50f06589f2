"""Writing files safely, also as root into a directory that an unprivileged account owns."""

import os
from pathlib import Path

from pellucid.postgres.account import Account


def write_file(path: Path, text: str, *, owner: Account) -> None:
    """Write the whole file or leave the old one; mode 0600, owned by `owner`, on disk when this returns.

    The file is made anew beside the old one and renamed over it, relative to the opened directory, so that no symbolic
    link that the account may have laid there is ever followed.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    fresh = f"{path.name}.new"
    try:
        _remove(fresh, folder)
        _create(fresh, folder, text, owner)
        os.replace(fresh, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        os.close(folder)


def read_file(path: Path) -> str | None:
    """The text of a regular file, None where there is none; a symbolic link in its place is not followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        return file.read()


def sync_directory(path: Path) -> None:
    """Make sure that the names in this directory survive a power cut."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _remove(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return


def _create(name: str, folder: int, text: str, owner: Account) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        owner.take(file.fileno())
        os.fsync(file.fileno())
