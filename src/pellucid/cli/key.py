"""``pellucid key``: a key that signs access tokens, for production."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from pellucid.auth.keys import generate_key
from pellucid.errors import StartupError

CONTEXT: dict[str, Any] = {}


def command(
    file: Annotated[
        Path | None,
        typer.Argument(help="Write it here, readable by you alone; otherwise it is shown.", readable=False),
    ] = None,
) -> None:
    """Make a key. Give it to the server as PELLUCID_SIGNING_KEY_FILE (the file) or PELLUCID_SIGNING_KEY (the text)."""
    if file is None:
        typer.echo(generate_key(), nl=False)
        return
    _write(file, generate_key())
    typer.echo(f"Written. Serve with PELLUCID_SIGNING_KEY_FILE={file}", err=True)


def _write(file: Path, text: str) -> None:
    """A key that is there stays: to lose it would sign everybody out."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as fault:
        raise StartupError(f"{file} is there already", hint="choose another name, or move it away first") from fault
    except OSError as fault:
        raise StartupError(f"{file} cannot be written: {fault.strerror}", hint="choose a directory of yours") from fault
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
