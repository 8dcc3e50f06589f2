"""The routes of the accounts. They stand before the generated ones, so a table named ``users`` is reached under /rest/v1 only.

``/token`` speaks OAuth 2.0, errors included (RFC 6749, 5.2), for that is what its clients read; all others answer with problem+json.
"""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from pellucid.auth import documents
from pellucid.auth.grants import GrantRefused, read_password_grant
from pellucid.auth.schemas import (
    GrantRefusal,
    KeySetAnswer,
    SignIn,
    SignInAnswer,
    SignUp,
    TokenAnswer,
    UserAnswer,
    UserQuery,
)
from pellucid.auth.service import Accounts, find_user, find_users
from pellucid.database.capabilities import Feature
from pellucid.errors import Unauthenticated, WrongCredentials
from pellucid.web.content import FORM_BYTES
from pellucid.web.dependencies import Identity, ReadSession, User
from pellucid.web.limits import within
from pellucid.web.options import Limits

KEYS_LIVE = 300
"""Seconds for which the published keys may be kept by those who fetch them."""
NEVER_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""What an answer with a token carries (RFC 6749, 5.1)."""

ENTRY = Limits(body=FORM_BYTES)
"""An address and a password are short. Anybody may send them, so what takes long to read or to find fault with ends here."""


class AccountsRoute(APIRoute):
    """A route that reads small bodies only, before anything is parsed."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler behind the limit."""
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            return await handle(within(ENTRY, request))

        return limited


router = APIRouter(tags=["accounts"], route_class=AccountsRoute)


def accounts_of(request: Request) -> Accounts:
    """The accounts of this application, which its start-up puts at ``app.state.accounts``.

    Raises:
        FeatureOff: the database has no room for accounts.
    """
    accounts: Accounts = request.app.state.accounts
    accounts.database.capabilities.require(Feature.ACCOUNTS)
    return accounts


def signed_in(caller: Identity) -> None:
    """Let only those in who sent a good token.

    Raises:
        Unauthenticated: the caller is anonymous.
    """
    if not caller.authenticated:
        raise Unauthenticated("Only those who have signed in may see accounts.")


AccountsOfApp = Annotated[Accounts, Depends(accounts_of)]
FOR_CALLERS = [Depends(accounts_of), Depends(signed_in)]


@router.post("/signup", status_code=201, responses=documents.SIGN_UP, summary="Sign up")
async def sign_up(entry: SignUp, accounts: AccountsOfApp, response: Response) -> UserAnswer:
    """Make an account with an e-mail address and a password. Sign in with it at `/login`."""
    user = await accounts.sign_up(entry)
    response.headers["Location"] = f"/users/{user.id}"
    return UserAnswer.model_validate(user)


@router.post("/login", responses=documents.SIGN_IN, summary="Sign in")
async def sign_in(entry: SignIn, accounts: AccountsOfApp, response: Response) -> SignInAnswer:
    """Get an access token for an e-mail address and a password. Send it as `Authorization: Bearer …`."""
    known = await accounts.sign_in(entry)
    response.headers.update(NEVER_KEPT)
    return SignInAnswer(
        access_token=known.token.text,
        expires_in=known.token.expires_in,
        user=UserAnswer.model_validate(known.user),
    )


@router.post(
    "/token",
    responses={**documents.TOKEN, 400: {**documents.TOKEN[400], "model": GrantRefusal}},
    response_model=TokenAnswer,
    openapi_extra=documents.TOKEN_FORM,
    summary="Sign in with a form (OAuth 2.0)",
)
async def token(request: Request, accounts: AccountsOfApp) -> JSONResponse:
    """The password grant of OAuth 2.0, for tools that speak it. `username` is the e-mail address."""
    try:
        known = await accounts.sign_in(await read_password_grant(request))
    except GrantRefused as refused:
        return _answer(refused.refusal, 400)
    except WrongCredentials as fault:
        return _answer(GrantRefusal(error="invalid_grant", error_description=fault.message), 400)
    return _answer(TokenAnswer(access_token=known.token.text, expires_in=known.token.expires_in), 200)


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
