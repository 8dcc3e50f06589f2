"""Sign-in with a passkey and nothing else."""

from fastapi import APIRouter, Request, Response

from pellucid.auth import documents
from pellucid.auth.factors.schemas import ChallengeAnswer, PasskeyProof
from pellucid.auth.native.answers import browser_answer, sign_in_answer
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client
from pellucid.auth.schemas import BrowserAnswer, SignInAnswer
from pellucid.web.cookies import refuse_other_origins

router = APIRouter(tags=["passkeys"], route_class=AccountsRoute)


@router.post(
    "/login/passkey/challenge", responses=documents.PASSKEY_ASKED, summary="Ask for a challenge for any passkey"
)
async def ask(accounts: AccountsOfApp, response: Response, client: Client) -> ChallengeAnswer:
    """Get options for `navigator.credentials.get` of the browser. No address is asked for: the passkey says whose it is."""
    response.headers.update(NEVER_KEPT)
    return ChallengeAnswer.model_validate(await accounts.passwordless.ask(client))


@router.post("/login/passkey", responses=documents.PASSKEY_PROVED, summary="Sign in with a passkey")
async def sign_in(entry: PasskeyProof, accounts: AccountsOfApp, response: Response, client: Client) -> SignInAnswer:
    """Get tokens for what the browser gave. The passkey has made sure of its owner, so the session is one of `aal2`."""
    response.headers.update(NEVER_KEPT)
    return sign_in_answer(await accounts.passwordless.sign_in(entry.credential, client))


@router.post(
    "/sessions/passkey",
    status_code=201,
    responses=documents.PASSKEY_PROVED_BROWSER,
    summary="Sign a browser in with a passkey",
)
async def sign_in_browser(
    entry: PasskeyProof, request: Request, accounts: AccountsOfApp, response: Response, client: Client
) -> BrowserAnswer:
    """The same for a browser, which gets a cookie and no token."""
    refuse_other_origins(request.scope, plain=not accounts.options.production)
    granted = await accounts.passwordless.sign_in(entry.credential, client, cookie=True)
    response.headers.update(NEVER_KEPT)
    response.headers["Location"] = f"/sessions/{granted.session.id}"
    return browser_answer(granted, response, accounts)
