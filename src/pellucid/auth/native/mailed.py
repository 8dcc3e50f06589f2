"""What mails prove: sign-in by link or code, verification, and a change of address."""

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from pellucid.auth import documents
from pellucid.auth.native.answers import sign_in_answer
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.onetime import CHANGES, Purpose
from pellucid.auth.schemas import AddressEntry, NewAddress, PendingAnswer, ProofEntry, SignInAnswer
from pellucid.web.dependencies import User

router = APIRouter(tags=["mail"], route_class=AccountsRoute)

LETS_IN = (Purpose.VERIFY, Purpose.SIGN_IN, Purpose.INVITE)
"""What a mail was for that proves who one is."""
METHOD = "otp"
"""How ``amr`` names what came by mail."""


class ChangeAnswer(BaseModel):
    """How far a change of address is: ``changed`` once both sides have agreed."""

    changed: bool


@router.post("/login/mail", status_code=202, responses=documents.ASK, summary="Sign in by mail")
async def ask_sign_in(entry: AddressEntry, accounts: AccountsOfApp, client: Client) -> PendingAnswer:
    """Have a mail sent with a link and a code that sign in, if the address is an account's. The answer is the same if not."""
    await accounts.mailed.ask(Purpose.SIGN_IN, entry.email, client)
    return PendingAnswer()


@router.post("/verify/mail", status_code=202, responses=documents.ASK, summary="Send the verification again")
async def ask_verification(entry: AddressEntry, accounts: AccountsOfApp, client: Client) -> PendingAnswer:
    """Have a mail sent that proves the address, if it is that of an account that has not proved it yet."""
    await accounts.mailed.ask(Purpose.VERIFY, entry.email, client)
    return PendingAnswer()


@router.post("/verify", responses=documents.PROVE, summary="Sign in with what a mail brought")
async def prove(entry: ProofEntry, accounts: AccountsOfApp, response: Response, client: Client) -> SignInAnswer:
    """Verify the address and sign in, with the token of the mail's link, or with the address and the code."""
    taken = await accounts.mailed.take(*LETS_IN, client=client, **entry.proof)
    user = await accounts.mailed.verified(taken, client)
    response.headers.update(NEVER_KEPT)
    return sign_in_answer(await accounts.door.let_in(user, METHOD, client=client))


@router.put(
    "/email",
    status_code=202,
    dependencies=[Depends(accounts_of)],
    responses=documents.CHANGE,
    summary="Change my address",
)
async def change(entry: NewAddress, caller: User, accounts: AccountsOfApp, client: Client) -> PendingAnswer:
    """Ask both addresses, the present one and the new one, whether one may replace the other. Nothing changes before both agree."""
    await accounts.change_email(caller, entry.email, client)
    return PendingAnswer()


@router.post("/email/agree", responses=documents.PROVE, summary="Agree to a change of address")
async def agree(entry: ProofEntry, accounts: AccountsOfApp, client: Client) -> ChangeAnswer:
    """Agree for one of the two addresses, with what its mail brought."""
    taken = await accounts.mailed.take(*CHANGES, client=client, **entry.proof)
    user = await accounts.mailed.agree(taken, client)
    return ChangeAnswer(changed=user.new_email is None)
