"""One Pellucid per directory, and only a fit directory."""

import os
import signal
import stat
from pathlib import Path

import pytest

from pellucid.errors import StartupError
from pellucid.postgres.lock import InstanceLock
from tests.postgres.world import ROOT, World, as_account, fork


def test_the_second_holder_learns_who_the_first_is(world: World) -> None:
    def story(world: World) -> None:
        with InstanceLock(world.directory), pytest.raises(StartupError) as caught:
            InstanceLock(world.directory).acquire()
        assert f"in use by process {os.getpid()}" in caught.value.message
        assert caught.value.hint
        InstanceLock(world.directory).acquire()

    world.tell(story)


def test_the_directory_is_made_owner_only_and_closed_when_it_is_open(world: World) -> None:
    def story(world: World) -> None:
        with InstanceLock(world.directory):
            pass
        world.directory.chmod(0o755)
        with InstanceLock(world.directory) as lock:
            lock.acquire()
            for path in (lock.directory.path, lock.directory.secrets, lock.directory.lock):
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0

    world.tell(story)


def test_the_secrets_are_no_symbolic_link(world: World) -> None:
    def story(world: World) -> None:
        elsewhere = world.directory.parent / "elsewhere"
        elsewhere.mkdir(0o755)
        elsewhere.chmod(0o755)
        with InstanceLock(world.directory) as lock:
            lock.directory.secrets.rmdir()
            lock.directory.secrets.symlink_to(elsewhere)
        with pytest.raises(StartupError, match="cannot be used"):
            InstanceLock(world.directory).acquire()
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755

    world.tell(story)


def test_a_forked_process_neither_holds_nor_releases_it(place: Path) -> None:
    lock = InstanceLock(place / "instance")
    lock.acquire()
    ready, go = os.pipe(), os.pipe()
    child = fork()
    if child == 0:
        lock.release()
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    with pytest.raises(StartupError, match=f"process {os.getpid()}"):
        InstanceLock(place / "instance").acquire()
    lock.release()
    with InstanceLock(place / "instance"):
        os.write(go[1], b"x")
    os.waitpid(child, 0)
    for end in (*ready, *go):
        os.close(end)


def test_a_killed_holder_holds_nothing(place: Path) -> None:
    reader, writer = os.pipe()
    child = fork()
    if child == 0:
        InstanceLock(place / "instance").acquire()
        os.write(writer, b"x")
        signal.pause()
    os.read(reader, 1)
    with pytest.raises(StartupError, match=f"process {child}"):
        InstanceLock(place / "instance").acquire()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    InstanceLock(place / "instance").acquire()
    os.close(reader)
    os.close(writer)


def refused(directory: Path, why: str) -> None:
    with pytest.raises(StartupError, match=why) as caught:
        InstanceLock(directory).acquire()
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_missing_parent_is_named(world: World) -> None:
    world.tell(lambda world: refused(world.base / "no" / "instance", "does not exist"))


def test_a_file_is_no_directory(world: World) -> None:
    def story(world: World) -> None:
        world.directory.write_text("")
        refused(world.directory, "is not a directory")
        refused(world.directory / "below", "Not a directory")

    world.tell(story)


def test_a_directory_with_other_things_is_left_alone(world: World) -> None:
    def story(world: World) -> None:
        world.directory.mkdir()
        world.directory.chmod(0o755)
        (world.directory / "thesis.tex").write_text("")
        refused(world.directory, "holds other things")
        assert stat.S_IMODE(world.directory.stat().st_mode) == 0o755

    world.tell(story)


def unwritable(base: Path) -> None:
    (base / "closed").mkdir(0o500)
    refused(base / "closed" / "instance", "Permission denied")


if ROOT:

    def test_an_unwritable_directory_is_named(world: World) -> None:
        os.chown(world.base, 65534, 65534)
        as_account("nobody", lambda: unwritable(world.base))

    def test_somebody_elses_directory_is_refused(place: Path) -> None:
        (place / "instance").mkdir(0o755)
        as_account("nobody", lambda: refused(place / "instance", "belongs to root"))
        os.chown(place / "instance", 65534, 65534)
        refused(place / "instance", "belongs to nobody")

else:

    def test_an_unwritable_directory_is_named(world: World) -> None:
        unwritable(world.base)

    def test_somebody_elses_directory_is_refused(place: Path) -> None:
        assert place.exists()
        refused(Path("/usr"), "belongs to root")
