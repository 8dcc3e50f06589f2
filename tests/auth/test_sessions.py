"""Sessions: tokens that rotate, cookies, lists, and revocation that every worker hears of."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from pellucid.auth.service import Accounts
from pellucid.auth.sessions.revocation import Revocations
from pellucid.auth.tokens import Tokens
from pellucid.database.core import Database

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
HOST = {"Origin": "http://127.0.0.1"}


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> dict[str, Any]:
    """A session of Ada's, as `/login` gave it."""
    await client.post("/signup", json=ADA)
    return dict((await client.post("/login", json=ADA)).json())


@pytest.fixture
async def browser(app: FastAPI, ada: dict[str, Any]) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as browser:
        assert (await browser.post("/sessions", json=ADA)).status_code == 201
        yield browser


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/refresh", json={"refresh_token": token})


async def later(admin: asyncpg.Connection, seconds: int) -> None:
    """Let time have passed for all sessions and tokens."""
    gone = timedelta(seconds=seconds)
    await admin.execute("update auth.refresh_tokens set used_at = used_at - $1::interval", gone)
    await admin.execute(
        "update auth.sessions set idle_ends_at = idle_ends_at - $1::interval, ends_at = ends_at - $1::interval", gone
    )


# -- refresh ---------------------------------------------------------------------------------------------------------


