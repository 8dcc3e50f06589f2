"""The PostgreSQL that Pellucid runs itself: its binaries, its data directory, its start and its stop."""

from pellucid.postgres.cluster import Cluster, ClusterOptions
from pellucid.postgres.directory import InstanceDirectory
from pellucid.postgres.lock import InstanceLock
from pellucid.postgres.psql import Psql, psql_on_instance, psql_on_url
from pellucid.postgres.running import Running, running_in
from pellucid.postgres.server import External, PostgresServer, Progress
from pellucid.postgres.temporary import temporary_cluster

__all__ = [
    "Cluster",
    "ClusterOptions",
    "External",
    "InstanceDirectory",
    "InstanceLock",
    "PostgresServer",
    "Progress",
    "Psql",
    "Running",
    "psql_on_instance",
    "psql_on_url",
    "running_in",
    "temporary_cluster",
]
