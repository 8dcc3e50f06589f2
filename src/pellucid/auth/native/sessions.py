"""Sessions: refresh them, see them, end them; and sign a browser in, which gets a cookie and no token that a script could steal."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from pellucid.auth import documents
from pellucid.auth.audit import Event
from pellucid.auth.native.answers import browser_answer, session_answer, sign_in_answer
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.schemas import BrowserAnswer, RefreshEntry, SessionAnswer, SignIn, SignInAnswer
from pellucid.auth.sessions.cookies import clear_cookie
from pellucid.auth.sessions.service import sessions_of
from pellucid.errors import Forbidden, RowNotFound
from pellucid.web.cookies import refuse_other_origins
from pellucid.web.dependencies import ReadSession, User

router = APIRouter(tags=["sessions"], route_class=AccountsRoute)

Which = Literal["current", "others", "all"]


@router.post("/refresh", responses=documents.REFRESH, summary="Refresh a session")
async def refresh(entry: RefreshEntry, accounts: AccountsOfApp, response: Response, client: Client) -> SignInAnswer:
    """Get the next access token and the next refresh token. A refresh token is good once; within a few seconds a second use gives the
    same answer, and after that it ends the session, for one of the two was a thief."""
    granted = await accounts.sessions.refresh(entry.refresh_token.get_secret_value(), client)
    response.headers.update(NEVER_KEPT)
    return sign_in_answer(granted)


@router.post("/sessions", status_code=201, responses=documents.SIGN_IN_BROWSER, summary="Sign a browser in")
async def sign_in_browser(
    entry: SignIn, request: Request, accounts: AccountsOfApp, response: Response, client: Client
) -> BrowserAnswer:
    """Open a session that a cookie proves: `__Host-pellucid`, out of reach of scripts. Every sign-in makes a new one."""
    refuse_other_origins(request.scope, plain=not accounts.options.production)
    granted = await accounts.sign_in(entry, client, cookie=True)
    response.headers.update(NEVER_KEPT)
    response.headers["Location"] = f"/sessions/{granted.session.id}"
    return browser_answer(granted, response, accounts)


@router.get("/sessions", dependencies=[Depends(accounts_of)], responses=documents.ME, summary="My sessions")
async def list_sessions(caller: User, session: ReadSession) -> list[SessionAnswer]:
    """Where the account is signed in, the last used one first."""
    found = await sessions_of(session, UUID(str(caller.user_id)))
    return [session_answer(each, caller.session_id) for each in found]


@router.delete("/sessions/{id}", status_code=204, responses=documents.USER, summary="End one session")
async def end_session(
    session_id: Annotated[UUID, Path(alias="id")], caller: User, accounts: AccountsOfApp, client: Client
) -> None:
    """Sign one device out. Its tokens are refused everywhere within five seconds."""
    if not await accounts.sessions.revoke(UUID(str(caller.user_id)), only=session_id, client=client):
        raise RowNotFound("There is no session of this id that is yours and alive.")


@router.delete("/sessions", status_code=204, responses=documents.ME, summary="End my sessions")
async def end_sessions(
    caller: User,
    accounts: AccountsOfApp,
    response: Response,
    client: Client,
    which: Annotated[Which, Query(description="Which ones: the current one, all others, or all.")],
) -> None:
    """Sign devices out."""
    await _end(caller, accounts, response, client, which)


@router.post("/logout", status_code=204, responses=documents.ME, summary="Sign out")
async def sign_out(
    caller: User,
    accounts: AccountsOfApp,
    response: Response,
    client: Client,
    which: Annotated[Which, Query(description="Which sessions end.")] = "current",
) -> None:
    """End the session that asks. Its tokens are refused everywhere within five seconds."""
    await _end(caller, accounts, response, client, which)


async def _end(caller: User, accounts: AccountsOfApp, response: Response, client: Client, which: Which) -> None:
    here = caller.session_id
    if here is None and which != "all":
        raise Forbidden(
            "The token belongs to no session.", hint="Say which=all, or sign in and use the session's token."
        )
    only, but = (here if which == "current" else None), (here if which == "others" else None)
    await accounts.sessions.revoke(UUID(str(caller.user_id)), only=only, but=but, client=client, event=Event.SIGNED_OUT)
    if which != "others":
        clear_cookie(response, secure=accounts.options.secure)
