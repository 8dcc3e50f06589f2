"""The native routes of the accounts. They stand before the generated ones, so a table named ``users`` is reached under /rest/v1 only.

``/token`` speaks OAuth 2.0, errors included (RFC 6749, 5.2), for that is what its clients read; all others answer with problem+json.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from pellucid.auth import documents
from pellucid.auth.grants import GrantRefused, RefreshGrant, read_grant
from pellucid.auth.native import (
    admin,
    anonymous,
    apikeys,
    factors,
    identities,
    inbox,
    mailed,
    others,
    passkeys,
    passwords,
    phone,
    sessions,
    verify,
)
from pellucid.auth.native.answers import sign_in_answer
from pellucid.auth.native.base import (
    FOR_CALLERS,
    NEVER_KEPT,
    AccountsOfApp,
    AccountsRoute,
    Client,
    accounts_of,
    signed_in,
)
from pellucid.auth.people import find_user, find_users
from pellucid.auth.schemas import (
    GrantRefusal,
    KeySetAnswer,
    PendingAnswer,
    SignIn,
    SignInAnswer,
    SignUp,
    TokenAnswer,
    UserAnswer,
    UserQuery,
)
from pellucid.auth.service import Accounts
from pellucid.auth.sessions.service import Granted
from pellucid.errors import Forbidden, SessionEnded, WrongCredentials
from pellucid.web.dependencies import ReadSession, User

KEYS_LIVE = 300
"""Seconds for which the published keys may be kept by those who fetch them."""

__all__ = ["accounts_of", "router", "signed_in"]

router = APIRouter(tags=["accounts"], route_class=AccountsRoute)


@router.post("/signup", status_code=201, responses=documents.SIGN_UP, summary="Sign up")
async def sign_up(
    entry: SignUp, accounts: AccountsOfApp, response: Response, client: Client
) -> UserAnswer | PendingAnswer:
    """Make an account with an e-mail address and a password. Sign in with it at `/login`. Where addresses are verified, the answer is
    202 and a mail follows, whether the address is new or not."""
    user = await accounts.sign_up(entry, client)
    if accounts.options.verify_email or user is None:
        response.status_code = 202
        return PendingAnswer()
    response.headers["Location"] = f"/users/{user.id}"
    return UserAnswer.model_validate(user)


@router.post("/login", responses=documents.SIGN_IN, summary="Sign in")
async def sign_in(entry: SignIn, accounts: AccountsOfApp, response: Response, client: Client) -> SignInAnswer:
    """Get an access token for an e-mail address and a password. Send it as `Authorization: Bearer …`."""
    granted = await accounts.sign_in(entry, client)
    response.headers.update(NEVER_KEPT)
    return sign_in_answer(granted)


@router.post(
    "/token",
    responses={**documents.TOKEN, 400: {**documents.TOKEN[400], "model": GrantRefusal}},
    response_model=TokenAnswer,
    openapi_extra=documents.TOKEN_FORM,
    summary="Sign in or refresh with a form (OAuth 2.0)",
)
async def token(request: Request, accounts: AccountsOfApp, client: Client) -> JSONResponse:
    """The grants `password` and `refresh_token` of OAuth 2.0, for tools that speak it: as a form, or as JSON with the same fields.
    `username` is the e-mail address."""
    try:
        granted = await _granted(accounts, await read_grant(request), client)
    except GrantRefused as refused:
        return _answer(refused.refusal, 400)
    except (WrongCredentials, SessionEnded, Forbidden) as fault:
        return _answer(GrantRefusal(error="invalid_grant", error_description=fault.message), 400)
    tokens = TokenAnswer(
        access_token=granted.access.text,
        expires_in=granted.access.expires_in,
        refresh_token=granted.refresh_token or "",
    )
    return _answer(tokens, 200)


async def _granted(accounts: Accounts, grant: SignIn | RefreshGrant, client: Client) -> Granted:
    if isinstance(grant, RefreshGrant):
        return await accounts.sessions.refresh(grant.token, client)
    return await accounts.sign_in(grant, client)


@router.get("/users/me", dependencies=[Depends(accounts_of)], responses=documents.ME, summary="My account")
async def read_me(caller: User, session: ReadSession) -> UserAnswer:
    """The account that the access token belongs to."""
    return UserAnswer.model_validate(await find_user(session, UUID(str(caller.user_id))))


@router.get("/users/{id}", dependencies=FOR_CALLERS, responses=documents.USER, summary="One account")
async def read_user(user_id: Annotated[UUID, Path(alias="id")], session: ReadSession) -> UserAnswer:
    """One account, if you may see it: your own, or any with the role service_role. PostgreSQL's row level security decides."""
    return UserAnswer.model_validate(await find_user(session, user_id))


@router.get("/users", dependencies=FOR_CALLERS, responses=documents.USERS, summary="The accounts I may see")
async def list_users(query: Annotated[UserQuery, Query()], session: ReadSession) -> list[UserAnswer]:
    """The accounts that you may see, oldest first: your own, or all with the role service_role."""
    return [UserAnswer.model_validate(user) for user in await find_users(session, query)]


@router.get("/.well-known/jwks.json", tags=["keys"], summary="The keys that access tokens are checked with")
async def published_keys(request: Request, response: Response) -> KeySetAnswer:
    """A JWK Set (RFC 7517) with the public keys, for services that check access tokens themselves."""
    accounts: Accounts = request.app.state.accounts
    response.headers["Cache-Control"] = f"public, max-age={KEYS_LIVE}"
    return KeySetAnswer.model_validate(accounts.tokens.keys.published())


def _answer(content: TokenAnswer | GrantRefusal, status: int) -> JSONResponse:
    return JSONResponse(content.model_dump(), status, NEVER_KEPT)


PARTS = (
    sessions,
    passwords,
    anonymous,
    passkeys,
    others,
    identities,
    apikeys,
    mailed,
    verify,
    phone,
    inbox,
    factors,
    admin,
)
for part in PARTS:
    router.routes.extend(part.router.routes)
