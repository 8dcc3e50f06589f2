"""Second factors: see, add, prove, rename and remove them; and recovery codes."""

from typing import Annotated
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Response

from pellucid.auth import documents
from pellucid.auth.factors import totp
from pellucid.auth.factors.schemas import (
    ChallengeAnswer,
    CodeEntry,
    CodesAnswer,
    CodesLeft,
    FactorAnswer,
    FactorName,
    FactorProof,
    NewFactor,
    NewFactorAnswer,
    TotpAnswer,
)
from pellucid.auth.factors.service import NewTotp
from pellucid.auth.factors.store import factors_of
from pellucid.auth.native.answers import granted_answer
from pellucid.auth.native.base import NEVER_KEPT, AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.schemas import BrowserAnswer, SignInAnswer
from pellucid.web.dependencies import ReadSession, User

router = APIRouter(tags=["factors"], route_class=AccountsRoute)

FactorId = Annotated[UUID, Path(alias="id")]


@router.get("/factors", dependencies=[Depends(accounts_of)], responses=documents.ME, summary="My factors")
async def list_factors(caller: User, session: ReadSession) -> list[FactorAnswer]:
    """The second factors of the account, those that were only begun included; the oldest first."""
    found = await factors_of(session, UUID(str(caller.user_id)))
    return [FactorAnswer.model_validate(factor) for factor in found]


@router.post("/factors", status_code=201, responses=documents.FACTOR_BEGUN, summary="Begin a factor")
async def begin(
    entry: NewFactor, caller: User, accounts: AccountsOfApp, response: Response, client: Client
) -> NewFactorAnswer:
    """Begin an app that shows codes (`totp`), or a passkey or security key (`webauthn`). It counts once `/factors/{id}/verify` has seen
    a proof of it. Where the account has a factor already, the session must have proved it."""
    response.headers.update(NEVER_KEPT)
    if entry.kind == "totp":
        new = await accounts.factors.begin_totp(caller, entry.name, client=client)
        return await to_thread.run_sync(_new_totp, new)
    factor = await accounts.factors.begin_passkey(caller, entry.name, client)
    asked = await accounts.factors.challenge(caller, factor.id, client)
    known = FactorAnswer.model_validate(factor)
    return NewFactorAnswer(**known.model_dump(), challenge=ChallengeAnswer.model_validate(asked))


@router.get(
    "/factors/recovery-codes",
    dependencies=[Depends(accounts_of)],
    responses=documents.ME,
    summary="How many recovery codes are left",
)
async def codes_left(caller: User, accounts: AccountsOfApp) -> CodesLeft:
    """How many of the account's recovery codes are still good."""
    return CodesLeft.model_validate(await accounts.recovery.left(caller), from_attributes=True)


@router.post(
    "/factors/recovery-codes", status_code=201, responses=documents.FACTOR_MANAGED, summary="Make recovery codes"
)
async def make_codes(caller: User, accounts: AccountsOfApp, response: Response, client: Client) -> CodesAnswer:
    """Get ten codes for the day on which a factor is lost. Earlier ones are good no more. The session must have proved a factor."""
    response.headers.update(NEVER_KEPT)
    return CodesAnswer(codes=await accounts.recovery.make(caller, client))


@router.post("/factors/recovery-codes/verify", responses=documents.FACTOR_PROVED, summary="Use a recovery code")
async def use_code(
    entry: CodeEntry, caller: User, accounts: AccountsOfApp, response: Response, client: Client
) -> SignInAnswer | BrowserAnswer:
    """Prove a second factor with a recovery code; each is good once. The session is one of `aal2` from now on."""
    granted = await accounts.recovery.use(caller, entry.code.get_secret_value(), client)
    return granted_answer(granted, response, accounts)


@router.post("/factors/{id}/challenge", responses=documents.FACTOR_ASKED, summary="Ask for a challenge")
async def challenge(
    factor_id: FactorId, caller: User, accounts: AccountsOfApp, response: Response, client: Client
) -> ChallengeAnswer:
    """Get what a passkey has to sign, for `navigator.credentials` of the browser. Codes of an app need no challenge."""
    response.headers.update(NEVER_KEPT)
    return ChallengeAnswer.model_validate(await accounts.factors.challenge(caller, factor_id, client))


@router.post("/factors/{id}/verify", responses=documents.FACTOR_PROVED, summary="Prove a factor")
async def verify(
    entry: FactorProof,
    factor_id: FactorId,
    *,
    caller: User,
    accounts: AccountsOfApp,
    response: Response,
    client: Client,
) -> SignInAnswer | BrowserAnswer:
    """Prove a factor with a code of the app, or with what the browser gave. The session is one of `aal2` from now on: the answer has
    new tokens, or a new cookie, and older ones are good no more. A factor that was only begun counts from now on; with the first one
    all other sessions of the account end."""
    granted = await accounts.factors.verify(caller, factor_id, entry.answer, client, challenge_id=entry.challenge_id)
    return granted_answer(granted, response, accounts)


@router.patch("/factors/{id}", responses=documents.FACTOR_RENAMED, summary="Rename a factor")
async def rename(entry: FactorName, factor_id: FactorId, caller: User, accounts: AccountsOfApp) -> FactorAnswer:
    """Give a factor another name. The session must have proved a factor."""
    return FactorAnswer.model_validate(await accounts.factors.rename(caller, factor_id, entry.name))


@router.delete("/factors/{id}", status_code=204, responses=documents.FACTOR_GONE, summary="Remove a factor")
async def remove(factor_id: FactorId, caller: User, accounts: AccountsOfApp, client: Client) -> None:
    """Remove a factor. The session must have proved one; all other sessions of the account end."""
    await accounts.factors.remove(caller, factor_id, client)


def _new_totp(new: NewTotp) -> NewFactorAnswer:
    """With its pictures, which take a while to draw."""
    shown = TotpAnswer(secret=new.secret, uri=new.uri, qr_svg=totp.picture(new.uri), qr_png=totp.bitmap(new.uri))
    known = FactorAnswer.model_validate(new.factor)
    return NewFactorAnswer(**known.model_dump(), totp=shown)
