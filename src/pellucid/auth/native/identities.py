"""The accounts elsewhere that belong to one here: see them, link one more, unlink one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from pellucid.auth import documents
from pellucid.auth.assurance import require_account
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.native.flowcookie import browser_of, keep_browser
from pellucid.auth.native.others import Name
from pellucid.auth.providers.service import linked_of
from pellucid.auth.schemas import BegunAnswer, IdentityAnswer
from pellucid.web.dependencies import ReadSession, User

router = APIRouter(tags=["others' accounts"], route_class=AccountsRoute)


@router.get("/identities", dependencies=[Depends(accounts_of)], responses=documents.ME, summary="My accounts elsewhere")
async def list_identities(caller: User, session: ReadSession) -> list[IdentityAnswer]:
    """The accounts elsewhere that sign in to this one."""
    return [IdentityAnswer.model_validate(each) for each in await linked_of(session, UUID(str(caller.user_id)))]


@router.post("/identities/{provider}", responses=documents.LINK, summary="Link an account elsewhere")
async def link(
    *,
    provider: Name,
    request: Request,
    caller: User,
    accounts: AccountsOfApp,
    response: Response,
    client: Client,
    redirect_to: Annotated[str | None, Query(max_length=2048, description="Where the browser goes in the end.")] = None,
) -> BegunAnswer:
    """Get the address to send the browser to. The cookie of this answer must reach the same browser: a page of another origin has to
    ask with credentials."""
    user_id = require_account(caller)
    await accounts.require_assurance(caller)
    secure = accounts.options.secure
    begun = await accounts.others.begin(
        provider,
        f"/login/{provider}/callback",
        client=client,
        browser=browser_of(request, secure=secure),
        redirect_to=redirect_to,
        link=user_id,
    )
    response.headers.update(NEVER_KEPT)
    keep_browser(response, begun.browser, secure=secure)
    return BegunAnswer(url=begun.url)


@router.delete("/identities/{id}", status_code=204, responses=documents.UNLINK, summary="Unlink an account elsewhere")
async def unlink(
    identity_id: Annotated[UUID, Path(alias="id")], caller: User, accounts: AccountsOfApp, client: Client
) -> None:
    """Have it sign in here no more. The last way into an account stays."""
    user_id = require_account(caller)
    await accounts.require_assurance(caller)
    await accounts.others.unlink(user_id, identity_id, client)
