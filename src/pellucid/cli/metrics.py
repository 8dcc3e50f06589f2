"""The directory in which the workers share their counters (prometheus_client's multiprocess mode)."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_counters(place: Path | None) -> Iterator[None]:
    """Make an empty directory for them and name it in the environment; enter before prometheus_client is imported.

    Args:
        place: where it is to be, which nobody else uses: what a killed run left there goes. None means the system's temporary directory.
    """
    directory = Path(tempfile.mkdtemp(prefix="pellucid-metrics-")) if place is None else _emptied(place)
    os.environ[VARIABLE] = str(directory)
    try:
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _emptied(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700)
    return directory
