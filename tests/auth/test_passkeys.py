"""Passkeys without a browser: what the audit log tells of them, and that a sign-in is one whole. `tests/browser` has a real Chromium."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from tests.auth.apps import bearing
from tests.auth.authenticator import Authenticator

COUNTER = "select sign_count from auth.webauthn_credentials"
TOLD = """
select event, user_id::text, session_id::text, details from auth.audit_log where event in ('signed_in', 'sign_in_failed')
order by id desc limit 1
"""


@pytest.fixture
async def passkey(client: httpx.AsyncClient, ada: dict[str, Any]) -> Authenticator:
    passkey = Authenticator()
    begun = (await client.post("/factors", json={"kind": "webauthn"}, headers=bearing(ada))).json()
    answer = {"credential": passkey.create(begun["challenge"]["options"])}
    proved = await client.post(f"/factors/{begun['id']}/verify", json=answer, headers=bearing(ada))
    assert proved.status_code == 200, proved.text
    return passkey


async def signed(client: httpx.AsyncClient, passkey: Authenticator, path: str = "/login/passkey") -> httpx.Response:
    asked = (await client.post("/login/passkey/challenge")).json()
    return await client.post(path, json={"credential": passkey.get(asked["options"])})


async def told(admin: asyncpg.Connection) -> tuple[str, str | None, str | None, dict[str, Any]]:
    row = await admin.fetchrow(TOLD)
    return row["event"], row["user_id"], row["session_id"], json.loads(row["details"])


@pytest.mark.parametrize(("path", "status"), [("/login/passkey", 200), ("/sessions/passkey", 201)])
async def test_a_sign_in_with_a_passkey_is_told_with_its_session(
    client: httpx.AsyncClient, passkey: Authenticator, admin: asyncpg.Connection, path: str, status: int
) -> None:
    answer = await signed(client, passkey, path)
    assert answer.status_code == status
    session = await admin.fetchval("select id::text from auth.sessions order by created_at desc limit 1")
    owner = await admin.fetchval("select id::text from auth.users")
    assert await told(admin) == ("signed_in", owner, session, {"methods": ["webauthn"]})
    assert await admin.fetchval(COUNTER) == passkey.counter


async def test_a_passkey_of_nobody_and_one_that_names_another_owner_are_told(
    client: httpx.AsyncClient, passkey: Authenticator, admin: asyncpg.Connection
) -> None:
    owner = await admin.fetchval("select id::text from auth.users")
    refused = {"methods": ["webauthn"], "reason": "factor-refused"}
    assert (await signed(client, Authenticator())).status_code == 401
    assert await told(admin) == ("sign_in_failed", None, None, refused)
    passkey.owner = bytes(16)
    assert (await signed(client, passkey)).status_code == 401
    assert await told(admin) == ("sign_in_failed", owner, None, refused)


async def test_an_answer_that_is_given_twice_is_told(
    client: httpx.AsyncClient, passkey: Authenticator, admin: asyncpg.Connection
) -> None:
    asked = (await client.post("/login/passkey/challenge")).json()
    answer = {"credential": passkey.get(asked["options"])}
    assert [(await client.post("/login/passkey", json=answer)).status_code for _ in range(2)] == [200, 401]
    assert (await told(admin))[3] == {"methods": ["webauthn"], "reason": "challenge-refused"}


async def test_who_is_not_let_in_has_not_used_the_passkey(
    client: httpx.AsyncClient, passkey: Authenticator, admin: asyncpg.Connection
) -> None:
    await admin.execute("update auth.users set banned_until = 'infinity'")
    assert (await signed(client, passkey)).status_code == 403
    assert (await told(admin))[3] == {"methods": ["webauthn"], "reason": "banned"}
    assert await admin.fetchval(COUNTER) == 0


async def test_a_copy_that_counts_by_itself_is_refused_and_told(
    client: httpx.AsyncClient, passkey: Authenticator, admin: asyncpg.Connection
) -> None:
    copy = Authenticator(passkey.key, passkey.id, passkey.counter, passkey.owner)
    for _ in range(2):
        assert (await signed(client, passkey)).status_code == 200
    assert (await signed(client, copy)).status_code == 401
    event, owner, _, _ = await told(admin)
    assert event == "sign_in_failed"
    assert owner is not None
