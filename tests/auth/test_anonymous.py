"""Anonymous accounts, and how they become real and stay the same."""

from typing import Any

import httpx
import pytest
from msgspec.structs import force_setattr

from pellucid.auth.options import AccountOptions
from pellucid.auth.service import Accounts

ADA = {"email": "ada@example.com", "password": "an engine of brass"}


@pytest.fixture(params=[False, True], ids=["unverified", "verified"])
def options(request: pytest.FixtureRequest) -> AccountOptions:
    return AccountOptions(limit_addresses=False, verify_email=request.param)


def bearing(answer: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer['access_token']}"}


async def test_an_anonymous_account_becomes_real_and_keeps_its_id(
    client: httpx.AsyncClient, accounts: Accounts, options: AccountOptions
) -> None:
    begun = await client.post("/signup/anonymous")
    assert (begun.status_code, begun.headers["cache-control"]) == (201, "no-store")
    before = begun.json()
    assert before["user"]["email"] is None
    assert accounts.tokens.verify(before["access_token"]).claims["is_anonymous"] is True
    done = await client.post("/signup/complete", json=ADA, headers=bearing(before))
    assert done.status_code == (202 if options.verify_email else 200)
    if options.verify_email:
        assert (await client.post("/login", json=ADA)).status_code == 401
        await accounts.outbox.empty()
        (mail,) = (await client.get("/inbox")).json()
        token = httpx.URL(next(word for word in mail["text"].split() if "token=" in word)).params["token"]
        assert (await client.post("/email/agree", json={"token": token})).json() == {"changed": True}
    after = (await client.post("/login", json=ADA)).json()
    assert after["user"]["id"] == before["user"]["id"]
    assert accounts.tokens.verify(after["access_token"]).claims["is_anonymous"] is False
    again = await client.post("/signup/complete", json=ADA, headers=bearing(after))
    assert again.status_code == 403


async def test_an_address_of_somebody_else_is_not_told_where_addresses_are_verified(
    client: httpx.AsyncClient, options: AccountOptions
) -> None:
    await client.post("/signup", json=ADA)
    begun = (await client.post("/signup/anonymous")).json()
    answer = await client.post("/signup/complete", json=ADA, headers=bearing(begun))
    assert answer.status_code == (202 if options.verify_email else 409)


async def test_there_are_none_where_they_are_off(
    client: httpx.AsyncClient, accounts: Accounts, options: AccountOptions
) -> None:
    force_setattr(options, "anonymous", False)
    assert (await client.post("/signup/anonymous")).json()["code"] == "feature-off"
