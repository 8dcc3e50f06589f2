"""The command ``pellucid`` and what becomes of its errors."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from pellucid import __version__
from pellucid.cli.errors import show
from pellucid.errors import StartupError
from pellucid.later import at_once

COMMANDS = ("serve", "trace", "sql", "user", "policy", "doctor", "top", "key", "token")
"""The command ``x`` is the function ``command`` in ``pellucid.cli.x``, with its ``CONTEXT`` of click; or ``app`` there, where it has
commands of its own."""

MISTAKEN = 2
"""The exit status where the command line is not understood."""

_misuse: Any = sys.modules[typer.BadParameter.__module__]
"""Where typer keeps the errors of the command line: in a part of its own, or in the library click."""


class Commands(TyperGroup):
    """Imports a command when it is asked for: the others' imports would make every one of them slow."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; none where there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module = at_once(f"pellucid.cli.{cmd_name}")
        if hasattr(module, "app"):
            return _plain(get_command(module.app), ctx)
        single = typer.Typer(add_completion=False)
        single.command(cmd_name, context_settings=module.CONTEXT)(module.command)
        return _plain(get_command(single), ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of the command line as a whole."""
        _plain(self, ctx)
        super().format_help(ctx, formatter)

    def make_context(self, *args: Any, **more: Any) -> Any:
        """Understand the command line as far as the command's name."""
        with _understood():
            return super().make_context(*args, **more)

    def invoke(self, ctx: Any) -> Any:
        """Understand the rest of it, and run the command."""
        with _understood():
            return super().invoke(ctx)


@contextmanager
def _understood() -> Iterator[None]:
    """A command line that is not understood is told in one line, as every other mistake is; typer has a box for it."""
    try:
        yield
    except _misuse.UsageError as fault:
        if isinstance(fault, _misuse.NoArgsIsHelpError):
            raise
        path = fault.ctx.command_path if fault.ctx else "pellucid"
        show(StartupError(fault.format_message().rstrip("."), hint=f"{path} --help tells what there is"))
        raise typer.Exit(MISTAKEN) from None


def _plain(command: Any, context: Any) -> Any:
    """The same command, whose help shows switches without a type: they take no value."""
    for option in command.get_params(context):
        if getattr(option, "is_flag", False):
            option.metavar = ""
    for inner in getattr(command, "commands", {}).values():
        _plain(inner, context)
    return command


app = typer.Typer(
    cls=Commands,
    help="A data backend you can see to the bottom of.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"Pellucid {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A data backend you can see to the bottom of."""


def main() -> None:
    """Run the command; a failure is one line on standard error and exit status 1."""
    try:
        app()
    except StartupError as error:
        show(error)
        sys.exit(1)
    except PermissionError as fault:
        show(_forbidden(fault))
        sys.exit(1)


def _forbidden(fault: PermissionError) -> StartupError:
    """A file or directory of somebody else's, wherever a command meets it."""
    return StartupError(
        f"{fault.filename or 'a file'} is not open to this user",
        hint="run as the user that it belongs to, or name another with --data or --config",
    )


if __name__ == "__main__":
    main()
