"""``/inbox``: in development, the mails and text messages that were not sent, as a page and as JSON."""

from html import escape
from uuid import UUID

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from pellucid.auth.mail.tables import Shown
from pellucid.auth.native.base import AccountsOfApp
from pellucid.auth.service import Accounts
from pellucid.database.caller import ACCOUNTS
from pellucid.errors import UnknownRoute
from pellucid.web.pages import page, prefers_html

router = APIRouter(include_in_schema=False)

NEWEST = 50


@router.get("/inbox")
async def show(request: Request, accounts: AccountsOfApp, to: str | None = None) -> Response:
    """The newest mails, the last one first; those ``to`` one address, if it is given."""
    _require_inbox(accounts)
    wanted = select(Shown).order_by(Shown.id.desc()).limit(NEWEST)
    if to is not None:
        wanted = wanted.where(Shown.recipient == to)
    async with accounts.database.read(ACCOUNTS) as reading:
        mails = (await reading.scalars(wanted)).all()
    if prefers_html(request):
        return page(request, "Inbox", "".join(_item(mail) for mail in mails) or "<p>No mail yet.")
    return JSONResponse([_fields(mail) for mail in mails], headers={"Cache-Control": "no-store"})


@router.get("/inbox/{mail_id}")
async def one(mail_id: UUID, accounts: AccountsOfApp) -> Response:
    """One mail, as JSON."""
    _require_inbox(accounts)
    async with accounts.database.read(ACCOUNTS) as reading:
        mail = await reading.get(Shown, mail_id)
    if mail is None:
        raise UnknownRoute("There is no such mail.")
    return JSONResponse(_fields(mail), headers={"Cache-Control": "no-store"})


def _require_inbox(accounts: Accounts) -> None:
    """Go on in development only, where nobody but this machine can ask.

    Raises:
        UnknownRoute: this is production, or mails and text messages are sent.
    """
    kept = accounts.options.mail.url is None or accounts.phones.shown
    if accounts.options.production or not kept:
        raise UnknownRoute("There is no inbox here.")


def _fields(mail: Shown) -> dict[str, str | None]:
    return {
        "id": str(mail.id),
        "from": mail.sender,
        "to": mail.recipient,
        "subject": mail.subject,
        "text": mail.body,
        "html": mail.html,
        "at": mail.created_at.isoformat(),
    }


def _item(mail: Shown) -> str:
    lines = "".join(f"{_linked(line)}\n" for line in mail.body.splitlines())
    head = f"{escape(mail.recipient)} · {mail.created_at:%H:%M:%S}"
    return f"<section><h2>{escape(mail.subject)}</h2><p>{head}<pre>{lines}</pre></section>"


def _linked(line: str) -> str:
    text = escape(line)
    word = line.strip()
    return f"<a href='{escape(word)}'>{text}</a>" if word.startswith(("http://", "https://")) else text
