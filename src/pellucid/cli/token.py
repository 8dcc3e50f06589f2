"""``pellucid token``: an access token that lives long, for programs and for the clients of Supabase, which call it a key."""

import os
from typing import Annotated, Any
from uuid import UUID

import typer

from pellucid.auth.tokens import open_tokens
from pellucid.cli.options import Config, Data
from pellucid.cli.sources import load
from pellucid.database.caller import INTERNAL_ROLES
from pellucid.errors import FeatureOff, StartupError

CONTEXT: dict[str, Any] = {}
DAY = 24 * 3600
LONGEST = 100 * 365


def command(
    role: Annotated[str, typer.Option(help="The PostgreSQL role: anon, authenticated, service_role or your own.")],
    sub: Annotated[
        UUID | None, typer.Option(metavar="UUID", help="The account that it stands for; otherwise none.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=LONGEST, help="How long it is good.")] = 3650,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make an access token with this server's key and show it. It cannot be called back but by changing the key."""
    if not role or role in INTERNAL_ROLES or role.startswith("pg_"):
        raise StartupError(f"no request may take the role {role or '(empty)'}", hint="name another one with --role")
    settings = load({"data": data}, os.environ, config).settings
    tokens = open_tokens(settings.tokens(), settings.keys())
    try:
        token = tokens.issue(sub, role=role, lifetime=days * DAY)
    except FeatureOff as fault:
        raise StartupError("there is no key to sign tokens with", hint=fault.hint) from fault
    typer.echo(token.text)
    if role == "service_role":
        typer.echo("It passes row level security: keep it on your servers.", err=True)
