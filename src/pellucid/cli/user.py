"""``pellucid user``: the accounts of this instance, for whoever runs it."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from pellucid.auth.admin.schemas import AdminUserAnswer
from pellucid.auth.admin.service import FOREVER, OPERATORS, NewAccount
from pellucid.auth.audit import Event
from pellucid.auth.credentials import require_fit
from pellucid.auth.onetime import Purpose
from pellucid.auth.service import Accounts
from pellucid.auth.sessions.service import sessions_of
from pellucid.auth.tables import User
from pellucid.cli.accounts import visit
from pellucid.cli.errors import line
from pellucid.cli.options import Config, Data, Db, Json
from pellucid.database.caller import ACCOUNTS
from pellucid.errors import StartupError

app = typer.Typer(
    name="user",
    help="Make, invite, ban and delete accounts; export and erase a person's data.",
    no_args_is_help=True,
    add_completion=False,
)

App = Annotated[
    str | None, typer.Option("--app", metavar="FILE", help="Your application, such as app.py: its hooks are called.")
]
Who = Annotated[str, typer.Argument(metavar="USER", help="The account: its id or its address.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_(  # noqa: PLR0917 - the options of the command line are its arguments
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")] = 100,
    offset: Annotated[int, typer.Option(min=0, help="How many to skip.")] = 0,
    as_data: Json = False,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show the accounts, the oldest first: on a terminal as a table, in a pipe one line for each."""

    async def work(accounts: Accounts) -> list[AdminUserAnswer]:
        users, _total = await accounts.administration.page(limit, offset)
        return [AdminUserAnswer.model_validate(user) for user in users]

    users = visit(db, data, config, work)
    if as_data:
        typer.echo(json.dumps([user.model_dump(mode="json") for user in users], indent=2))
    elif sys.stdout.isatty():
        Console().print(_table("Accounts", ("id", "address", "role", "state", "last sign-in"), map(_row, users)))
    else:
        for user in users:
            typer.echo("\t".join(_row(user)))


