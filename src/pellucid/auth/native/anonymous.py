"""Anonymous accounts: begin without a word, become real later, and stay the same account."""

from fastapi import APIRouter, Depends, Response

from pellucid.auth import documents
from pellucid.auth.native.answers import sign_in_answer
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.schemas import PendingAnswer, SignInAnswer, SignUp, UserAnswer
from pellucid.web.dependencies import User

router = APIRouter(tags=["accounts"], route_class=AccountsRoute)


@router.post("/signup/anonymous", status_code=201, responses=documents.ANONYMOUS, summary="Begin without an account")
async def begin(accounts: AccountsOfApp, response: Response, client: Client) -> SignInAnswer:
    """Make an anonymous account and sign in to it. Its tokens are all that proves it: whoever loses them has lost it. The claim
    `is_anonymous` tells policies."""
    granted = await accounts.anonymous.sign_up(client)
    response.headers.update(NEVER_KEPT)
    response.headers["Location"] = f"/users/{granted.user.id}"
    return sign_in_answer(granted)


@router.post(
    "/signup/complete",
    dependencies=[Depends(accounts_of)],
    responses=documents.COMPLETE,
    summary="Make my anonymous account a real one",
)
async def complete(
    entry: SignUp, caller: User, accounts: AccountsOfApp, response: Response, client: Client
) -> UserAnswer | PendingAnswer:
    """Give an anonymous account an address and a password. It keeps its id. Where addresses are verified, the answer is 202, and the
    account is real once the mail has been answered. `is_anonymous` changes with the next access token (`/refresh`)."""
    user = await accounts.anonymous.become(caller, entry, client)
    if user is None:
        response.status_code = 202
        return PendingAnswer()
    return UserAnswer.model_validate(user)
