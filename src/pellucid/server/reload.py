"""Watches Python files for changes, in a process of its own: the watcher has threads, and a process with threads cannot fork safely.

Run as ``python -m pellucid.server.reload SINCE DIRECTORY…``: writes a line with the changed path to standard output at every change after
``SINCE`` (seconds since 1970), and ends when standard input does.
"""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from watchfiles import Change, watch

_PASSED_OVER = frozenset({"__pycache__", "node_modules", "site-packages"})

_TICK_MS = 500
"""How long after its beginning a watch is asked for the first time what it has missed."""

_CLOCK_STEP = 0.02
"""Seconds by which the clock of a file system may be behind."""


def main() -> None:
    """Watch until standard input ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    since, *directories = sys.argv[1:]
    for path in changes([Path(directory) for directory in directories], float(since)):
        sys.stdout.write(f"{path}\n")
        sys.stdout.flush()


def changes(roots: Iterable[Path], since: float) -> Iterator[str]:
    """One changed path for each burst of changes; folders that appear are watched from then on.

    Args:
        roots: watched with all that is below.
        since: what changed after this time and before the watch began is told as well.
    """
    roots = tuple(roots)
    while True:
        watched = [folder for root in roots for folder in folders(root)]
        for paths in _bursts(watched, since):
            since = time.time()
            yield min(paths)
            if any(Path(path).is_dir() for path in paths):
                break


def folders(root: Path) -> Iterator[Path]:
    """The folder and all below that may hold the author's code: none that is hidden, a virtual environment or installed packages."""
    for folder, below, _ in os.walk(root):
        below[:] = [name for name in below if not _is_passed_over(Path(folder, name))]
        yield Path(folder)


def _bursts(watched: list[Path], since: float) -> Iterator[set[str]]:
    """What changes in these folders, and once the watch has begun, what had changed already."""
    begun = False
    for burst in watch(
        *watched,
        watch_filter=_matters,
        recursive=False,
        raise_interrupt=False,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
    ):
        paths = {path for _, path in burst} | (set() if begun else _changed_since(since, watched))
        begun = True
        if paths:
            yield paths


def _changed_since(since: float, watched: list[Path]) -> set[str]:
    files = [file for folder in watched for file in folder.glob("*.py")]
    return {str(file) for file in files if file.exists() and file.stat().st_mtime > since - _CLOCK_STEP}


def _is_passed_over(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in _PASSED_OVER or (folder / "pyvenv.cfg").exists()


def _matters(change: Change, path: str) -> bool:
    """Python files, and new folders, which may hold some."""
    if path.endswith(".py"):
        return True
    return change is Change.added and Path(path).is_dir() and not _is_passed_over(Path(path))


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
