"""Watches Python files for changes, in a process of its own: the watcher has threads, and a process with threads cannot fork safely.

The kernel tells of changes. All programs of a user share a number of watches; where none is left, the files are looked at instead.

Run as ``python -m pellucid.server.reload SINCE DIRECTORY…``: writes a line with the changed path to standard output at every change after
``SINCE`` (seconds since 1970), and ends when standard input does.
"""

import os
import stat
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from watchfiles import Change, watch

_PASSED_OVER = frozenset({"__pycache__", "node_modules", "site-packages"})

_TICK_MS = 500
"""How long after its beginning a watch is asked for the first time what it has missed."""

_LOOK_EACH = 0.3
"""Seconds between two looks at the files, where the kernel does not tell."""

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
    """What changes in these folders, and once the watch has begun, what had changed already; ends where a folder is gone."""
    begun = False
    for told in _told(watched):
        paths = told | (set() if begun else _changed_since(since, watched))
        begun = True
        if paths:
            yield paths


def _told(watched: list[Path]) -> Iterator[set[str]]:
    """What changes from now on, and nothing at times, for the first time when the watch has begun."""
    try:
        yield from _told_by_kernel(watched)
    except FileNotFoundError:
        return
    except (OSError, RuntimeError) as error:  # no watches left: watchfiles raises either, by which limit is reached
        sys.stderr.write(
            f"pellucid: the kernel watches no files ({error}); they are looked at every {_LOOK_EACH} s instead\n"
        )
        yield from _told_by_looking(watched)


def _told_by_kernel(watched: list[Path]) -> Iterator[set[str]]:
    told = watch(
        *watched,
        watch_filter=_matters,
        recursive=False,
        raise_interrupt=False,
        rust_timeout=_TICK_MS,
        yield_on_timeout=True,
    )
    return ({path for _, path in burst} for burst in told)


def _told_by_looking(watched: list[Path]) -> Iterator[set[str]]:
    """Not by the polling of watchfiles: that compares whole seconds, so the second of two changes within one is never told."""
    before = _stamps(watched)
    while True:
        yield set()
        time.sleep(_LOOK_EACH)
        now = _stamps(watched)
        gone = {path for path in before.keys() - now.keys() if path.endswith(".py")}
        yield gone | {path for path, stamp in now.items() if before.get(path) != stamp}
        before = now


def _changed_since(since: float, watched: list[Path]) -> set[str]:
    stamps = _stamps(watched)
    return {path for path, stamp in stamps.items() if path.endswith(".py") and stamp.changed > since - _CLOCK_STEP}


class _Stamp(NamedTuple):
    """What is another for a file that was changed, and for a folder that is another; a folder has neither size nor time.

    The time is that of the inode: what is moved into place keeps the time of its writing.
    """

    inode: int
    size: int
    changed: float


def _stamps(watched: list[Path]) -> dict[str, _Stamp]:
    """Of all that matters in these folders. What goes meanwhile is left out."""
    stamps = {}
    for folder in watched:
        with suppress(FileNotFoundError):
            for path in filter(partial(_matters, Change.added), map(str, folder.iterdir())):
                with suppress(FileNotFoundError):
                    stamps[path] = _stamp(path)
    return stamps


def _stamp(path: str) -> _Stamp:
    about = Path(path).stat()
    size, changed = (0, 0.0) if stat.S_ISDIR(about.st_mode) else (about.st_size, about.st_ctime)
    return _Stamp(about.st_ino, size, changed)


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
