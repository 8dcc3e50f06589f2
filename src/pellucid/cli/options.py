"""Options that many commands have."""

from pathlib import Path
from typing import Annotated

import typer

Db = Annotated[str | None, typer.Option(metavar="URL", help="Open this database instead.")]
Data = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where everything is kept.", readable=False, show_default=".pellucid")
]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Settings as TOML.", readable=False, show_default="pellucid.toml")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
