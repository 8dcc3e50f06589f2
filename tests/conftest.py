"""What every room's tests stand on: a real PostgreSQL, and a database of its own for each test.

cluster     one PostgreSQL for each test process; a `pellucid.postgres.cluster.Cluster`
clone       a bootstrapped database of this test's own: ``clone.dsn`` (role authenticator), ``clone.admin_dsn`` (superuser)
admin       a connection to it as the superuser, for setting the stage and for looking behind it
database    a started `pellucid.database.core.Database` on it
"""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings

from pellucid.database.bootstrap import bootstrap
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.postgres.cluster import Cluster, ClusterOptions
from pellucid.postgres.temporary import temporary_cluster
from tests.ground import ground

TEMPLATE = "template_pellucid"
OPTIONS = ClusterOptions(Path(), binaries=Path(given) if (given := os.environ.get("TEST_POSTGRES")) else None)
"""The tests run on another PostgreSQL when TEST_POSTGRES names the directory of its programs."""

numbers = count(1)

settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")
"""Properties are tried with the same examples every time, however slow the machine is; `tools.fuzz` looks for new ones."""


def pytest_collection_finish() -> None:
    """Keep Python from looking for garbage among four thousand tests and all they import: these stay to the end."""
    gc.collect()
    gc.freeze()


@dataclass(frozen=True, slots=True)
class Clone:
    """A database, and the two ways into it."""

    name: str
    dsn: str
    admin_dsn: str


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with temporary_cluster(OPTIONS, ground()) as cluster:
        asyncio.run(make_template(cluster))
        yield cluster


@pytest.fixture
async def clone(cluster: Cluster) -> AsyncIterator[Clone]:
    name = f"test_{next(numbers)}"
    await run(cluster.admin_dsn, copy(name))
    yield Clone(name, within(cluster.dsn, name), within(cluster.admin_dsn, name))
    await run(cluster.admin_dsn, f"drop database {name} with (force)")


@pytest.fixture
async def admin(clone: Clone) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(clone.admin_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def database(clone: Clone) -> AsyncIterator[Database]:
    async with Database(DatabaseOptions(clone.dsn, clone.admin_dsn)) as database:
        yield database


async def make_template(cluster: Cluster) -> None:
    """One bootstrapped database to copy. Nobody mourns these clusters, so they need not survive a power cut."""
    await run(
        cluster.admin_dsn, "alter system set fsync = off", "select pg_reload_conf()", f"create database {TEMPLATE}"
    )
    capabilities = await bootstrap(within(cluster.admin_dsn, TEMPLATE))
    assert not capabilities.missing


def copy(name: str) -> str:
    """SQL that makes a copy of the template. To copy the files is the quicker way as long as nobody waits for the disk."""
    return f"create database {name} template {TEMPLATE} strategy file_copy"


async def run(dsn: str, *statements: str) -> None:
    """Run statements, each by itself."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def within(dsn: str, database: str) -> str:
    """The same DSN for another database of the cluster."""
    return dsn.replace("/postgres?", f"/{database}?")