async def test_a_refresh_token_gives_the_next_two_tokens_of_the_same_session(
    client: httpx.AsyncClient, ada: dict[str, Any], tokens: Tokens
) -> None:
    answer = await refreshed(client, ada["refresh_token"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    before, after = (tokens.verify(each["access_token"]).claims for each in (ada, answer.json()))
    assert before["session_id"] == after["session_id"]
    assert before["jti"] != after["jti"]
    assert (after["aal"], [each["method"] for each in after["amr"]]) == ("aal1", ["password"])
    assert answer.json()["user"]["id"] == ada["user"]["id"]


async def test_a_hundred_refreshes_at_once_leave_one_successor_and_nobody_signed_out(
    client: httpx.AsyncClient, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    answers = await asyncio.gather(*(refreshed(client, ada["refresh_token"]) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert await admin.fetchval("select count(*) from auth.refresh_tokens") == 2
    assert await admin.fetchval("select count(*) from auth.refresh_tokens where used_at is null") == 1
    assert (await refreshed(client, successors.pop())).status_code == 200


async def test_a_replay_after_the_grace_ends_the_session_for_everybody(
    client: httpx.AsyncClient, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    current = (await refreshed(client, ada["refresh_token"])).json()
    await later(admin, 11)
    replayed = await refreshed(client, ada["refresh_token"])
    assert (replayed.status_code, replayed.json()["code"]) == (401, "session-ended")
    assert (await refreshed(client, current["refresh_token"])).status_code == 401
    assert await admin.fetchval("select count(*) from auth.audit_log where event = 'refresh_reused'") == 1


@pytest.mark.parametrize("token", ["", "of nobody", "\0", "é" * 100])
async def test_a_refresh_token_of_nobody_is_refused(client: httpx.AsyncClient, token: str) -> None:
    assert (await refreshed(client, token)).status_code == 401


@pytest.mark.parametrize("seconds", [7 * 86_400 + 60, 30 * 86_400 + 60])
async def test_an_idle_and_an_old_session_end(
    client: httpx.AsyncClient, ada: dict[str, Any], admin: asyncpg.Connection, seconds: int
) -> None:
    await later(admin, seconds)
    assert (await refreshed(client, ada["refresh_token"])).status_code == 401


async def test_use_keeps_a_session_from_idling_and_not_from_its_end(
    client: httpx.AsyncClient, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    token = ada["refresh_token"]
    for _ in range(4):
        await later(admin, 6 * 86_400)
        answer = await refreshed(client, token)
        assert answer.status_code == 200
        token = answer.json()["refresh_token"]
    await later(admin, 6 * 86_400 + 60)
    assert (await refreshed(client, token)).status_code == 401


async def test_neither_refresh_tokens_nor_cookies_are_stored_as_they_are(
    ada: dict[str, Any], browser: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    secrets = [ada["refresh_token"], *browser.cookies.values()]
    tables = await admin.fetch("select tablename from pg_tables where schemaname = 'auth'")
    for (table,) in tables:
        for row in await admin.fetch(f"select t::text from auth.{table} t"):
            for secret in secrets:
                assert secret not in row[0]
                assert secret.encode().hex() not in row[0]


async def test_no_role_of_requests_may_read_a_secret_column(database: Database, admin: asyncpg.Connection) -> None:
    tables = "refresh_tokens passwords one_time_tokens recovery_codes challenges flow_states outbox inbox attempts"
    secret = tuple(tables.split())
    columns = "('cookie_hash', 'refresh_key', 'secret', 'hash', 'public_key', 'credential_id')"
    for role in ("anon", "authenticated", "service_role"):
        leaks = await admin.fetch(
            "select table_name, column_name from information_schema.columns where table_schema = 'auth' "
            f"and (table_name in {secret} or column_name in {columns}) "
            "and has_column_privilege($1, format('auth.%I', table_name), column_name, 'select')",
            role,
        )
        assert leaks == []
    bare = await admin.fetch(
        "select relname from pg_class where relnamespace = 'auth'::regnamespace and relkind = 'r' and not relrowsecurity"
    )
    assert bare == []


# -- lists and revocation --------------------------------------------------------------------------------------------


async def test_an_account_sees_where_it_is_signed_in(
    client: httpx.AsyncClient, ada: dict[str, Any], browser: httpx.AsyncClient
) -> None:
    listed = (await client.get("/sessions", headers=bearing(ada["access_token"]))).json()
    assert [each["current"] for each in listed] == [False, True]
    assert all(each["agent"].startswith("python-httpx") and each["address"] for each in listed)
    mine = (await browser.get("/sessions")).json()
    assert [each["current"] for each in mine] == [True, False]


@pytest.mark.parametrize(
    "path",
    [f"/logout?which={which}" for which in ("current", "others")]
    + [f"/auth/v1/logout?scope={scope}" for scope in ("local", "others")],
)
async def test_without_a_session_of_its_own_a_token_ends_none(
    client: httpx.AsyncClient, ada: dict[str, Any], tokens: Tokens, path: str
) -> None:
    token = tokens.issue(UUID(ada["user"]["id"])).text
    assert (await client.post(path, headers=bearing(token))).status_code == 403
    assert (await client.get("/users/me", headers=bearing(ada["access_token"]))).status_code == 200


async def test_nobody_sees_or_ends_the_sessions_of_others(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    grace = ADA | {"email": "grace@example.com"}
    await client.post("/signup", json=grace)
    hers = bearing((await client.post("/login", json=grace)).json()["access_token"])
    (session,) = (await client.get("/sessions", headers=bearing(ada["access_token"]))).json()
    assert session["id"] not in (await client.get("/sessions", headers=hers)).text
    assert (await client.delete(f"/sessions/{session['id']}", headers=hers)).status_code == 404
    assert (await client.get("/users/me", headers=bearing(ada["access_token"]))).status_code == 200


@pytest.mark.parametrize(
    ("which", "ends_mine", "ends_other"), [("current", True, False), ("others", False, True), ("all", True, True)]
)
async def test_one_others_or_all_sessions_are_ended_and_their_tokens_refused_at_once(
    client: httpx.AsyncClient, ada: dict[str, Any], which: str, ends_mine: bool, ends_other: bool
) -> None:
    other = (await client.post("/login", json=ADA)).json()
    answer = await client.post(f"/logout?which={which}", headers=bearing(ada["access_token"]))
    assert answer.status_code == 204
    for session, gone in ((ada, ends_mine), (other, ends_other)):
        seen = await client.get("/users/me", headers=bearing(session["access_token"]))
        assert seen.status_code == (401 if gone else 200)
        assert (await refreshed(client, session["refresh_token"])).status_code == (401 if gone else 200)
        if gone:
            assert seen.json()["code"] == "session-ended"
            assert "error=" in seen.headers["www-authenticate"]


async def test_one_session_is_ended_by_its_id(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    mine = bearing(ada["access_token"])
    other = (await client.post("/login", json=ADA)).json()
    session = next(each for each in (await client.get("/sessions", headers=mine)).json() if not each["current"])
    assert (await client.delete(f"/sessions/{session['id']}", headers=mine)).status_code == 204
    assert (await client.delete(f"/sessions/{session['id']}", headers=mine)).status_code == 404
    assert (await client.get("/users/me", headers=bearing(other["access_token"]))).status_code == 401
    assert (await client.get("/users/me", headers=mine)).status_code == 200


class Listening(Revocations):
    """What another worker knows; it can be waited for."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, 3600)
        self.news = asyncio.Event()

    def _hear(self, session_id: str) -> None:
        super()._hear(session_id)
        self.news.set()

    async def look(self) -> None:
        await super().look()
        self.news.set()


@pytest.fixture
async def elsewhere(database: Database) -> AsyncIterator[Listening]:
    async with Listening(database) as revocations:
        yield revocations


async def until_refused(revocations: Listening, session_id: str) -> None:
    async with asyncio.timeout(5):
        while not revocations.refuses({"session_id": session_id}):
            revocations.news.clear()
            await revocations.news.wait()


@pytest.mark.parametrize(
    "ending",
    [
        "update auth.sessions set revoked_at = now()",
        "delete from auth.sessions",
        "delete from auth.users",
    ],
)
async def test_other_workers_hear_of_an_end_by_whatever_way(
    ada: dict[str, Any], elsewhere: Listening, admin: asyncpg.Connection, tokens: Tokens, ending: str
) -> None:
    claims = tokens.verify(ada["access_token"]).claims
    assert not elsewhere.refuses(claims)
    await admin.execute(ending)
    await until_refused(elsewhere, claims["session_id"])


async def test_a_worker_that_heard_nothing_reads_it(
    ada: dict[str, Any], database: Database, admin: asyncpg.Connection, tokens: Tokens
) -> None:
    session_id = tokens.verify(ada["access_token"]).claims["session_id"]
    await admin.execute("update auth.sessions set revoked_at = now()")
    async with Revocations(database, 3600) as late:
        assert late.refuses({"session_id": session_id})


async def test_a_broken_line_is_mended_and_nothing_is_missed(
    ada: dict[str, Any], elsewhere: Listening, admin: asyncpg.Connection, tokens: Tokens
) -> None:
    session_id = tokens.verify(ada["access_token"]).claims["session_id"]
    await admin.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like '% sessions'"
    )
    await admin.execute("update auth.sessions set revoked_at = now()")
    await until_refused(elsewhere, session_id)


@pytest.mark.parametrize(
    "claims", [{}, {"session_id": None}, {"session_id": []}, {"session_id": {}}, {"session_id": 1}]
)
async def test_claims_of_others_are_none_of_its_business(elsewhere: Listening, claims: dict[str, Any]) -> None:
    assert not elsewhere.refuses(claims)


# -- browsers --------------------------------------------------------------------------------------------------------


async def test_a_browser_gets_a_cookie_that_scripts_cannot_read_and_no_token(
    client: httpx.AsyncClient, ada: dict[str, Any]
) -> None:
    answer = await client.post("/sessions", json=ADA)
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("pellucid-session=")
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "token" not in answer.text
    assert answer.json()["session"]["current"] is True


async def test_each_sign_in_has_a_secret_of_its_own(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    cookies = [(await client.post("/sessions", json=ADA)).headers["set-cookie"] for _ in range(2)]
    assert len({cookie.partition(";")[0] for cookie in cookies}) == 2


async def test_a_cookie_is_the_account_for_policies_too(browser: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    me = await browser.get("/users/me")
    assert (me.status_code, me.json()["id"]) == (200, ada["user"]["id"])


@pytest.mark.parametrize(
    "origin", [None, "http://127.0.0.1:9999", "https://127.0.0.1.example.com", "null", "https://example.com", ""]
)
async def test_a_cookie_changes_nothing_for_pages_of_others(browser: httpx.AsyncClient, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answer = await browser.post("/logout", headers=headers)
    assert answer.status_code == 403
    assert (await browser.get("/users/me")).status_code == 200


async def test_signing_out_takes_the_cookie_back(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/logout", headers=HOST)
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert not browser.cookies


async def test_a_cookie_of_an_ended_session_is_refused_and_taken_back(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, ada: dict[str, Any]
) -> None:
    await browser.get("/users/me")
    await client.post("/logout?which=all", headers=bearing(ada["access_token"]))
    answer = await browser.get("/users/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "session-ended")


@pytest.mark.parametrize(
    "cookie", ["pellucid-session=of nobody", "pellucid-session=a; pellucid-session=b", "pellucid-session="]
)
async def test_a_cookie_of_nobody_is_nobody(client: httpx.AsyncClient, cookie: str) -> None:
    assert (await client.get("/users/me", headers={"Cookie": cookie})).status_code == 401


# -- step-up ---------------------------------------------------------------------------------------------------------


async def test_a_step_up_renews_every_secret_and_raises_the_level(
    app: FastAPI, client: httpx.AsyncClient, ada: dict[str, Any], tokens: Tokens
) -> None:
    accounts: Accounts = app.state.accounts
    before = tokens.verify(ada["access_token"]).claims
    granted = await accounts.door.step_up(UUID(before["session_id"]), "totp")
    after = tokens.verify(granted.access.text).claims
    assert (after["aal"], [each["method"] for each in after["amr"]]) == ("aal2", ["password", "totp"])
    assert after["session_id"] == before["session_id"]
    assert (await refreshed(client, ada["refresh_token"])).status_code == 401
    assert (await refreshed(client, str(granted.refresh_token))).status_code == 200


async def test_a_step_up_of_a_browser_gives_it_a_new_cookie(app: FastAPI, browser: httpx.AsyncClient) -> None:
    accounts: Accounts = app.state.accounts
    current = next(each for each in (await browser.get("/sessions")).json() if each["current"])
    granted = await accounts.door.step_up(UUID(current["id"]), "webauthn")
    assert (await browser.get("/users/me")).status_code == 401
    fresh = {"Cookie": f"pellucid-session={granted.cookie}"}
    browser.cookies.clear()
    assert (await browser.get("/users/me", headers=fresh)).status_code == 200
