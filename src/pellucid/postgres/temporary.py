"""A PostgreSQL that lives as long as a `with` block: for tests and trials."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from pellucid.postgres.cluster import Cluster, ClusterOptions
from pellucid.postgres.lock import InstanceLock


@contextmanager
def temporary_cluster(options: ClusterOptions | None = None, within: Path | None = None) -> Iterator[Cluster]:
    """A started `Cluster` on a directory of its own, which is removed at the end.

    Args:
        options: how to run it; its `directory` is ignored.
        within: where its directory is made; None for the system's place for temporary files.

    Raises:
        StartupError: it cannot be started.
    """
    directory = Path(tempfile.mkdtemp(prefix="pellucid-", dir=within))
    cluster = Cluster(replace(options or ClusterOptions(directory), directory=directory))
    try:
        with InstanceLock(directory):
            cluster.start()
            try:
                yield cluster
            finally:
                cluster.stop()
    finally:
        _remove(cluster)


def _remove(cluster: Cluster) -> None:
    if cluster.placed and cluster.placement.home != cluster.directory.path:
        shutil.rmtree(cluster.placement.home, ignore_errors=True)
    shutil.rmtree(cluster.directory.path, ignore_errors=True)
