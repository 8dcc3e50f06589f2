"""Who has an account before its address is proved, and who has it then."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from pellucid.auth import onetime
from pellucid.auth.audit import Event
from pellucid.auth.onetime import Purpose
from pellucid.auth.options import AccountOptions
from pellucid.auth.service import Accounts
from pellucid.database.caller import ACCOUNTS
from tests.auth.apps import ADA, bearing, login

EVE = ADA | {"password": "of a stranger"}
ADDRESS = ADA["email"]
OPEN = AccountOptions(limit_addresses=False, public_url="https://api.example.org")
PROVED = AccountOptions(limit_addresses=False, public_url="https://api.example.org", verify_email=True)
PLANT = (
    "insert into auth.factors (user_id, kind, verified_at) select id, 'webauthn', now() from auth.users",
    "insert into auth.identities (user_id, provider, subject) select id, 'elsewhere', 'eve' from auth.users",
    "update auth.users set new_email = 'eve@example.com'",
)
COUNT = """
select (select count(*) from auth.factors) + (select count(*) from auth.identities) + (select count(*) from auth.passwords)
  + (select count(*) from auth.api_keys where revoked_at is null) + (select count(*) from auth.users where new_email is not null)
"""
Newest = Callable[[str], Awaitable[str]]


@pytest.fixture
def options(request: pytest.FixtureRequest) -> AccountOptions:
    return getattr(request, "param", PROVED)


@pytest.fixture
def newest(client: httpx.AsyncClient, accounts: Accounts) -> Newest:
    async def newest(address: str) -> str:
        """The token of the newest mail to an address."""
        await accounts.outbox.empty()
        shown = (await client.get("/inbox", params={"to": address})).json()
        return str(re.findall(r"token=([\w-]+)", shown[0]["text"])[0])

    return newest


async def prove(client: httpx.AsyncClient, token: str) -> dict[str, Any]:
    answer = await client.post("/verify", json={"token": token})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def statuses(client: httpx.AsyncClient) -> list[int]:
    """How sign-in with Ada's password ends, and with that of the stranger."""
    return [(await client.post("/login", json=each)).status_code for each in (ADA, EVE)]


@pytest.mark.parametrize(("first", "second"), [(ADA, EVE), (EVE, ADA)])
@pytest.mark.parametrize("resent", [False, True])
async def test_of_two_sign_ups_no_password_survives_the_proof(
    client: httpx.AsyncClient, newest: Newest, first: dict[str, Any], second: dict[str, Any], resent: bool
) -> None:
    await client.post("/signup", json=first)
    await newest(ADDRESS)
    assert (await client.post("/signup", json=second)).status_code == 202
    token = await newest(ADDRESS)
    if resent:
        await client.post("/verify/mail", json={"email": ADDRESS})
        token = await newest(ADDRESS)
    await prove(client, token)
    assert await statuses(client) == [401, 401]


async def test_the_password_of_the_one_sign_up_survives_its_proof_also_by_a_second_mail(
    client: httpx.AsyncClient, newest: Newest
) -> None:
    await client.post("/signup", json=ADA)
    await newest(ADDRESS)
    await client.post("/verify/mail", json={"email": ADDRESS})
    await prove(client, await newest(ADDRESS))
    assert await statuses(client) == [200, 401]


@pytest.mark.parametrize("invited_first", [True, False])
async def test_who_accepts_an_invitation_accepts_no_strangers_password(
    client: httpx.AsyncClient, accounts: Accounts, newest: Newest, invited_first: bool
) -> None:
    async def stranger() -> None:
        assert (await client.post("/signup", json=EVE)).status_code == 202
        await newest(ADDRESS)

    if not invited_first:
        await stranger()
    await accounts.administration.invite(ADDRESS)
    invitation = await newest(ADDRESS)
    if invited_first:
        await stranger()
    await prove(client, invitation)
    assert await statuses(client) == [401, 401]


