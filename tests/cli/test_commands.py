"""The command line itself."""

import json
import stat
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pellucid import __version__
from pellucid.cli.banner import Facts, Terminal
from pellucid.cli.errors import show
from pellucid.cli.main import COMMANDS, app
from pellucid.errors import StartupError
from pellucid.settings import Settings

runner = CliRunner()

HEAVY = {"fastapi", "pydantic", "sqlalchemy", "asyncpg", "uvicorn", "asyncio"}


def test_the_version_is_told_without_importing_the_rest() -> None:
    code = "import sys, pellucid.cli.main as m\ntry: m.app(['--version'])\nexcept SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    version, modules = done.stdout.splitlines()
    assert version == f"Pellucid {__version__}"
    assert not HEAVY & set(modules.split())


def test_serve_reads_its_settings_before_anything_large_is_imported() -> None:
    """PostgreSQL is started by then, and starts while the rest is imported."""
    code = "import sys, pellucid.cli.serve; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not (HEAVY - {"pydantic", "asyncio"}) & set(done.stdout.split())


def test_help_names_every_command() -> None:
    result = runner.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    assert runner.invoke(app, [command, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    "arguments", [["nope"], ["serve", "--nope"], ["serve", "--port"], ["policy", "nope"], ["key", "a", "b"]]
)
def test_wrong_usage_is_one_line_and_has_status_2(arguments: list[str]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "--help tells what there is" in line


@pytest.mark.parametrize("arguments", [["--port", "abc"], ["--workers", "x"], ["--postgres-port", "1.5"]])
def test_a_number_that_is_none_is_told_as_in_the_environment(arguments: list[str]) -> None:
    error = runner.invoke(app, ["serve", *arguments]).exception
    assert isinstance(error, StartupError)
    name = arguments[0].removeprefix("--").replace("-", "_")
    assert error.message == f"{name} in {arguments[0]}: it is no whole number"
    assert error.hint == f"it is {Settings.model_fields[name].description}"


@pytest.mark.parametrize("arguments", [[], ["serve"], ["policy", "add"], ["doctor"]], ids=str)
def test_the_help_shows_switches_as_such(arguments: list[str]) -> None:
    assert "<bool>" not in runner.invoke(app, [*arguments, "--help"]).output


def test_a_directory_is_no_application(tmp_path: Path) -> None:
    error = runner.invoke(app, ["serve", f"{tmp_path}/"]).exception
    assert isinstance(error, StartupError)
    assert error.message == f"{tmp_path} is a directory"


def test_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "pellucid", "-V"], capture_output=True, text=True, check=True)
    assert done.stdout == f"Pellucid {__version__}\n"


class TestKey:
    def test_it_is_shown(self) -> None:
        result = runner.invoke(app, ["key"])
        (key,) = json.loads(result.output)["keys"]
        assert key["d"]

    def test_it_is_written_for_its_owner_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "key.json"
        result = runner.invoke(app, ["key", str(file)])
        assert result.exit_code == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        (key,) = json.loads(file.read_text())["keys"]
        assert key["d"] not in result.output

    def test_one_that_is_there_stays(self, tmp_path: Path) -> None:
        file = tmp_path / "key.json"
        file.write_text("precious")
        result = runner.invoke(app, ["key", str(file)])
        assert isinstance(result.exception, StartupError)
        assert "is there already" in result.exception.message
        assert file.read_text() == "precious"

    def test_where_nothing_can_be_written(self, tmp_path: Path) -> None:
        result = runner.invoke(app, ["key", str(tmp_path / "no" / "key.json")])
        assert isinstance(result.exception, StartupError)
        assert "cannot be written: No such file" in result.exception.message


def test_sql_makes_no_database(tmp_path: Path) -> None:
    result = runner.invoke(app, ["sql", "--data", str(tmp_path / "none"), "-c", "select 1"])
    assert isinstance(result.exception, StartupError)
    assert "there is no database in" in result.exception.message
    assert not (tmp_path / "none").exists()


AS_NOBODY = """
import importlib, os, sys
importlib.import_module("pellucid.cli." + sys.argv[1])
from pellucid.cli.main import main
os.geteuid() or os.setuid(65534)
main()
"""


@pytest.mark.parametrize(
    "command",
    ["sql -c select", "doctor", "policy list", "token --role anon"],
    ids=lambda command: command.split()[0],
)
def test_what_belongs_to_somebody_else_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(0)
    words = [sys.executable, "-c", AS_NOBODY, *command.split(), "--data", str(closed / "instance")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert str(closed / "instance") in line
    assert "--data" in line


def test_a_settings_file_that_may_not_be_read_is_ours_to_tell(tmp_path: Path) -> None:
    """typer would refuse it in a box of its own, with another status."""
    result = runner.invoke(app, ["serve", "--config", str(tmp_path)])
    assert isinstance(result.exception, StartupError)


class TestErrors:
    @staticmethod
    def shown(error: StartupError) -> str:
        stream = StringIO()
        show(error, stream)
        return stream.getvalue()

    def test_one_line_with_the_way_out(self) -> None:
        assert self.shown(StartupError("it is\nbroken", hint="mend it")) == "error: it is broken → mend it\n"

    def test_the_authors_traceback_stands_before(self) -> None:
        assert (
            self.shown(StartupError("it is broken", details="line 1\nline 2"))
            == "line 1\nline 2\nerror: it is broken\n"
        )

    def test_nothing_commands_the_terminal(self) -> None:
        error = StartupError("\x1b[2Jcleared", details="\x1b]0;title\x07", hint="\r\x9b")
        assert not {"\x1b", "\x07", "\r", "\x9b"} & set(self.shown(error))


class TestTerminal:
    FACTS = Facts(
        "development",
        "PostgreSQL 18",
        "http://127.0.0.1:8000",
        "1",
        (("accounts · missing: x", "create role x;\ngrant x to y;"),),
        ("requests log in as a superuser",),
    )

    @staticmethod
    def terminal(*, person: bool) -> tuple[Terminal, StringIO]:
        stream = StringIO()
        return Terminal(Console(file=stream, force_terminal=person, soft_wrap=True, width=20)), stream

    def test_plain_lines_where_nobody_looks_on(self) -> None:
        terminal, stream = self.terminal(person=False)
        with terminal.progress("First") as progress:
            progress("Second")
        terminal.expect(self.FACTS)
        terminal.ready()
        lines = stream.getvalue().splitlines()
        assert lines[:2] == ["First …", "Second …"]
        assert "  API       http://127.0.0.1:8000" in lines
        assert "  Docs      http://127.0.0.1:8000/docs" in lines
        place = lines.index("  Off: accounts · missing: x")
        assert lines[place + 1 : place + 3] == ["       create role x;", "       grant x to y;"]
        assert "  Caution: requests log in as a superuser" in lines
        assert "\x1b" not in stream.getvalue()

    def test_colour_for_a_person(self) -> None:
        terminal, stream = self.terminal(person=True)
        terminal.expect(self.FACTS)
        terminal.ready()
        assert "\x1b[" in stream.getvalue()

    def test_a_terminal_that_is_gone_stops_nothing(self) -> None:
        class Gone(StringIO):
            def write(self, _: str) -> int:
                raise BrokenPipeError

        terminal = Terminal(Console(file=Gone()))
        terminal.stopping()
        with terminal.progress("First") as progress:
            progress("Second")
