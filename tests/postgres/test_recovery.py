"""What a start makes of what an unhappy end left behind."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from pellucid.errors import StartupError
from pellucid.postgres.cluster import Cluster
from pellucid.postgres.lock import InstanceLock
from pellucid.postgres.processes import processes_in, read_pid_file, wait_until
from pellucid.postgres.psql import psql_on_instance
from tests.postgres.world import World, ask, fork


def postmaster_of(cluster: Cluster) -> int:
    file = read_pid_file(cluster.placement.data)
    assert file is not None
    return file.pid


def test_a_killed_postmaster_is_started_again_and_nothing_committed_is_lost(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        dsn = cluster.dsn
        ask(cluster, "CREATE TABLE kept AS SELECT 42 AS n")
        os.kill(postmaster_of(cluster), signal.SIGKILL)
        assert wait_until(lambda: not cluster.alive, 60)
        cluster.start()
        try:
            assert ask(cluster, "SELECT n FROM kept") == "42"
            assert cluster.dsn == dsn, "pools that hold the address find it again"
        finally:
            cluster.stop()

    world.tell(story)


def test_statements_that_outlive_their_postmaster_are_ended(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        psql = psql_on_instance(cluster.directory.path, ["-X", "-c", "SELECT count(*) FROM generate_series(1, 1e12)"])
        client = subprocess.Popen(
            psql.arguments, env=psql.environment, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1e12%' AND state = 'active' AND pid <> pg_backend_pid()"
        try:
            assert wait_until(lambda: ask(cluster, busy) == "1", 60)
            os.kill(postmaster_of(cluster), signal.SIGKILL)
            assert wait_until(lambda: not cluster.alive, 60)
            cluster.start()
            assert ask(cluster, busy) == "0"
        finally:
            cluster.stop()
            client.wait()

    world.tell(story)


def test_an_orphan_of_a_killed_pellucid_is_stopped_first(world: World) -> None:
    def story(world: World) -> None:
        child = fork()
        if child == 0:
            start_and_be_killed(world)
        os.waitpid(child, 0)
        cluster, told = world.cluster(), list[str]()
        orphan = read_pid_file(cluster.directory.data)
        assert orphan is not None
        assert orphan.pid in processes_in(cluster.directory.data)
        with InstanceLock(world.directory):
            cluster.start(told.append)
            try:
                assert any("left behind" in line for line in told)
                assert orphan.pid not in processes_in(cluster.placement.data)
                assert ask(cluster, "SELECT n FROM kept") == "42"
            finally:
                cluster.stop()

    world.tell(story)


def start_and_be_killed(world: World) -> None:
    try:
        with InstanceLock(world.directory):
            killed = world.cluster()
            killed.start()
            ask(killed, "CREATE TABLE kept AS SELECT 42 AS n")
            os.kill(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(1)


def test_a_stop_that_takes_too_long_is_made_short(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.options = replace(cluster.options, stop_seconds=0.0)
        cluster.start()
        ask(cluster, "CREATE TABLE kept AS SELECT 42 AS n")
        cluster.stop()
        assert not processes_in(cluster.placement.data)
        cluster.start()
        try:
            assert ask(cluster, "SELECT n FROM kept") == "42"
        finally:
            cluster.stop()

    world.tell(story)


def test_a_recycled_pid_is_neither_stopped_nor_in_the_way(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        data, sockets, account = cluster.placement.data, cluster.placement.sockets, cluster.placement.account
        pid_file = (data / "postmaster.pid").read_text()
        cluster.stop()
        innocent = account.spawn(["/bin/sleep", "1000"], output=subprocess.DEVNULL)
        try:
            stale = pid_file.replace(pid_file.split("\n")[0], str(innocent.pid), 1)
            for path in (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock"):
                path.write_text(stale)
                account.take(path)
            cluster.start()
            assert ask(cluster, "SELECT 1") == "1"
            cluster.stop()
            assert innocent.poll() is None
        finally:
            innocent.kill()
            innocent.wait()

    world.tell(story)


def test_half_a_data_directory_is_never_trusted(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        half = cluster.directory.path / "postgres.new"
        half.mkdir(0o700)
        (half / "PG_VERSION").write_text("18\n")
        (half / "base").mkdir()
        cluster.start()
        try:
            assert ask(cluster, "SELECT 1") == "1"
            assert not half.exists()
        finally:
            cluster.stop()

    world.tell(story)


def test_an_initdb_that_fails_says_why_and_leaves_nothing(place: Path) -> None:
    for name, ending in (("postgres", ""), ("initdb", 'echo "initdb: error: No space left on device" >&2; exit 1')):
        program = place / name
        program.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec echo "{name} (PostgreSQL) 18.1"\n{ending}\n')
        program.chmod(0o755)
    cluster = World(place, binaries=place).cluster()
    with pytest.raises(StartupError, match="cannot be made: initdb: error: No space left on device"):
        cluster.start()
    assert not list(cluster.directory.path.glob("postgres*"))


def test_an_empty_data_directory_is_filled_and_a_strange_one_refused(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        data = cluster.directory.data
        data.mkdir(0o700)
        (data / "notes.txt").write_text("mine")
        with pytest.raises(StartupError, match="no PostgreSQL data directory"):
            cluster.start()
        (data / "notes.txt").unlink()
        cluster.start()
        cluster.stop()

    world.tell(story)


def test_data_of_a_version_that_is_not_here_are_refused(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        cluster.stop()
        (cluster.placement.data / "PG_VERSION").write_text("12\n")
        with pytest.raises(StartupError, match="made by PostgreSQL 12, and this machine has") as caught:
            cluster.start()
        assert caught.value.hint

    world.tell(story)


def test_a_full_stop_leaves_no_pid_file_and_no_socket(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        cluster.stop()
        assert not (cluster.placement.data / "postmaster.pid").exists()
        assert list(Path(cluster.placement.sockets).iterdir()) == []

    world.tell(story)
