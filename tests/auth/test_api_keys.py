"""API keys: shown once, narrowed, and refused everywhere once they are revoked."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from pellucid.auth.apikeys.form import PREFIX, new_key, well_formed
from pellucid.auth.service import Accounts
from pellucid.auth.sessions.revocation import Revocations
from pellucid.auth.tokens import Tokens
from pellucid.database.core import Database
from pellucid.web.dependencies import Identity, WriteSession
from pellucid.web.redact import redact

ADA = {"email": "ada@example.com", "password": "an engine of brass"}


def bearing(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> dict[str, str]:
    """The header of Ada's own session."""
    await client.post("/signup", json=ADA)
    return bearing((await client.post("/login", json=ADA)).json()["access_token"])


@pytest.fixture
def service(tokens: Tokens) -> dict[str, str]:
    return bearing(tokens.issue(None, role="service_role").text)


async def made(client: httpx.AsyncClient, headers: dict[str, str], **entry: Any) -> dict[str, Any]:
    answer = await client.post("/api-keys", json={"name": "nightly"} | entry, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


async def test_a_key_acts_for_its_account_in_both_headers(
    client: httpx.AsyncClient, ada: dict[str, str], admin: asyncpg.Connection
) -> None:
    key = await made(client, ada)
    for headers in (bearing(key["key"]), {"apikey": key["key"]}):
        answer = await client.get("/users/me", headers=headers)
        assert (answer.status_code, answer.json()["email"]) == (200, "ada@example.com")
    (listed,) = (await client.get("/api-keys", headers=ada)).json()
    assert "key" not in listed
    assert (listed["prefix"], listed["last_used_at"] is not None) == (key["key"][: len(PREFIX) + 6], True)
    stored = await admin.fetchval("select k::text from auth.api_keys k")
    assert key["key"] not in stored
    assert key["key"].encode().hex() not in stored
    events = await admin.fetch("select details::text from auth.audit_log where event = 'api_key_made'")
    assert [key["id"] in details for (details,) in events] == [True]
    assert key["key"] not in redact(f"it was {key['key']} of ada")


KEY = f"{PREFIX}{'A' * 43}27b0c0c0"


@pytest.mark.parametrize("secret", [PREFIX, KEY, KEY[:-1], f"{KEY}x", PREFIX + "é" * 51])
async def test_what_is_no_key_proves_nothing(client: httpx.AsyncClient, secret: str) -> None:
    answer = await client.get("/users/me", headers={b"Authorization": f"Bearer {secret}".encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_a_typing_error_is_found_without_asking_anybody() -> None:
    key = new_key()
    assert well_formed(key)
    assert not well_formed(key[:20] + ("A" if key[20] != "A" else "B") + key[21:])


async def test_a_revoked_key_is_refused_by_every_worker(
    client: httpx.AsyncClient, ada: dict[str, str], accounts: Accounts, database: Database
) -> None:
    key = await made(client, ada)
    claims = await accounts.proofs.claims_of("bearer", key["key"])
    assert claims is not None
    async with Revocations(database, 60) as other:
        assert not other.refuses(claims)
        assert (await client.delete(f"/api-keys/{key['id']}", headers=ada)).status_code == 204
        assert accounts.revocations.refuses(claims)
        async with asyncio.timeout(5):
            while not other.refuses(claims):
                await other.look()
    answer = await client.get("/users/me", headers=bearing(key["key"]))
    assert answer.status_code == 401
    assert (await client.get("/api-keys", headers=ada)).json() == []
    assert (await client.delete(f"/api-keys/{key['id']}", headers=ada)).status_code == 404


@pytest.mark.parametrize(
    "happens",
    [
        "update auth.api_keys set expires_at = now()",
        "update auth.users set banned_until = now() + interval '1 day'",
        "delete from auth.users",
    ],
)
async def test_a_key_ends_with_its_time_and_its_account(
    client: httpx.AsyncClient, ada: dict[str, str], admin: asyncpg.Connection, happens: str
) -> None:
    key = await made(client, ada, days=1)
    await admin.execute(happens)
    assert (await client.get("/users/me", headers=bearing(key["key"]))).status_code == 401


async def test_nobody_keeps_the_claims_of_a_key_for_long(
    client: httpx.AsyncClient, ada: dict[str, str], accounts: Accounts
) -> None:
    claims = await accounts.proofs.claims_of("bearer", (await made(client, ada))["key"])
    assert claims is not None
    assert 0 < claims["exp"] - claims["iat"] <= 5


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api-keys", {"name": "more"}),
        ("PUT", "/password", {"new": "another engine"}),
        ("PUT", "/email", {"email": "x@example.com"}),
        ("DELETE", "/sessions?which=all", None),
        ("POST", "/logout?which=all", None),
    ],
)
async def test_a_key_changes_nothing_of_its_account(
    client: httpx.AsyncClient, ada: dict[str, str], method: str, path: str, body: dict[str, str] | None
) -> None:
    key = await made(client, ada)
    answer = await client.request(method, path, json=body, headers=bearing(key["key"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_key_opens_only_the_paths_that_it_is_for(client: httpx.AsyncClient, ada: dict[str, str]) -> None:
    key = await made(client, ada, scopes=["/users/me", "/orders"])
    for path, status in {"/users/me": 200, "/users": 403, "/users/mean": 403, "/sessions": 403}.items():
        assert (await client.get(path, headers=bearing(key["key"]))).status_code == status, path


async def test_a_key_is_as_narrow_on_the_routes_of_supabase(
    client: httpx.AsyncClient, ada: dict[str, str], service: dict[str, str]
) -> None:
    own, orders = await made(client, ada), await made(client, ada, scopes=["/orders"])
    whole = await made(client, service, role="service_role")
    reads = await made(client, service, role="service_role", scopes=["read"])
    grace = {"email": "grace@example.com", "password": "an engine of brass"}
    for key, method, path, body, status in [
        (own, "GET", "user", None, 200),
        (own, "PUT", "user", {"data": {"a": 1}}, 403),
        (own, "POST", "logout", None, 403),
        (orders, "GET", "user", None, 403),
        (reads, "GET", "admin/users", None, 200),
        (reads, "POST", "admin/users", grace, 403),
        (whole, "POST", "admin/users", grace, 200),
    ]:
        answer = await client.request(method, f"/auth/v1/{path}", json=body, headers=bearing(key["key"]))
        assert answer.status_code == status, (method, path, answer.text)
    assert (await client.get("/users/me", headers=ada)).status_code == 200


async def test_postgresql_refuses_what_a_key_for_reading_would_write(
    app: FastAPI, client: httpx.AsyncClient, service: dict[str, str], admin: asyncpg.Connection
) -> None:
    await admin.execute("create table public.notes (n int); grant all on public.notes to service_role")

    @app.api_route("/sly", methods=["GET", "POST"])
    async def sly(session: WriteSession, caller: Identity) -> str:
        await session.execute(text("insert into notes values (1)"))
        return caller.role

    writes = await made(client, service, role="service_role")
    reads = await made(client, service, role="service_role", scopes=["read"])
    assert (await client.get("/sly", headers=bearing(writes["key"]))).json() == "service_role"
    assert (await client.get("/sly", headers=bearing(reads["key"]))).json()["code"] == "read-only"
    assert (await client.post("/sly", headers=bearing(reads["key"]))).status_code == 403
    assert await admin.fetchval("select count(*) from notes") == 1


async def test_services_have_keys_with_a_role_and_accounts_see_their_own_only(
    client: httpx.AsyncClient, ada: dict[str, str], service: dict[str, str]
) -> None:
    own, anon = await made(client, ada), await made(client, service, role="anon")
    assert [key["id"] for key in (await client.get("/api-keys", headers=ada)).json()] == [own["id"]]
    assert len((await client.get("/api-keys", headers=service)).json()) == 2
    assert (await client.delete(f"/api-keys/{anon['id']}", headers=ada)).status_code == 404
    assert (await client.delete(f"/api-keys/{own['id']}", headers=service)).status_code == 204


@pytest.mark.parametrize("role", [None, "postgres", "pellucid_accounts", "pg_read_all_data", "nobody"])
async def test_a_service_has_no_role_that_requests_may_not_take(
    client: httpx.AsyncClient, service: dict[str, str], role: str | None
) -> None:
    answer = await client.post("/api-keys", json={"name": "x", "role": role}, headers=service)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")
