"""The page that the links of mails lead to. It changes nothing by being looked at, for programs look at links too: a button does."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from pellucid.auth.client import Client, client_of
from pellucid.auth.credentials import require_fit
from pellucid.auth.native.answers import hand_cookie
from pellucid.auth.native.base import AccountsRoute, accounts_of
from pellucid.auth.native.mailed import LETS_IN, METHOD
from pellucid.auth.onetime import CHANGES, Purpose
from pellucid.auth.service import Accounts
from pellucid.errors import PellucidError
from pellucid.web.content import read_form
from pellucid.web.cookies import require_same_origin
from pellucid.web.pages import page

router = APIRouter(include_in_schema=False, route_class=AccountsRoute)

WORDS = {
    Purpose.VERIFY: ("Is this your address?", "Yes, it is mine"),
    Purpose.SIGN_IN: ("Sign in", "Sign in"),
    Purpose.INVITE: ("You are invited", "Accept"),
    Purpose.RECOVER: ("A new password", "Set this password"),
    Purpose.CHANGE_EMAIL_OLD: ("Change your address?", "Yes, change it"),
    Purpose.CHANGE_EMAIL_NEW: ("Is this your new address?", "Yes, it is mine"),
}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
"""The address of the page is a secret: it is told to nobody."""
PASSWORD = "<p><label>New password <input name=password type=password autocomplete=new-password required></label>"  # noqa: S105 - HTML


@router.get("/verify")
def show(request: Request, token: Annotated[str, Query()] = "", purpose: Annotated[str, Query()] = "") -> HTMLResponse:
    """Ask whether it is meant."""
    if purpose not in WORDS:
        return _page(request, "This link leads nowhere", "<p>It is not complete. Copy all of it from the mail.")
    title, button = WORDS[Purpose(purpose)]
    hidden = "".join(
        f"<input type=hidden name={name} value='{escape(value)}'>"
        for name, value in (("token", token), ("purpose", purpose))
    )
    field = PASSWORD if purpose == Purpose.RECOVER else ""
    return _page(
        request, title, f"<form method=post action=verify/link>{hidden}{field}<p><button>{button}</button></form>"
    )


@router.post("/verify/link")
async def use(request: Request) -> Response:
    """Do what the link is for, and tell how it went. A link that signs in gives this browser a cookie."""
    accounts, client = accounts_of(request), client_of(request)
    require_same_origin(request.scope, plain=not accounts.options.production)
    fields = await read_form(request)
    try:
        return await _used(request, accounts, fields, client)
    except PellucidError as fault:
        if fault.status >= 500:
            raise
        answer = _page(request, type(fault).title, f"<p>{escape(fault.message)} {escape(fault.hint or fault.way_out)}")
        answer.status_code = fault.status
        answer.headers.update(fault.headers)
        return answer


async def _used(request: Request, accounts: Accounts, fields: dict[str, str], client: Client) -> Response:
    token, purpose = fields.get("token", ""), fields.get("purpose", "")
    match purpose:
        case Purpose.RECOVER:
            password = fields.get("password", "")
            require_fit(password, None)
            await accounts.reset_password(
                await accounts.mailed.take(purpose, token=token, client=client), password, client
            )
            return _page(request, "Your password is changed", "<p>Sign in with the new one.")
        case _ if purpose in CHANGES:
            user = await accounts.mailed.agree(await accounts.mailed.take(purpose, token=token, client=client), client)
            said = "Your address is changed" if user.new_email is None else "Now the other address has to agree"
            return _page(request, said, "<p>You can close this page.")
        case _:
            user = await accounts.mailed.verified(
                await accounts.mailed.take(*LETS_IN, token=token, client=client), client
            )
            granted = await accounts.door.let_in(user, METHOD, client=client, cookie=True)
            answer = _page(request, "You are signed in", "<p>You can close this page.")
            hand_cookie(granted, answer, accounts)
            return answer


def _page(request: Request, title: str, content: str) -> HTMLResponse:
    answer = page(request, title, content)
    answer.headers.update(HEADERS)
    return answer
