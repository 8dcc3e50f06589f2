"""The reference of the command line has each command and each option, and no other."""

import re
from importlib import import_module
from typing import Any

import pytest
import typer
from typer.main import get_command

from pellucid.cli.main import COMMANDS
from tools.reference import REFERENCE

PAGE = (REFERENCE / "command-line.md").read_text()


def options(name: str) -> set[str]:
    """The long options of a command and of its own commands, but for its help."""
    module = import_module(f"pellucid.cli.{name}")
    single = typer.Typer(add_completion=False)
    if hasattr(module, "app"):
        single = module.app
    else:
        single.command(name)(module.command)
    command = get_command(single)
    parameters = [*command.params, *(each for sub in commands(name) for each in sub.params)]
    return {option for parameter in parameters for option in parameter.opts if option.startswith("--")} - {"--help"}


def commands(name: str) -> list[Any]:
    """A command's own commands."""
    module = import_module(f"pellucid.cli.{name}")
    return list(getattr(get_command(module.app), "commands", {}).values()) if hasattr(module, "app") else []


def section(name: str) -> str:
    """What the page says about a command."""
    return PAGE.split(f"## pellucid {name}\n", 1)[1].split("\n## ", 1)[0]


def test_each_command_has_its_section() -> None:
    assert re.findall(r"^## pellucid (\w+)$", PAGE, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_of_a_command_has_its_usage(name: str) -> None:
    assert re.findall(rf"^pellucid {name} (\w+)", section(name), re.MULTILINE) == [each.name for each in commands(name)]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_told(name: str) -> None:
    assert set(re.findall(r"^\| `(--[\w.-]+)", section(name), re.MULTILINE)) == options(name)
