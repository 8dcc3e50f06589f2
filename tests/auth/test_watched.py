"""What watches over the accounts: limits, the audit log, hooks, and the housekeeper."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from pellucid.auth.client import Client
from pellucid.auth.hooks import SignInEntry, SignUpEntry
from pellucid.auth.housekeeping import Housekeeper
from pellucid.auth.limits import Kind, Limits, Rule
from pellucid.auth.options import AccountOptions
from pellucid.auth.service import Accounts
from pellucid.auth.tables import User
from pellucid.auth.tokens import Tokens
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.errors import Forbidden, TooManyAttempts

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
TRY = Kind("try", Rule(3, longest=60), Rule(5, longest=60))
HERE = Client("192.0.2.7", "a test")


async def admitted(limits: Limits, account: str | None, client: Client = HERE) -> bool:
    try:
        await limits.admit(TRY, account, client)
    except TooManyAttempts as fault:
        return not 1 <= int(fault.headers["Retry-After"]) <= 60
    return True


# -- limits ----------------------------------------------------------------------------------------------------------


async def test_the_first_attempts_are_free_and_the_next_must_wait(database: Database) -> None:
    limits = Limits(database, addresses=False)
    assert [await admitted(limits, "ada") for _ in range(5)] == [True, True, True, False, False]
    assert await admitted(limits, "grace")


async def test_a_thousand_at_once_are_a_thousand(database: Database) -> None:
    limits = Limits(database, addresses=False)
    attempts = await asyncio.gather(*(admitted(limits, "ada") for _ in range(50)))
    assert attempts.count(True) == 3


async def test_the_wait_grows_and_is_bounded(database: Database, admin: asyncpg.Connection) -> None:
    limits = Limits(database, addresses=False)
    waits = []
    for _ in range(12):
        await admitted(limits, "ada")
        waits.append(await admin.fetchval("select round(extract(epoch from free_at - last_at)) from auth.attempts"))
        await admin.execute("update auth.attempts set free_at = last_at")
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


async def test_all_is_forgotten_after_a_while_and_by_success(database: Database, admin: asyncpg.Connection) -> None:
    limits = Limits(database, addresses=False)
    for _ in range(4):
        await admitted(limits, "ada")
    await admin.execute("update auth.attempts set last_at = last_at - interval '1 hour', free_at = last_at")
    assert [await admitted(limits, "ada") for _ in range(4)] == [True, True, True, False]
    async with database.write(ACCOUNTS) as writing:
        await limits.forgive(writing, TRY, "ada")
    assert await admitted(limits, "ada")


async def test_two_nodes_count_together(database: Database) -> None:
    one, other = Limits(database, addresses=False), Limits(database, addresses=False)
    assert [await admitted(each, "ada") for each in (one, other, one, other)] == [True, True, True, False]


async def test_an_address_is_counted_over_all_accounts_and_ipv6_by_network(database: Database) -> None:
    limits = Limits(database)
    there = [Client(f"2001:db8:1:2::{number}") for number in range(6)]
    assert [await admitted(limits, f"user {place}", client) for place, client in enumerate(there)] == [True] * 5 + [
        False
    ]
    assert await admitted(limits, None, Client("2001:db8:1:3::1"))


async def test_neither_addresses_nor_accounts_are_stored_as_they_are(
    database: Database, admin: asyncpg.Connection
) -> None:
    await admitted(Limits(database), "ada@example.com")
    for row in await admin.fetch("select subject from auth.attempts"):
        assert "ada" not in row[0]
        assert "192" not in row[0]


async def test_a_guesser_is_slowed_down_on_every_way_in(client: httpx.AsyncClient) -> None:
    await client.post("/signup", json=ADA)
    wrong = ADA | {"password": "a wrong password"}
    form = {"grant_type": "password", "username": ADA["email"], "password": "a wrong password"}
    statuses = []
    for _ in range(12):
        statuses.append((await client.post("/login", json=wrong)).status_code)
        statuses.append((await client.post("/sessions", json=wrong)).status_code)
        statuses.append((await client.post("/token", data=form)).status_code)
    assert statuses[:30] == [401, 401, 400] * 10
    assert set(statuses[30:]) == {429}
    answer = await client.post("/login", json=ADA)
    assert (answer.status_code, answer.json()["code"]) == (429, "too-many-attempts")
    assert answer.headers["retry-after"]


# -- the audit log -----------------------------------------------------------------------------------------------------


async def test_what_matters_is_written_down_without_secrets(
    client: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    await client.post("/login", json=ADA | {"password": "canary-in-a-mine"})
    session = (await client.post("/login", json=ADA)).json()
    await client.post("/logout", headers={"Authorization": f"Bearer {session['access_token']}"})
    rows = await admin.fetch("select * from auth.audit_log order by at")
    assert [row["event"] for row in rows] == ["signed_up", "sign_in_failed", "signed_in", "signed_out"]
    assert {str(row["user_id"]) for row in rows} == {session["user"]["id"]}
    assert all(row["address"] == "127.0.0.1" and row["agent"].startswith("python-httpx") for row in rows)
    for secret in ("canary", ADA["password"], session["refresh_token"], session["access_token"]):
        assert secret not in str(rows)


async def test_the_housekeeper_throws_away_what_is_over_and_nothing_else(
    client: httpx.AsyncClient, database: Database, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    for _ in range(2):
        await client.post("/login", json=ADA)
    await admin.execute(
        "update auth.sessions set idle_ends_at = now() - interval '8 days' where id = (select id from auth.sessions limit 1)"
    )
    await admin.execute("update auth.audit_log set at = now() - interval '91 days' where event = 'signed_up'")
    await Housekeeper(database, AccountOptions()).clean()
    assert await admin.fetchval("select count(*) from auth.sessions") == 1
    assert await admin.fetchval("select array_agg(distinct event) from auth.audit_log") == ["signed_in"]


# -- bans and hooks ----------------------------------------------------------------------------------------------------


async def test_a_banned_account_is_not_let_in_until_it_is_over(
    client: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    await admin.execute("update auth.users set banned_until = $1", datetime.now(UTC) + timedelta(days=1))
    answer = await client.post("/login", json=ADA)
    assert (answer.status_code, answer.json()["code"]) == (403, "banned")
    assert (await client.post("/login", json=ADA | {"password": "a wrong one"})).status_code == 401
    await admin.execute("update auth.users set banned_until = $1", datetime.now(UTC) - timedelta(seconds=1))
    assert (await client.post("/login", json=ADA)).status_code == 200


async def test_hooks_may_refuse_and_are_told(client: httpx.AsyncClient, accounts: Accounts) -> None:
    told: list[str] = []
    done = asyncio.Event()

    @accounts.hooks.before_sign_up
    async def colleagues(entry: SignUpEntry) -> None:
        if not str(entry.email).endswith("@example.com"):
            raise Forbidden("Only colleagues may sign up.")

    @accounts.hooks.before_sign_in
    def on_weekdays(entry: SignInEntry) -> None:
        if entry.user.email == "grace@example.com":
            raise Forbidden("Not today.")

    @accounts.hooks.after_sign_up
    def welcome(user: User) -> None:
        told.append(f"up {user.email}")
        done.set()

    @accounts.hooks.after_sign_in
    async def seen(entry: SignInEntry) -> None:
        told.append(f"in {entry.user.email} {entry.method}")
        raise RuntimeError("a hook that fails afterwards changes nothing")

    other = await client.post("/signup", json=ADA | {"email": "ada@example.org"})
    assert (other.status_code, other.json()["detail"]) == (403, "Only colleagues may sign up.")
    assert (await client.post("/signup", json=ADA)).status_code == 201
    await done.wait()
    assert (await client.post("/login", json=ADA)).status_code == 200
    assert told == ["up ada@example.com", "in ada@example.com password"]
    grace = ADA | {"email": "grace@example.com"}
    await client.post("/signup", json=grace)
    assert (await client.post("/login", json=grace)).json()["detail"] == "Not today."


async def test_a_hook_adds_claims_and_cannot_change_those_that_say_who(
    client: httpx.AsyncClient, accounts: Accounts, tokens: Tokens
) -> None:
    @accounts.hooks.claims
    def team(user: User, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"team": "engines", "role": "service_role", "sub": "somebody else", "aal": "aal2", "act": {}}

    await client.post("/signup", json=ADA)
    session = (await client.post("/login", json=ADA)).json()
    claims = tokens.verify(session["access_token"]).claims
    assert (claims["team"], claims["role"], claims["aal"]) == ("engines", "authenticated", "aal1")
    assert (claims["sub"], "act" in claims) == (session["user"]["id"], False)
    again = (await client.post("/refresh", json={"refresh_token": session["refresh_token"]})).json()
    assert tokens.verify(again["access_token"]).claims["team"] == "engines"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unix", "unix"),
        (None, None),
    ],
)
def test_a_network_is_what_one_party_has(address: str | None, network: str | None) -> None:
    assert Client(address).network == network