@app.command("create")
def create(  # noqa: PLR0917 - the options of the command line are its arguments
    email: Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address.")],
    password: Annotated[
        bool, typer.Option("--password", help="Read a password, from the terminal or from a pipe.")
    ] = False,
    unverified: Annotated[bool, typer.Option("--unverified", help="The address is still to be proved.")] = False,
    role: Annotated[str, typer.Option(help="The PostgreSQL role of its requests.")] = "authenticated",
    application: App = None,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make an account and print its id. Without a password it is entered by mail or by a link."""
    new = NewAccount(email, _password() if password else None, not unverified, role)

    async def work(accounts: Accounts) -> User:
        return await accounts.administration.create(new)

    typer.echo(visit(db, data, config, work, application).id)


@app.command("invite")
def invite(
    email: Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address.")],
    application: App = None,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make an account and send a mail whose link lets its owner in. The server sends it, now or when it is started."""

    async def work(accounts: Accounts) -> User:
        return await accounts.administration.invite(email)

    typer.echo(visit(db, data, config, work, application).id)


@app.command("ban")
def ban(
    who: Who,
    days: Annotated[float | None, typer.Option(min=0.001, max=36_500, help="For how long; otherwise for good.")] = None,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Keep an account out; its sessions end."""
    until = FOREVER if days is None else datetime.now(UTC) + timedelta(days=days)

    async def work(accounts: Accounts) -> None:
        user = await accounts.administration.find_by(who)
        await accounts.administration.ban(user.id, until)

    visit(db, data, config, work)


@app.command("unban")
def unban(who: Who, db: Db = None, data: Data = None, config: Config = None) -> None:
    """Let an account in again."""

    async def work(accounts: Accounts) -> None:
        user = await accounts.administration.find_by(who)
        await accounts.administration.unban(user.id)

    visit(db, data, config, work)


@app.command("delete")
def delete(who: Who, yes: Yes = False, db: Db = None, data: Data = None, config: Config = None) -> None:
    """Delete an account. `pellucid user erase` also erases what your application knows of the person."""

    async def work(accounts: Accounts) -> None:
        user = await accounts.administration.find_by(who)
        await accounts.administration.delete(user.id)

    _sure(yes, f"Delete {who}?")
    visit(db, data, config, work)


@app.command("link")
def link(
    email: Annotated[str, typer.Argument(metavar="ADDRESS", help="The e-mail address of the account.")],
    purpose: Annotated[str, typer.Option(help="sign_in, recover, verify or invite.")] = "sign_in",
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print a link that is as good as the mail: whoever has it can use it, once."""
    if purpose not in {"sign_in", "recover", "verify", "invite"}:
        raise StartupError(f"there is no link for {purpose}", hint="name sign_in, recover, verify or invite")

    async def work(accounts: Accounts) -> str:
        return (await accounts.links.generate(Purpose(purpose), email)).url

    typer.echo(visit(db, data, config, work))


@app.command("impersonate")
def impersonate(  # noqa: PLR0917 - the options of the command line are its arguments
    who: Who,
    reason: Annotated[str, typer.Option(help="What for; it stands in the audit log.")],
    application: App = None,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print an access token in the name of an account. It says who acts, ends within the hour, and stands in the audit log."""

    async def work(accounts: Accounts) -> str:
        user = await accounts.administration.find_by(who)
        return (await accounts.administration.impersonate(user.id, reason)).access.text

    typer.echo(visit(db, data, config, work, application))


@app.command("export")
def export(who: Who, application: App = None, db: Db = None, data: Data = None, config: Config = None) -> None:
    """Print all that is known of a person as JSON, with what the hooks of your application add."""

    async def work(accounts: Accounts) -> dict[str, Any]:
        user = await accounts.administration.find_by(who)
        return await accounts.personal.export(user.id)

    typer.echo(json.dumps(visit(db, data, config, work, application), indent=2, ensure_ascii=not sys.stdout.isatty()))


@app.command("erase")
def erase(  # noqa: PLR0917 - the options of the command line are its arguments
    who: Who, application: App = None, yes: Yes = False, db: Db = None, data: Data = None, config: Config = None
) -> None:
    """Erase a person: what the hooks of your application erase, and everything of the account. It cannot be undone."""

    async def work(accounts: Accounts) -> None:
        user = await accounts.administration.find_by(who)
        await accounts.personal.erase(user.id)

    _sure(yes, f"Erase {who}? It cannot be undone.")
    visit(db, data, config, work, application)


@app.command("password")
def password(who: Who, db: Db = None, data: Data = None, config: Config = None) -> None:
    """Set a password, read from the terminal or from a pipe. All sessions of the account end."""
    new = _password()

    async def work(accounts: Accounts) -> None:
        user = await accounts.administration.find_by(who)
        require_fit(new, user.email)
        await accounts.administration.change(user.id, {}, password=new)

    visit(db, data, config, work)


@app.command("sessions")
def sessions(
    who: Who,
    end: Annotated[bool, typer.Option("--end", help="End them all.")] = False,
    db: Db = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show where an account is signed in, or sign it out everywhere."""

    async def work(accounts: Accounts) -> list[tuple[str, ...]]:
        user = await accounts.administration.find_by(who)
        if end:
            await accounts.sessions.revoke(user.id, client=OPERATORS.client, event=Event.SESSIONS_REVOKED)
        async with accounts.database.read(ACCOUNTS) as reading:
            found = await sessions_of(reading, user.id)
        return [
            (str(each.id), each.aal, line(each.address or "-"), _when(each.last_used_at), line(each.agent or "-"))
            for each in found
        ]

    rows = visit(db, data, config, work)
    if sys.stdout.isatty():
        Console().print(_table("Sessions", ("id", "assurance", "address", "last used", "device"), rows))
    else:
        for row in rows:
            typer.echo("\t".join(row))


def _row(user: AdminUserAnswer) -> tuple[str, ...]:
    return str(user.id), line(user.email or "-"), line(user.role), _state(user), _when(user.last_sign_in_at)


def _state(user: AdminUserAnswer) -> str:
    if user.banned_until is not None and user.banned_until > datetime.now(UTC):
        return "banned"
    if user.is_anonymous:
        return "anonymous"
    return "verified" if user.email_verified_at else "unverified"


def _when(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if moment else "-"


def _table(title: str, columns: tuple[str, ...], rows: Any) -> Table:
    table = Table(*columns, title=title, title_justify="left", title_style="bold", header_style="dim")
    for row in rows:
        table.add_row(*row)
    return table


def _password() -> str:
    """A password is never an argument: other people of the machine see those."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


def _sure(yes: bool, question: str) -> None:
    if not yes:
        typer.confirm(question, abort=True)
