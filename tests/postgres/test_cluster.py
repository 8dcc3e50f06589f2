"""A cluster's ordinary life: the first start, the next ones, who gets in, and what it promises."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from pellucid.errors import StartupError
from pellucid.lifecycle import State
from pellucid.postgres.cluster import Cluster
from pellucid.postgres.processes import processes_in, read_pid_file
from pellucid.postgres.running import running_in
from tests.postgres.world import ROOT, World, ask, free_port, in_fork

PROMISED = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "data_checksums": "on",
    "wal_level": "logical",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "password_encryption": "scram-sha-256",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "server_encoding": "UTF8",
    "timezone": "UTC",
    "lc_messages": "C",
}


def test_the_first_start_keeps_its_promises(world: World) -> None:
    def story(world: World) -> None:
        cluster, told = world.cluster(), list[str]()
        cluster.start(told.append)
        try:
            assert {name: ask(cluster, f"SHOW {name}") for name in PROMISED} == PROMISED
            assert (
                ask(cluster, "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == "postgres|t"
            )
            assert any("Making the data directory" in line for line in told)
            assert f"PostgreSQL {cluster.binaries.version}" in cluster.description
        finally:
            cluster.stop()
        assert not processes_in(cluster.placement.data)

    world.tell(story)


def test_extensions_can_be_made_and_text_knows_its_letters(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        try:
            ask(cluster, "CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_walinspect")
            assert ask(cluster, "SELECT upper('äé'), to_tsvector('simple', 'Äpfel')") == "ÄÉ|'äpfel':1"
        finally:
            cluster.stop()

    world.tell(story)


def test_a_restart_keeps_data_and_the_users_own_settings(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        ask(cluster, "CREATE TABLE kept AS SELECT 42 AS n")
        ask(cluster, "ALTER SYSTEM SET work_mem = '7MB'")
        cluster.stop()
        with (cluster.placement.data / "postgresql.conf").open("a") as file:
            file.write("random_page_cost = 1.5\nlisten_addresses = '*'\n")
        cluster.start()
        try:
            assert ask(cluster, "SELECT n FROM kept") == "42"
            assert ask(cluster, "SHOW work_mem") == "7MB"
            assert ask(cluster, "SHOW random_page_cost") == "1.5"
            assert ask(cluster, "SHOW listen_addresses") == "", "who can reach the server is not left to a file"
        finally:
            cluster.stop()

    world.tell(story)


def test_a_data_directory_of_other_making_gets_our_settings_too(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        cluster.stop()
        (cluster.placement.data / "postgresql.conf").write_text("work_mem = '9MB'\n")
        cluster.start()
        try:
            assert ask(cluster, "SHOW wal_level") == "logical"
            assert ask(cluster, "SHOW work_mem") == "9MB"
        finally:
            cluster.stop()

    world.tell(story)


def test_start_and_stop_may_be_called_again(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.stop()
        cluster.start()
        first = read_pid_file(cluster.placement.data)
        cluster.start()
        assert cluster.alive
        assert read_pid_file(cluster.placement.data) == first
        cluster.stop()
        cluster.stop()
        assert cluster.state is State.STOPPED
        assert not cluster.alive

    world.tell(story)


def test_everything_on_disk_is_closed_to_others(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster(port=free_port())
        cluster.start()
        try:
            own = cluster.directory.path
            assert stat.S_IMODE(own.stat().st_mode) == (0o710 if cluster.placement.account.is_other else 0o700)
            open_ones = {path for path in own.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077}
            assert not {path for path in open_ones if path.parent in (own, own / "secrets", own / "run")}
            assert not {path for path in (own / "postgres").rglob("*") if path.lstat().st_mode & 0o077}
        finally:
            cluster.stop()

    world.tell(story)


def test_the_log_holds_errors_but_no_statements(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        try:
            ask(cluster, "CREATE TABLE people (email text PRIMARY KEY); INSERT INTO people VALUES ('canary')")
            with pytest.raises(AssertionError, match="already exists"):
                ask(cluster, "INSERT INTO people VALUES ('canary')")
            log = cluster.directory.log.read_text()
            assert "duplicate key value violates unique constraint" in log
            assert "canary" not in log
        finally:
            cluster.stop()

    world.tell(story)


def test_replicas_may_come_in_through_the_socket(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        try:
            where = f"host={cluster.placement.sockets} user=postgres dbname=postgres replication=true"
            command: list[str | Path] = [cluster.binaries.program("psql"), "-X", "-A", "-t", "-d", where]
            done = subprocess.run(
                [*command, "-c", "IDENTIFY_SYSTEM"], cwd="/", capture_output=True, text=True, check=True
            )
            assert done.stdout.count("|") == 3
        finally:
            cluster.stop()

    world.tell(story)


def test_the_terminals_signals_do_not_reach_it(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        try:
            file = read_pid_file(cluster.placement.data)
            assert file is not None
            assert os.getsid(file.pid) == file.pid
        finally:
            cluster.stop()

    world.tell(story)


def test_over_tcp_only_the_right_password_gets_in(world: World) -> None:
    def story(world: World) -> None:
        port = free_port()
        cluster = world.cluster(port=port)
        cluster.start()
        try:
            secret = cluster.directory.password.read_text().strip()
            assert over_tcp(cluster, port, secret).stdout.strip() == "postgres"
            assert "password authentication failed" in over_tcp(cluster, port, "wrong").stderr
            assert "no password supplied" in over_tcp(cluster, port, "").stderr
            assert secret not in cluster.description
            cluster.stop()
            cluster.start()
            assert over_tcp(cluster, port, secret).returncode == 0, "the password lasts"
        finally:
            cluster.stop()

    world.tell(story)


def test_a_password_comes_when_tcp_is_asked_for_later(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        cluster.stop()
        assert not cluster.directory.password.exists()
        port = free_port()
        later = world.cluster(port=port)
        later.start()
        try:
            assert over_tcp(later, port, later.directory.password.read_text().strip()).returncode == 0
        finally:
            later.stop()

    world.tell(story)


def over_tcp(cluster: Cluster, port: int, password: str) -> subprocess.CompletedProcess[str]:
    where = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
    command: list[str | Path] = [
        cluster.binaries.program("psql"),
        "-X",
        "-w",
        "-A",
        "-t",
        "-d",
        where,
        "-c",
        "SELECT current_user",
    ]
    environment = {"PGPASSWORD": password, "PATH": os.environ["PATH"]}
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def test_a_port_in_use_is_one_clear_line(world: World) -> None:
    def story(world: World) -> None:
        port = free_port()
        first = world.cluster(port=port, directory=world.base / "first")
        second = world.cluster(port=port, directory=world.base / "second")
        first.start()
        try:
            with pytest.raises(StartupError, match=f"port {port} of 127.0.0.1 cannot be used .*in use") as caught:
                second.start()
            assert "\n" not in caught.value.message
            assert second.state is State.STOPPED
        finally:
            first.stop()

    world.tell(story)


def test_a_mistake_in_the_users_settings_is_named(world: World) -> None:
    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        cluster.stop()
        with (cluster.placement.data / "postgresql.conf").open("a") as file:
            file.write("no_such_setting = 1\n")
        with pytest.raises(StartupError, match='unrecognized configuration parameter "no_such_setting"'):
            cluster.start()

    world.tell(story)


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_data_directory_that_is_open_to_others_is_closed(world: World, mode: int) -> None:
    """As one is that was copied or restored; PostgreSQL itself refuses it."""

    def story(world: World) -> None:
        cluster = world.cluster()
        cluster.start()
        cluster.stop()
        data = cluster.placement.data
        data.chmod(mode)
        try:
            cluster.start(world.told.append)
            assert stat.S_IMODE(data.stat().st_mode) == 0o700
            assert f"Closing the data directory {data}, which is open to others" in world.told
        finally:
            cluster.stop()

    world.tell(story)


@pytest.mark.skipif(not ROOT, reason="only root can give a directory away")
def test_a_running_one_of_somebody_elses_says_whose_it_is(place: Path) -> None:
    """PostgreSQL would refuse the role, and a URL that nobody gave would be blamed."""
    cluster = World(place).cluster()
    cluster.start()
    try:
        os.chown(cluster.directory.path, 65534, -1)
        with pytest.raises(StartupError, match="belongs to nobody") as caught:
            running_in(cluster.directory.path)
        assert "Run as that user" in str(caught.value.hint)
    finally:
        cluster.stop()


def test_a_forked_process_cannot_stop_it(place: Path) -> None:
    cluster = World(place).cluster()
    cluster.start()
    try:
        in_fork(cluster.stop)
        assert cluster.alive
        assert ask(cluster, "SELECT 1") == "1"
    finally:
        cluster.stop()


if ROOT:

    def test_the_socket_lets_in_nobody_but_the_account_that_runs_pellucid(place: Path) -> None:
        cluster = World(place).cluster()
        cluster.start()
        try:
            where = f"host={cluster.placement.sockets} user=postgres dbname=postgres"
            refused = cluster.placement.account.run(
                [cluster.binaries.program("psql"), "-X", "-d", where, "-c", "SELECT 1"]
            )
            assert "Peer authentication failed" in refused.stderr
            assert ask(cluster, "SELECT 1") == "1"
        finally:
            cluster.stop()
