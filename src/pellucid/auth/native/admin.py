"""The accounts of others, for operators: whoever comes with the role ``service_role``."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from pellucid.auth import documents
from pellucid.auth.admin.schemas import (
    AccountChange,
    AccountEntry,
    AdminUserAnswer,
    AuditAnswer,
    AuditQuery,
    BanEntry,
    ImpersonationEntry,
    InviteEntry,
    LinkAnswer,
    LinkEntry,
)
from pellucid.auth.admin.service import FOREVER, Actor, NewAccount
from pellucid.auth.assurance import require_operator
from pellucid.auth.audit import events
from pellucid.auth.native.answers import sign_in_answer
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.onetime import Purpose
from pellucid.auth.schemas import SignInAnswer
from pellucid.errors import Unauthenticated
from pellucid.web.dependencies import Identity, ReadSession

router = APIRouter(
    prefix="/admin", tags=["administration"], route_class=AccountsRoute, dependencies=[Depends(accounts_of)]
)


async def operator(caller: Identity, client: Client, accounts: AccountsOfApp) -> Actor:
    """Let only operators in.

    Raises:
        Unauthenticated: the caller is anonymous.
        Forbidden: the caller has another role, or acts in the name of an account that has it.
        StepUpRequired: the caller's account has a second factor, and the session has not proved it.
    """
    if not caller.authenticated:
        raise Unauthenticated("This is for operators.")
    await require_operator(accounts.database, caller)
    return Actor(caller.user_id, client)


Operator = Annotated[Actor, Depends(operator)]
Which = Annotated[UUID, Path(alias="id")]


@router.post("/users", status_code=201, responses=documents.ADMIN, summary="Make an account")
async def create(entry: AccountEntry, actor: Operator, accounts: AccountsOfApp, response: Response) -> AdminUserAnswer:
    """Make an account, with a password or without one."""
    password = entry.password.get_secret_value() if entry.password else None
    hashed = entry.password_hash.get_secret_value() if entry.password_hash else None
    told = entry.model_dump(include={"email", "verified", "role", "phone", "metadata", "app_metadata", "id"})
    new = NewAccount(**told, password=password, password_hash=hashed)
    user = await accounts.administration.create(new, actor)
    response.headers["Location"] = f"/admin/users/{user.id}"
    return AdminUserAnswer.model_validate(user)


@router.get("/users", responses=documents.ADMIN_READ, summary="All accounts")
async def read_all(
    _: Operator,
    accounts: AccountsOfApp,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> list[AdminUserAnswer]:
    """All accounts, the oldest first."""
    users, _total = await accounts.administration.page(limit, offset)
    return [AdminUserAnswer.model_validate(user) for user in users]


@router.get("/users/{id}", responses=documents.ADMIN_READ, summary="An account")
async def read(user_id: Which, _: Operator, accounts: AccountsOfApp) -> AdminUserAnswer:
    """One account, with all that operators see."""
    return AdminUserAnswer.model_validate(await accounts.administration.find(user_id))


@router.patch("/users/{id}", responses=documents.ADMIN, summary="Change an account")
async def change(user_id: Which, entry: AccountChange, actor: Operator, accounts: AccountsOfApp) -> AdminUserAnswer:
    """Change an account. A new address, role or password ends its sessions."""
    password = entry.password.get_secret_value() if entry.password else None
    user = await accounts.administration.change(
        user_id, entry.changes, actor, password=password, verified=entry.verified
    )
    return AdminUserAnswer.model_validate(user)


@router.delete("/users/{id}", status_code=204, responses=documents.ADMIN_READ, summary="Delete an account")
async def delete(user_id: Which, actor: Operator, accounts: AccountsOfApp) -> None:
    """Delete an account and what is its own in `auth`. `POST …/erasure` also erases what the application knows of the person."""
    await accounts.administration.delete(user_id, actor)


@router.put("/users/{id}/ban", responses=documents.ADMIN, summary="Ban an account")
async def ban(user_id: Which, entry: BanEntry, actor: Operator, accounts: AccountsOfApp) -> AdminUserAnswer:
    """Keep an account out; its sessions end."""
    user = await accounts.administration.ban(user_id, entry.until or FOREVER, actor)
    return AdminUserAnswer.model_validate(user)


@router.delete("/users/{id}/ban", responses=documents.ADMIN_READ, summary="Let an account in again")
async def unban(user_id: Which, actor: Operator, accounts: AccountsOfApp) -> AdminUserAnswer:
    """Lift a ban."""
    return AdminUserAnswer.model_validate(await accounts.administration.unban(user_id, actor))


@router.delete("/users/{id}/sessions", status_code=204, responses=documents.ADMIN_READ, summary="End all sessions")
async def end_sessions(user_id: Which, actor: Operator, accounts: AccountsOfApp) -> None:
    """Sign an account out everywhere."""
    await accounts.administration.find(user_id)
    await accounts.sessions.revoke(user_id, client=actor.client, actor_id=actor.id)


@router.post("/invitations", status_code=201, responses=documents.ADMIN, summary="Invite somebody")
async def invite(entry: InviteEntry, actor: Operator, accounts: AccountsOfApp) -> AdminUserAnswer:
    """Make an account and send a mail whose link lets its owner in."""
    user = await accounts.administration.invite(entry.email, actor, metadata=entry.metadata)
    return AdminUserAnswer.model_validate(user)


@router.post("/links", status_code=201, responses=documents.ADMIN, summary="Make a link")
async def link(entry: LinkEntry, actor: Operator, accounts: AccountsOfApp, response: Response) -> LinkAnswer:
    """Make the link and the code of a mail, to be handed over in another way. No mail is sent."""
    made = await accounts.links.generate(Purpose(entry.purpose), entry.email, actor, new_address=entry.new_email)
    response.headers.update(NEVER_KEPT)
    return LinkAnswer(url=made.url, code=made.issued.code, user=AdminUserAnswer.model_validate(made.user))


@router.post(
    "/users/{id}/impersonation", status_code=201, responses=documents.ADMIN, summary="Act in the name of an account"
)
async def impersonate(
    user_id: Which, entry: ImpersonationEntry, actor: Operator, accounts: AccountsOfApp, response: Response
) -> SignInAnswer:
    """Open a session for an hour whose tokens name who acts, in the claim `act`."""
    granted = await accounts.administration.impersonate(user_id, entry.reason, actor)
    response.headers.update(NEVER_KEPT)
    return sign_in_answer(granted)


@router.get("/users/{id}/export", responses=documents.ADMIN_READ, summary="All that is known of a person")
async def export(user_id: Which, actor: Operator, accounts: AccountsOfApp, response: Response) -> dict[str, Any]:
    """Everything of an account, and what the application's hooks add."""
    response.headers.update(NEVER_KEPT)
    return await accounts.personal.export(user_id, actor)


@router.post("/users/{id}/erasure", status_code=204, responses=documents.ADMIN_READ, summary="Erase a person")
async def erase(user_id: Which, actor: Operator, accounts: AccountsOfApp) -> None:
    """Erase what the application's hooks erase, and everything of the account. It cannot be undone."""
    await accounts.personal.erase(user_id, actor)


@router.get("/audit", responses=documents.ADMIN_READ, summary="What happened")
async def audit(query: Annotated[AuditQuery, Query()], _: Operator, session: ReadSession) -> list[AuditAnswer]:
    """The audit log, the newest event first."""
    found = await events(session, user=query.user, event=query.event, before=query.before, limit=query.limit)
    return [AuditAnswer.model_validate(entry) for entry in found]
