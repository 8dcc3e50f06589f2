"""What watches over the accounts: limits, the audit log, hooks, and the housekeeper."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

import pellucid.auth
from pellucid.auth.audit import Audit, Event
from pellucid.auth.client import Client
from pellucid.auth.hooks import SignInEntry, SignUpEntry
from pellucid.auth.limits import Kind, Limits, Rule
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
    limits = Limits(database, Audit(database), addresses=False)
    assert [await admitted(limits, "ada") for _ in range(5)] == [True, True, True, False, False]
    assert await admitted(limits, "grace")


async def test_a_thousand_at_once_are_a_thousand(database: Database) -> None:
    limits = Limits(database, Audit(database), addresses=False)
    attempts = await asyncio.gather(*(admitted(limits, "ada") for _ in range(50)))
    assert attempts.count(True) == 3


async def test_the_wait_grows_and_is_bounded(database: Database, admin: asyncpg.Connection) -> None:
    limits = Limits(database, Audit(database), addresses=False)
    waits = []
    for _ in range(12):
        await admitted(limits, "ada")
        waits.append(await admin.fetchval("select round(extract(epoch from free_at - last_at)) from auth.attempts"))
        await admin.execute("update auth.attempts set free_at = last_at")
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]


async def test_all_is_forgotten_after_a_while_and_by_success(database: Database, admin: asyncpg.Connection) -> None:
    limits = Limits(database, Audit(database), addresses=False)
    for _ in range(4):
        await admitted(limits, "ada")
    await admin.execute("update auth.attempts set last_at = last_at - interval '1 hour', free_at = last_at")
    assert [await admitted(limits, "ada") for _ in range(4)] == [True, True, True, False]
    async with database.write(ACCOUNTS) as writing:
        await limits.forgive(writing, TRY, "ada")
    assert await admitted(limits, "ada")


async def test_two_nodes_count_together(database: Database) -> None:
    one, other = Limits(database, Audit(database), addresses=False), Limits(database, Audit(database), addresses=False)
    assert [await admitted(each, "ada") for each in (one, other, one, other)] == [True, True, True, False]


async def test_an_address_is_counted_over_all_accounts_and_ipv6_by_network(database: Database) -> None:
    limits = Limits(database, Audit(database))
    there = [Client(f"2001:db8:1:2::{number}") for number in range(6)]
    assert [await admitted(limits, f"user {place}", client) for place, client in enumerate(there)] == [True] * 5 + [
        False
    ]
    assert await admitted(limits, None, Client("2001:db8:1:3::1"))


async def test_neither_addresses_nor_accounts_are_stored_as_they_are(
    database: Database, admin: asyncpg.Connection
) -> None:
    await admitted(Limits(database, Audit(database)), "ada@example.com")
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


async def test_whoever_knows_the_password_and_is_not_let_in_stands_there_too(
    client: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    await admin.execute("update auth.users set banned_until = 'infinity'")
    assert (await client.post("/login", json=ADA)).status_code == 403
    (row,) = await admin.fetch("select user_id, details from auth.audit_log where event = 'sign_in_failed'")
    assert json.loads(row["details"]) == {"methods": ["password"], "reason": "banned"}
    assert row["user_id"] is not None


async def test_each_attempt_that_makes_the_next_one_wait_stands_there_and_those_refused_do_not(
    database: Database, admin: asyncpg.Connection
) -> None:
    limits = Limits(database, Audit(database))
    for account in ["ada"] * 9 + ["grace"]:
        await admitted(limits, account)
    told = await admin.fetch("select address, user_id, details from auth.audit_log where event = 'limited' order by id")
    assert [json.loads(row["details"]) for row in told] == [{"kind": "try", "by": each} for each in ("account",)]
    assert {(row["address"], row["user_id"]) for row in told} == {(HERE.address, None)}


def test_there_is_no_event_that_nothing_tells_of() -> None:
    sources = [path for path in Path(pellucid.auth.__file__).parent.rglob("*.py") if path.name != "audit.py"]
    told = "\n".join(path.read_text() for path in sources)
    assert [event for event in Event if f"Event.{event.name}" not in told] == []


async def test_the_housekeeper_throws_away_what_is_over_and_nothing_else(
    client: httpx.AsyncClient, accounts: Accounts, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    for _ in range(2):
        await client.post("/login", json=ADA)
    await admin.execute(
        "update auth.sessions set idle_ends_at = now() - interval '8 days' where id = (select id from auth.sessions limit 1)"
    )
    await admin.execute("update auth.audit_log set at = now() - interval '91 days' where event = 'signed_up'")
    await accounts.housekeeper.clean()
    assert await admin.fetchval("select count(*) from auth.sessions") == 1
    assert await admin.fetchval("select array_agg(distinct event) from auth.audit_log") == ["signed_in"]


LEFT = (
    "update auth.sessions set idle_ends_at = now() - make_interval(days => $1), created_at = now() - interval '60 days'"
)
LONG_AGO = "update auth.users set created_at = now() - interval '60 days'"


async def test_anonymous_accounts_that_nobody_comes_back_to_are_erased(
    client: httpx.AsyncClient, accounts: Accounts, admin: asyncpg.Connection
) -> None:
    erased: list[User] = []
    accounts.hooks.erases(lambda user, _writing: erased.append(user))
    left = (await client.post("/signup/anonymous")).json()["user"]["id"]
    await client.post("/signup", json=ADA)
    await client.post("/login", json=ADA)
    for days, gone in ((-1, 0), (29, 0), (31, 1), (31, 0)):
        await admin.execute(LONG_AGO)
        await admin.execute(LEFT, days)
        await accounts.housekeeper.clean()
        assert await accounts.housekeeper.erase_abandoned() == gone, days
    assert [str(user.id) for user in erased] == [left]
    assert await admin.fetchval("select array_agg(email) from auth.users") == [ADA["email"]]
    told = "select user_id::text, details ->> 'reason' from auth.audit_log where event = 'user_erased'"
    assert [tuple(row) for row in await admin.fetch(told)] == [(left, "abandoned")]


@pytest.mark.parametrize(
    "way",
    [
        "insert into auth.api_keys (user_id, name, hash, prefix, role) select id, 'x', 'x', 'x', 'anon' from auth.users",
        "insert into auth.factors (user_id, kind, verified_at) select id, 'webauthn', now() from auth.users",
        "update auth.users set phone = '+4930123456', phone_verified_at = now()",
        "create table public.orders (owner uuid references auth.users); insert into public.orders select id from auth.users",
        "update auth.users set is_anonymous = false",
    ],
)
async def test_one_that_somebody_may_come_back_to_or_that_is_needed_stays(
    client: httpx.AsyncClient, accounts: Accounts, admin: asyncpg.Connection, way: str
) -> None:
    await client.post("/signup/anonymous")
    await admin.execute(way)
    await admin.execute(LONG_AGO)
    await admin.execute(LEFT, 31)
    assert await accounts.housekeeper.erase_abandoned() == 0
    assert await admin.fetchval("select count(*) from auth.users") == 1


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
