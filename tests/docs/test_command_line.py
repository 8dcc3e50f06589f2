"""The reference of the command line has each command and each option, and no other."""

import re
from importlib import import_module

import pytest
import typer
from typer.main import get_command

from pellucid.cli.main import COMMANDS
from tools.reference import REFERENCE

PAGE = (REFERENCE / "command-line.md").read_text()


def options(name: str) -> set[str]:
    """The long options of a command, but for its help."""
    single = typer.Typer(add_completion=False)
    single.command(name)(import_module(f"pellucid.cli.{name}").command)
    parameters = get_command(single).params
    return {option for parameter in parameters for option in parameter.opts if option.startswith("--")} - {"--help"}


def section(name: str) -> str:
    """What the page says about a command."""
    return PAGE.split(f"## pellucid {name}\n", 1)[1].split("\n## ", 1)[0]


def test_each_command_has_its_section() -> None:
    assert re.findall(r"^## pellucid (\w+)$", PAGE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_told(name: str) -> None:
    assert set(re.findall(r"^\| `(--[\w-]+)", section(name), re.MULTILINE)) == options(name)
