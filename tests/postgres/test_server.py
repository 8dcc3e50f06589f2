"""The other faces: a PostgreSQL of somebody else, psql, and one for a while."""

import subprocess
from pathlib import Path

import pytest

from pellucid.errors import StartupError
from pellucid.postgres.cluster import Cluster
from pellucid.postgres.processes import processes_in
from pellucid.postgres.psql import psql_on_instance, psql_on_url
from pellucid.postgres.server import External, PostgresServer
from pellucid.postgres.temporary import temporary_cluster
from tests.postgres.world import ask

URLS = [
    ("postgresql://u:p%40ss@h:5433/d", "PostgreSQL at postgresql://u:***@h:5433/d"),
    ("postgres+asyncpg://u:a@b@h/d?sslmode=require", "PostgreSQL at postgresql://u:***@h/d?sslmode=require"),
    ("postgresql:///d?host=/tmp&password=canary&port=1", "PostgreSQL at postgresql:///d?host=/tmp&password=***&port=1"),
    ("postgresql://:canary@h/d", "PostgreSQL at postgresql://:***@h/d"),
]


@pytest.mark.parametrize(("url", "description"), URLS)
def test_an_external_server_hides_its_password(url: str, description: str) -> None:
    server: PostgresServer = External(url)
    server.start(lambda _: None)
    server.stop()
    assert server.alive
    assert server.description == description
    assert server.dsn == server.admin_dsn
    assert server.dsn.startswith("postgresql://")


@pytest.mark.parametrize("url", ["", "mysql://h/d", "h:5432/d", "http://h"])
def test_what_is_no_url_of_postgresql_is_said(url: str) -> None:
    with pytest.raises(StartupError, match="not one of PostgreSQL's"):
        External(url)


@pytest.mark.parametrize(
    ("written", "dsn"),
    [
        (
            "host=localhost port=5433 user=app dbname=shop",
            "postgresql://?host=localhost&port=5433&user=app&dbname=shop",
        ),
        (r" host = /run  password = 'it\'s a \\ b' ", "postgresql://?host=/run&password=it%27s%20a%20%5C%20b"),
        ("dbname=''", "postgresql://?dbname="),
    ],
)
def test_pairs_of_keys_and_values_are_a_url_too(written: str, dsn: str) -> None:
    assert External(written).dsn == dsn
    assert "it%27s" not in External(written).description


def test_psql_gets_the_password_where_nobody_sees_it() -> None:
    for url, secret in (
        ("postgresql://u:p%40ss@h/d", "p@ss"),
        ("postgresql://u@h/d?password=p%40ss&sslmode=disable", "p@ss"),
    ):
        psql = psql_on_url(url, ["-c", "SELECT 1"])
        assert psql.environment["PGPASSWORD"] == secret
        assert not any("ss@" in part or "p%40" in part for part in psql.arguments)
        assert psql.arguments[-2:] == ("-c", "SELECT 1")


def test_psql_needs_a_server(place: Path) -> None:
    with pytest.raises(StartupError, match="No PostgreSQL runs in"):
        psql_on_instance(place / "instance")


def test_psql_on_a_url_reaches_the_server() -> None:
    with temporary_cluster() as cluster:
        server: PostgresServer = cluster
        assert server.alive
        psql = psql_on_url(server.admin_dsn, ["-X", "-A", "-t", "-c", "SELECT 6 * 7"])
        done = subprocess.run(psql.arguments, env=psql.environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "42"


def test_a_temporary_cluster_leaves_nothing_behind() -> None:
    with pytest.raises(StartupError, match="from within"):
        fail_inside(seen := list[Cluster]())
    assert not seen[0].directory.path.exists()
    assert not seen[0].placement.data.exists()
    assert not processes_in(seen[0].placement.data)


def fail_inside(seen: list[Cluster]) -> None:
    with temporary_cluster() as cluster:
        seen.append(cluster)
        assert ask(cluster, "SELECT 1") == "1"
        raise StartupError("from within")
