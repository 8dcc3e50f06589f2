"""Passwords: change one's own, and get another when it is forgotten."""

from fastapi import APIRouter, Depends

from pellucid.auth import documents
from pellucid.auth.credentials import require_fit
from pellucid.auth.native.base import AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.onetime import Purpose
from pellucid.auth.schemas import AddressEntry, PasswordChange, PasswordReset, PendingAnswer
from pellucid.web.dependencies import User

router = APIRouter(tags=["passwords"], route_class=AccountsRoute)


@router.put(
    "/password",
    status_code=204,
    dependencies=[Depends(accounts_of)],
    responses=documents.CHANGE,
    summary="Change my password",
)
async def change(entry: PasswordChange, caller: User, accounts: AccountsOfApp, client: Client) -> None:
    """Replace the password by another. All other sessions of the account end."""
    old = entry.old.get_secret_value() if entry.old else None
    await accounts.change_password(caller, old, entry.new.get_secret_value(), client)


@router.post("/password/recovery", status_code=202, responses=documents.ASK, summary="I forgot my password")
async def recover(entry: AddressEntry, accounts: AccountsOfApp, client: Client) -> PendingAnswer:
    """Have a mail sent with a link and a code, if the address is an account's. The answer is the same if not."""
    await accounts.mailed.ask(Purpose.RECOVER, entry.email, client)
    return PendingAnswer()


@router.post("/password/reset", status_code=204, responses=documents.PROVE, summary="Choose a new password")
async def reset(entry: PasswordReset, accounts: AccountsOfApp, client: Client) -> None:
    """Set a new password with what the mail brought. All sessions end; sign in with the new password, and with a second factor if there
    is one."""
    password = entry.password.get_secret_value()
    require_fit(password, entry.email)
    taken = await accounts.mailed.take(Purpose.RECOVER, client=client, **entry.proof)
    await accounts.reset_password(taken, password, client)
