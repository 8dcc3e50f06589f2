"""``pellucid policy``: who may do what, and the usual rules."""

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import structs
from rich.console import Console

from pellucid.cli.access import as_json, as_lines, as_tables
from pellucid.cli.database import echo_sql, visit
from pellucid.cli.errors import line
from pellucid.cli.options import Config, Data, Db, Json
from pellucid.cli.sources import load
from pellucid.database.catalog.model import Privilege
from pellucid.policy.applying import apply
from pellucid.policy.facts import Facts, Scope
from pellucid.policy.presets import MEANINGS, Preset, Proposal, Wish, propose
from pellucid.policy.quoting import name as quoted
from pellucid.policy.quoting import relation
from pellucid.policy.refusal import Refusal, nearest
from pellucid.policy.survey import survey
from pellucid.policy.targets import find_table, read_via
from pellucid.settings import Settings

app = typer.Typer(
    name="policy",
    help="Show who may do what, and write the usual rules of row level security.",
    no_args_is_help=True,
    add_completion=False,
)

Apply = Annotated[bool, typer.Option("--apply", help="Run the SQL; without this it is only shown.")]
Asked = Annotated[str, typer.Argument(metavar="TABLE", help="A table, with its schema before it or without.")]
_PRESETS = "; ".join(f"{preset}: {meaning}" for preset, meaning in MEANINGS.items())


@app.command("list")
def list_(  # noqa: PLR0917 - the options of the command line are its arguments
    table: Annotated[str | None, typer.Argument(help="Show this table alone.")] = None,
    role: Annotated[str | None, typer.Option(metavar="ROLE", help="Show this role alone.")] = None,
    as_data: Json = False,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show who may do what: on a terminal as tables, in a pipe one line for each role and right."""

    async def look(connection: Any, scope: Scope) -> Facts:
        facts = await survey(connection, scope)
        _check(facts, table, role)
        return facts

    facts = visit(_settings(db, data, config), look)
    tables = facts.tables if table is None else (find_table(facts.catalog, table),)
    routines = [each for each in facts.routines if each.exposed and table is None]
    roles = facts.roles if role is None else (role,)
    console = Console()
    if as_data:
        typer.echo(json.dumps(as_json(facts, tables, roles, routines), indent=2))
    elif console.is_terminal:
        console.print(as_tables(facts, tables, roles, routines))
    else:
        for each in as_lines(facts, tables, roles, routines):
            typer.echo(each)


@app.command("add")
def add(  # noqa: PLR0917 - the options of the command line are its arguments
    table: Asked,
    preset: Annotated[Preset, typer.Argument(help=_PRESETS)],
    column: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="The column of the owner or the tenant; found where it is plain."),
    ] = None,
    via: Annotated[
        str | None,
        typer.Option(metavar="MEMBERS", help="Who is a member, as table and columns: 'members(tenant_id,user_id)'."),
    ] = None,
    may: Annotated[
        str, typer.Option(metavar="RIGHTS", help="What they may do, such as select,insert; else what the preset says.")
    ] = "",
    to: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE", help="Whom it is for; else whom the preset says. May be repeated."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Drop other policies and take back all grants.")] = False,
    run: Apply = False,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show the SQL of a rule for a table, and run it with --apply. Again gives the same."""

    async def work(connection: Any, scope: Scope) -> Proposal:
        membership = read_via(via) if via else None
        wish = Wish(table, preset, column, membership, _rights(may), tuple(to or ()), replace)
        beyond = (membership.schema,) if membership and membership.schema else ()
        proposal = propose(await survey(connection, structs.replace(scope, beyond=beyond)), wish)
        if run:
            await apply(connection, proposal)
        return proposal

    _tell(visit(_settings(db, data, config), work), run=run)


@app.command("drop")
def drop(  # noqa: PLR0917 - the options of the command line are its arguments
    table: Asked,
    policy: Annotated[str, typer.Argument(metavar="NAME", help="The policy's name.")],
    run: Apply = False,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show the SQL that drops a policy, and run it with --apply. Grants stay."""

    async def work(connection: Any, scope: Scope) -> Proposal:
        facts = await survey(connection, scope)
        found = find_table(facts.catalog, table)
        known = [each.name for each in facts.guards[found.name].policies]
        if policy not in known:
            hint = nearest(policy, known, f"it has {', '.join(known)}" if known else "it has none")
            raise Refusal(f'the table {".".join(found.name)} has no policy "{policy}"', hint=hint)
        proposal = Proposal((f"drop policy {quoted(policy)} on {relation(found.name)}",))
        if run:
            await apply(connection, proposal)
        return proposal

    _tell(visit(_settings(db, data, config), work), run=run)


def _tell(proposal: Proposal, *, run: bool) -> None:
    """The SQL is on standard output, whole and ready for a file; what is said about it is beside."""
    echo_sql("\n".join(f"{statement};" for statement in ("begin", *proposal.statements, "commit")))
    for note in proposal.notes:
        typer.echo(f"note: {line(note)}", err=True)
    typer.echo("Done." if run else "Nothing was changed. Run it with --apply.", err=True)


def _check(facts: Facts, table: str | None, role: str | None) -> None:
    if table is not None:
        find_table(facts.catalog, table)
    if role is not None and role not in facts.roles:
        known = f"these can be taken: {', '.join(facts.roles)}"
        raise Refusal(f"no request can take the role {role}", hint=nearest(role, facts.roles, known))


def _rights(text: str) -> tuple[Privilege, ...]:
    words = [word for word in (part.strip().lower() for part in text.split(",")) if word]
    known = [privilege.value for privilege in Privilege]
    for word in words:
        if word not in known:
            raise Refusal(f"--may {word} is no right", hint=nearest(word, known, f"the rights are {', '.join(known)}"))
    return tuple(privilege for privilege in Privilege if privilege in words)


def _settings(db: str | None, data: Path | None, config: Path | None) -> Settings:
    return load({"db": db, "data": data}, os.environ, config).settings
