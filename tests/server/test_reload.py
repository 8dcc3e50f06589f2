"""Which files are watched, and that none is missed."""

import os
import time
from pathlib import Path
from typing import NoReturn

import pytest

from pellucid.server.reload import changes, folders


def test_hidden_installed_and_generated_folders_are_passed_over(tmp_path: Path) -> None:
    for name in ("mine/inner", ".git/x", "env/lib", "mine/__pycache__", "node_modules/y", ".pellucid/postgres"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert set(folders(tmp_path)) == {tmp_path, tmp_path / "mine", tmp_path / "mine/inner"}


def test_what_changed_before_the_watch_began_is_told(tmp_path: Path) -> None:
    (tmp_path / "a_old.py").touch()
    time.sleep(0.1)
    since = time.time()
    (tmp_path / "new.py").touch()
    (tmp_path / "new.txt").touch()
    assert next(changes([tmp_path], since)) == str(tmp_path / "new.py")


def test_what_was_moved_there_is_told_however_old_it_is(tmp_path: Path) -> None:
    written, place = tmp_path / "a.new", tmp_path / "a.py"
    place.touch()
    written.touch()
    os.utime(written, (1, 1))
    time.sleep(0.1)
    since = time.time()
    written.replace(place)
    assert next(changes([tmp_path], since)) == str(place)


def test_a_new_folder_is_watched_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "first.py").touch()
    told = changes([tmp_path], time.time() - 60)
    assert next(told) == str(tmp_path / "first.py")
    folder = tmp_path / "folder"
    folder.mkdir()
    assert next(told) == str(folder)
    (folder / "inner.py").touch()
    assert next(told) == str(folder / "inner.py")


def test_other_files_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.py").touch()
    told = changes([tmp_path], time.time() - 60)
    next(told)
    (tmp_path / "b.txt").touch()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "c.py").touch()
    assert next(told) == str(tmp_path / "c.py")


class TestWithoutTheKernel:
    """To take all watches that the user may have would take them from the other tests, so the error is raised as watchfiles does."""

    @pytest.fixture(autouse=True)
    def _none_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def watch(*_: object, **__: object) -> NoReturn:
            raise RuntimeError("Error creating recommended watcher: Too many open files (os error 24)")

        monkeypatch.setattr("pellucid.server.reload.watch", watch)

    def test_changes_are_told_all_the_same(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        file = tmp_path / "a.py"
        file.write_text("1")
        told = changes([tmp_path], time.time() - 60)
        assert next(told) == str(file)
        assert "Too many open files (os error 24)); they are looked at every 0.3 s instead" in capsys.readouterr().err
        for text in ("2", "3", "4"):  # of one size, and mostly within one second
            file.write_text(text)
            assert next(told) == str(file)
        file.unlink()
        assert next(told) == str(file)

    def test_a_new_folder_is_watched_from_then_on(self, tmp_path: Path) -> None:
        (tmp_path / "first.py").touch()
        told = changes([tmp_path], time.time() - 60)
        assert next(told) == str(tmp_path / "first.py")
        (tmp_path / "folder").mkdir()
        assert next(told) == str(tmp_path / "folder")
        (tmp_path / "folder" / "inner.py").touch()
        assert next(told) == str(tmp_path / "folder" / "inner.py")

    def test_what_does_not_matter_is_not_told(self, tmp_path: Path) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "a.py").touch()
        told = changes([tmp_path], time.time() - 60)
        next(told)
        (tmp_path / "b.txt").touch()
        (tmp_path / ".hidden").mkdir()
        (tmp_path / "folder").rmdir()
        (tmp_path / "c.py").touch()
        assert next(told) == str(tmp_path / "c.py")
