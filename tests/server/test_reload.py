"""Which files are watched, and that none is missed."""

import os
import time
from pathlib import Path

from pellucid.server.reload import changes, folders


def test_hidden_installed_and_generated_folders_are_passed_over(tmp_path: Path) -> None:
    for name in ("mine/inner", ".git/x", "env/lib", "mine/__pycache__", "node_modules/y", ".pellucid/postgres"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert set(folders(tmp_path)) == {tmp_path, tmp_path / "mine", tmp_path / "mine/inner"}


def test_what_changed_before_the_watch_began_is_told(tmp_path: Path) -> None:
    old = tmp_path / "old.py"
    old.touch()
    os.utime(old, (1, 1))
    since = time.time() - 60
    (tmp_path / "new.py").touch()
    (tmp_path / "new.txt").touch()
    assert next(changes([tmp_path], since)) == str(tmp_path / "new.py")


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
