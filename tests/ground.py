"""Where tests keep what PostgreSQL writes."""

import os
import shutil
import tempfile
from pathlib import Path

from pellucid.postgres.configuration import available_memory

MEMORY = Path("/dev/shm")
ROOM = 2 << 30
"""Bytes that must be free there, and twice as many in the machine."""


def ground() -> Path:
    """Memory where there is room and programs may be run, or else the directory for temporary files, which TMPDIR may name.

    A new database is three hundred files and a dropped one three hundred files less. A file system on a disk takes many times as long
    for that as PostgreSQL does, even where nothing waits for the disk: ext4 passes over each file that was removed a moment ago. What
    the tests kill are processes, and files outlive those in memory as they do on a disk.
    """
    return MEMORY if "TMPDIR" not in os.environ and _roomy() else Path(tempfile.gettempdir())


def _roomy() -> bool:
    try:
        usable = os.access(MEMORY, os.W_OK | os.X_OK) and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
        return usable and shutil.disk_usage(MEMORY).free >= ROOM and available_memory() >= 2 * ROOM
    except OSError:
        return False


def directory(name: str) -> Path:
    """A new directory there, which every account may pass through, as a user's project directory is."""
    path = Path(tempfile.mkdtemp(prefix=f"pellucid-{name}-", dir=ground()))
    path.chmod(0o755)
    return path
