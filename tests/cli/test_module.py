"""Finding the user's application, and telling what is wrong with it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pellucid.cli.application import load
from pellucid.cli.module import locate
from pellucid.errors import StartupError

APP = "from pellucid import Pellucid\n"


@pytest.fixture(autouse=True)
def imports() -> Iterator[None]:
    """Leave nothing of the user's modules behind."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def title(text: str, directory: Path) -> str:
    return load(locate(text, directory)).title


def refusal(text: str, directory: Path) -> StartupError:
    with pytest.raises(StartupError) as caught:
        load(locate(text, directory))
    return caught.value


@pytest.mark.parametrize("text", ["mine.py", "./mine.py", "mine", "mine:app", "mine.py:app"])
def test_by_file_and_by_module(tmp_path: Path, text: str) -> None:
    write(tmp_path / "mine.py", f"{APP}app = Pellucid(title='it')\nother = Pellucid(title='other')\n")
    assert title(text, tmp_path) == "it"


def test_the_only_one_may_have_any_name(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", f"{APP}api = Pellucid(title='it')\nagain = api\n")
    assert title("mine.py", tmp_path) == "it"


def test_a_file_in_a_package_may_import_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "bundle" / "__init__.py", "")
    write(tmp_path / "bundle" / "names.py", "TITLE = 'it'\n")
    write(tmp_path / "bundle" / "main.py", f"{APP}from .names import TITLE\napp = Pellucid(title=TITLE)\n")
    assert title("bundle/main.py", tmp_path) == "it"
    assert locate("bundle/main.py", tmp_path).root == tmp_path
    assert title("bundle.main", tmp_path) == "it"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"there is no file .*/mine\.py"):
        locate("mine.py", tmp_path)


@pytest.mark.parametrize("text", ["no_such_module", "no_such.module"])
def test_a_missing_module(tmp_path: Path, text: str) -> None:
    assert refusal(text, tmp_path).message == f"there is no module {text} in {tmp_path}"


def test_a_module_that_misses_another_shows_where(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", "\nimport no_such_thing\n")
    error = refusal("mine.py", tmp_path)
    assert error.message == "mine.py cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'"
    assert error.details is not None
    assert 'mine.py", line 2' in error.details
    assert "importlib" not in error.details


def test_a_file_behind_the_name_of_another_module(tmp_path: Path) -> None:
    write(tmp_path / "json.py", f"{APP}app = Pellucid()\n")
    assert refusal("json.py", tmp_path).message == "json.py is hidden by another module named json"


def test_none_in_it(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", "x = 1\n")
    error = refusal("mine.py", tmp_path)
    assert error.message == "mine.py has no Pellucid application"
    assert "app = Pellucid()" in (error.hint or "")


def test_several_in_it(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", f"{APP}one, two = Pellucid(), Pellucid()\n")
    error = refusal("mine.py", tmp_path)
    assert error.message == "mine.py has several applications: one, two"
    assert error.hint == "say which: mine.py:one"


def test_a_name_that_is_something_else(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", "from fastapi import FastAPI\napp = FastAPI()\n")
    assert refusal("mine.py:app", tmp_path).message == "mine.py:app: app is a FastAPI"
    assert "nothing of that name" in refusal("mine.py:nope", tmp_path).message
