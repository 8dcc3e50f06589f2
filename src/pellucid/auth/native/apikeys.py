"""API keys: make one, see them, revoke one."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from pellucid.auth import documents
from pellucid.auth.apikeys.service import keys_of
from pellucid.auth.assurance import require_account, require_itself
from pellucid.auth.native.base import FOR_CALLERS, NEVER_KEPT, AccountsOfApp, AccountsRoute, Client
from pellucid.auth.schemas import ApiKeyAnswer, ApiKeyEntry, NewApiKeyAnswer
from pellucid.errors import Forbidden
from pellucid.web import identity
from pellucid.web.dependencies import Identity, ReadSession

router = APIRouter(tags=["API keys"], route_class=AccountsRoute)

SERVICE = "service_role"
"""The role that keeps the keys of services."""


@router.post(
    "/api-keys", status_code=201, dependencies=FOR_CALLERS, responses=documents.API_KEY, summary="Make an API key"
)
async def make(
    entry: ApiKeyEntry, caller: Identity, accounts: AccountsOfApp, response: Response, client: Client
) -> NewApiKeyAnswer:
    """Make a key. It is shown in this answer and never again. An account's key acts for the account; with the role `service_role`, keys
    for services are made, with a role of their own."""
    user_id = _owner(caller)
    await require_itself(accounts.database, caller)
    made = await accounts.api_keys.make(
        entry.name,
        user_id=user_id,
        role=entry.role,
        scopes=entry.scopes,
        days=entry.days,
        client=client,
        actor_id=caller.user_id,
    )
    response.headers.update(NEVER_KEPT)
    response.headers["Location"] = f"/api-keys/{made.key.id}"
    return NewApiKeyAnswer(**ApiKeyAnswer.model_validate(made.key).model_dump(), key=made.secret)


@router.get("/api-keys", dependencies=FOR_CALLERS, responses=documents.USERS, summary="My API keys")
async def list_keys(session: ReadSession) -> list[ApiKeyAnswer]:
    """The living keys that you may see: your own, or all with the role service_role. Row level security decides."""
    return [ApiKeyAnswer.model_validate(key) for key in await keys_of(session)]


@router.delete(
    "/api-keys/{id}",
    status_code=204,
    dependencies=FOR_CALLERS,
    responses=documents.USER | {403: documents.CHANGE[403]},
    summary="Revoke an API key",
)
async def revoke(
    key_id: Annotated[UUID, Path(alias="id")], caller: Identity, accounts: AccountsOfApp, client: Client
) -> None:
    """Make a key good no more. It is refused everywhere within five seconds."""
    user_id = _owner(caller)
    await require_itself(accounts.database, caller)
    await accounts.api_keys.revoke(key_id, user_id=user_id, client=client, actor_id=caller.user_id)


def _owner(caller: identity.Identity) -> UUID | None:
    """Whose keys the caller keeps: an account its own, ``service_role`` those of services.

    Raises:
        Forbidden: neither, or a program with a key.
    """
    if "key_id" in caller.claims:
        raise Forbidden(
            "An API key makes and revokes no keys.", hint="Sign in, or use an access token of service_role."
        )
    if caller.role == SERVICE:
        return None
    return require_account(caller)