@pytest.mark.parametrize("options", [OPEN], indirect=True)
@pytest.mark.parametrize("path", ["/login/mail", "/password/recovery"])
async def test_what_was_planted_before_the_proof_is_gone_with_it(
    client: httpx.AsyncClient, newest: Newest, admin: asyncpg.Connection, path: str
) -> None:
    await client.post("/signup", json=EVE)
    session = (await client.post("/login", json=EVE)).json()
    made = await client.post("/api-keys", json={"name": "planted"}, headers=bearing(session))
    assert made.status_code == 201, made.text
    for statement in PLANT:
        await admin.execute(statement)
    await client.post(path, json={"email": ADDRESS})
    token = await newest(ADDRESS)
    if path == "/login/mail":
        await prove(client, token)
    else:
        reset = {"token": token, "password": ADA["password"]}
        assert (await client.post("/password/reset", json=reset)).status_code == 204
    assert await admin.fetchval(COUNT) == (path == "/password/recovery")  # the new password
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 401
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    assert (await client.get("/users/me", headers=key)).status_code == 401


@pytest.mark.parametrize("options", [OPEN], indirect=True)
async def test_who_verifies_the_address_of_the_own_sign_up_keeps_everything(
    client: httpx.AsyncClient, newest: Newest, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    session = await login(client)
    await admin.execute(PLANT[1])
    await client.post("/verify/mail", json={"email": ADDRESS})
    await prove(client, await newest(ADDRESS))
    assert await admin.fetchval(COUNT) == 2
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 200


async def test_a_recovery_ends_a_change_of_address_that_a_thief_began(
    client: httpx.AsyncClient, newest: Newest, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    thief = await prove(client, await newest(ADDRESS))
    await client.put("/email", json={"email": "eve@example.com"}, headers=bearing(thief))
    change = await newest("eve@example.com")
    await client.post("/password/recovery", json={"email": ADDRESS})
    reset = {"token": await newest(ADDRESS), "password": "an engine of silver"}
    assert (await client.post("/password/reset", json=reset)).status_code == 204
    assert (await client.post("/email/agree", json={"token": change})).status_code == 401
    assert await admin.fetchval("select new_email from auth.users") is None


@pytest.mark.parametrize("options", [OPEN], indirect=True)
async def test_the_old_side_is_asked_where_the_address_is_verified_by_now(
    client: httpx.AsyncClient, newest: Newest, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    await client.put("/email", json={"email": "eve@example.com"}, headers=bearing(await login(client)))
    change = await newest("eve@example.com")
    await admin.execute("update auth.users set email_verified_at = now()")
    answer = await client.post("/email/agree", json={"token": change})
    assert (answer.status_code, answer.json()) == (200, {"changed": False})


async def test_two_accounts_may_ask_for_the_same_address(client: httpx.AsyncClient, accounts: Accounts) -> None:
    users = []
    for name in ("ada", "eve"):
        await client.post("/signup", json=ADA | {"email": f"{name}@example.com"})
        users.append(await accounts.administration.find_by(f"{name}@example.com"))
    async with accounts.database.write(ACCOUNTS) as writing:
        tokens = [
            (await onetime.issue(writing, Purpose.CHANGE_EMAIL_NEW, "new@example.com", user_id=user.id)).token
            for user in users
        ]
        assert [
            taken.user_id
            for token in tokens
            if (taken := await onetime.take_link(writing, token, Purpose.CHANGE_EMAIL_NEW)) is not None
        ] == [user.id for user in users]


async def test_sign_ups_cannot_flood_a_mailbox(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/signup", json=ADA) for _ in range(6)]
    assert {answer.status_code for answer in answers} == {202, 429}


async def test_a_sign_in_that_a_reset_overtakes_lets_nobody_in(
    client: httpx.AsyncClient, accounts: Accounts, newest: Newest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.post("/signup", json=ADA)
    await prove(client, await newest(ADDRESS))
    user = await accounts.administration.find_by(ADDRESS)
    verify = accounts.passwords.verify

    async def overtaken(password: str, hashed: str | None, *others: Any) -> bool:
        fits = await verify(password, hashed, *others)
        await accounts.set_password(user, "an engine of silver", Event.PASSWORD_RESET)
        return fits

    monkeypatch.setattr(accounts.passwords, "verify", overtaken)
    assert (await client.post("/login", json=ADA)).status_code == 401
    monkeypatch.undo()
    assert (await client.post("/login", json=ADA | {"password": "an engine of silver"})).status_code == 200
