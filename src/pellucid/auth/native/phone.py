"""The phone number of an account: see it, prove it with a code, remove it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from pellucid.auth import documents
from pellucid.auth.native.base import AccountsOfApp, AccountsRoute, Client, accounts_of
from pellucid.auth.people import find_user
from pellucid.auth.phones import normal
from pellucid.auth.schemas import PendingAnswer
from pellucid.web.dependencies import ReadSession, User

router = APIRouter(tags=["accounts"], route_class=AccountsRoute)

_RECEIVED = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
ON_ITS_WAY = PendingAnswer(message="A code is on its way to this number.")


class PhoneEntry(BaseModel):
    """The number that an account is to have."""

    model_config = _RECEIVED

    phone: Annotated[str, AfterValidator(normal)] = Field(
        max_length=32, description="With its country code (ITU-T E.164).", examples=["+442079460123"]
    )


class PhoneCode(BaseModel):
    """The code that came in a text message."""

    model_config = _RECEIVED

    code: SecretStr = Field(max_length=64, examples=["123456"])


class PhoneAnswer(BaseModel):
    """The number of an account."""

    model_config = ConfigDict(from_attributes=True, frozen=True)

    phone: str | None = Field(description="Null where there is none.")
    phone_verified_at: datetime | None = Field(description="When the account proved that it is its own.")


@router.get("/phone", dependencies=[Depends(accounts_of)], responses=documents.ME, summary="My phone number")
async def read(caller: User, session: ReadSession) -> PhoneAnswer:
    """The phone number of the account."""
    return PhoneAnswer.model_validate(await find_user(session, UUID(str(caller.user_id))))


@router.put("/phone", status_code=202, responses=documents.PHONE, summary="Set my phone number")
async def ask(entry: PhoneEntry, caller: User, accounts: AccountsOfApp, client: Client) -> PendingAnswer:
    """Have a code sent to a phone number. The number is the account's once `/phone/verify` has seen the code."""
    await accounts.phones.ask(caller, entry.phone, client)
    return ON_ITS_WAY


@router.post("/phone/verify", responses=documents.PHONE_PROVED, summary="Prove my phone number")
async def prove(entry: PhoneCode, caller: User, accounts: AccountsOfApp, client: Client) -> PhoneAnswer:
    """Send back the code that came in the text message: the number that it was sent to is the account's from now on. The claim `phone`
    changes with the next access token (`/refresh`)."""
    return PhoneAnswer.model_validate(await accounts.phones.prove(caller, entry.code.get_secret_value(), client))


@router.delete("/phone", status_code=204, responses=documents.CHANGE, summary="Remove my phone number")
async def remove(caller: User, accounts: AccountsOfApp, client: Client) -> None:
    """Forget the phone number of the account."""
    await accounts.phones.remove(caller, client)
