"""What operators do with the accounts of others."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from pellucid.auth.service import Accounts
from pellucid.auth.tables import User
from pellucid.database.session import WriteSession
from pellucid.errors import Forbidden

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
ACTS = [
    ("POST", "/admin/users", ADA),
    ("GET", "/admin/users", None),
    ("GET", "/admin/users/{id}", None),
    ("PATCH", "/admin/users/{id}", {"role": "service_role"}),
    ("DELETE", "/admin/users/{id}", None),
    ("PUT", "/admin/users/{id}/ban", {}),
    ("DELETE", "/admin/users/{id}/ban", None),
    ("DELETE", "/admin/users/{id}/sessions", None),
    ("POST", "/admin/invitations", {"email": "eve@example.com"}),
    ("POST", "/admin/links", {"purpose": "recover", "email": "ada@example.com"}),
    ("POST", "/admin/users/{id}/impersonation", {"reason": "curiosity"}),
    ("GET", "/admin/users/{id}/export", None),
    ("POST", "/admin/users/{id}/erasure", None),
    ("GET", "/admin/audit", None),
]
"""Everything there is; each must be closed to everybody else."""


@pytest.fixture
def operator(accounts: Accounts) -> dict[str, str]:
    return {"Authorization": f"Bearer {accounts.tokens.issue(None, role='service_role').text}"}


@pytest.fixture
async def ada(client: httpx.AsyncClient, operator: dict[str, str]) -> str:
    """The id of an account that an operator made."""
    answer = await client.post("/admin/users", json=ADA | {"app_metadata": {"team": "engine"}}, headers=operator)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/admin/users/{answer.json()['id']}"
    return str(answer.json()["id"])


async def signed_in(client: httpx.AsyncClient, **changes: str) -> dict[str, Any]:
    answer = await client.post("/login", json=ADA | changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def bearing(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


async def events(admin: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await admin.fetch("select event from auth.audit_log order by id")]


@pytest.mark.parametrize(("method", "path", "body"), ACTS)
async def test_nobody_else_gets_in(
    client: httpx.AsyncClient, ada: str, accounts: Accounts, method: str, path: str, body: Any
) -> None:
    user = {"Authorization": f"Bearer {accounts.tokens.issue(UUID(ada)).text}"}
    for headers, status in (({}, 401), (user, 403)):
        answer = await client.request(method, path.format(id=ada), json=body, headers=headers)
        assert answer.status_code == status
    assert (await client.post("/login", json=ADA)).status_code == 200


async def test_a_made_account_signs_in_and_is_changed(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str]
) -> None:
    session = await signed_in(client)
    changes = {"email": "Countess@example.com", "password": "an engine of silver", "metadata": {"title": "Lady"}}
    changed = await client.patch(f"/admin/users/{ada}", json=changes, headers=operator)
    assert changed.status_code == 200
    assert (changed.json()["email"], changed.json()["metadata"]) == ("countess@example.com", {"title": "Lady"})
    assert changed.json()["app_metadata"] == {"team": "engine"}
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 401
    await signed_in(client, email="countess@example.com", password="an engine of silver")
    assert [user["id"] for user in (await client.get("/admin/users", headers=operator)).json()] == [ada]


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (ADA, 409),
        ({"email": "no address"}, 422),
        ({"email": "b@example.com", "password": "password1"}, 422),
        ({"email": "b@example.com", "role": "postgres"}, 422),
        ({"email": "b@example.com", "role": "pellucid_accounts"}, 422),
    ],
)
async def test_an_account_that_cannot_be_made(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str], entry: dict[str, str], status: int
) -> None:
    assert (await client.post("/admin/users", json=entry, headers=operator)).status_code == status


async def test_a_ban_ends_sessions_and_keeps_out(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str], admin: asyncpg.Connection
) -> None:
    session = await signed_in(client)
    banned = await client.put(f"/admin/users/{ada}/ban", json={}, headers=operator)
    assert banned.json()["banned_until"].startswith("9999")
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 401
    refused = await client.post("/refresh", json={"refresh_token": session["refresh_token"]})
    assert refused.status_code == 401
    assert (await client.post("/login", json=ADA)).json()["code"] == "banned"
    assert (await client.delete(f"/admin/users/{ada}/ban", headers=operator)).json()["banned_until"] is None
    await signed_in(client)
    assert {"user_created", "user_banned", "user_unbanned"} <= set(await events(admin))


async def test_sessions_are_ended_and_the_account_deleted(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str], admin: asyncpg.Connection
) -> None:
    session = await signed_in(client)
    assert (await client.delete(f"/admin/users/{ada}/sessions", headers=operator)).status_code == 204
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 401
    session = await signed_in(client)
    assert (await client.delete(f"/admin/users/{ada}", headers=operator)).status_code == 204
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 401
    assert (await client.get(f"/admin/users/{ada}", headers=operator)).status_code == 404
    assert await admin.fetchval("select count(*) from auth.sessions") == 0
    assert (await events(admin))[-1] == "user_deleted"


async def test_an_invitation_lets_in_once(
    client: httpx.AsyncClient, operator: dict[str, str], accounts: Accounts
) -> None:
    for _ in range(2):  # who never came may be invited again
        invited = await client.post("/admin/invitations", json={"email": "grace@example.com"}, headers=operator)
        assert (invited.status_code, invited.json()["invited_at"] is not None) == (201, True)
    await accounts.outbox.empty()
    mail = (await client.get("/inbox", params={"to": "grace@example.com"})).json()[0]
    token = mail["text"].split("token=")[1].split("&")[0]
    answer = await client.post("/verify", json={"token": token})
    assert (answer.status_code, answer.json()["user"]["id"]) == (200, invited.json()["id"])
    assert (await client.post("/verify", json={"token": token})).status_code == 401
    again = await client.post("/admin/invitations", json={"email": "grace@example.com"}, headers=operator)
    assert again.status_code == 409


@pytest.mark.parametrize("purpose", ["sign_in", "verify", "recover", "invite"])
async def test_a_link_is_as_good_as_its_mail(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str], purpose: str
) -> None:
    address = "grace@example.com" if purpose == "invite" else "ada@example.com"
    made = await client.post("/admin/links", json={"purpose": purpose, "email": address}, headers=operator)
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    link = httpx.URL(made.json()["url"])
    assert (link.path, link.params["purpose"]) == ("/verify", purpose)
    if purpose == "recover":
        entry = {"token": link.params["token"], "password": "an engine of silver"}
        assert (await client.post("/password/reset", json=entry)).status_code == 204
        await signed_in(client, password="an engine of silver")
    else:
        answer = await client.post("/verify", json={"email": address, "code": made.json()["code"]})
        assert answer.json()["user"]["id"] == made.json()["user"]["id"]
    unknown = await client.post(
        "/admin/links", json={"purpose": "sign_in", "email": "nobody@example.com"}, headers=operator
    )
    assert unknown.status_code == 404


async def test_links_of_both_sides_change_an_address(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str]
) -> None:
    answers = []
    for purpose in ("change_email_old", "change_email_new"):
        entry = {"purpose": purpose, "email": "ada@example.com", "new_email": "countess@example.com"}
        made = await client.post("/admin/links", json=entry, headers=operator)
        token = httpx.URL(made.json()["url"]).params["token"]
        answers.append((await client.post("/email/agree", json={"token": token})).json()["changed"])
    assert answers == [False, True]


async def test_impersonation_is_told_and_bounded(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str], admin: asyncpg.Connection, accounts: Accounts
) -> None:
    entry = {"reason": "a question of hers"}
    acting = (await client.post(f"/admin/users/{ada}/impersonation", json=entry, headers=operator)).json()
    claims = accounts.tokens.verify(acting["access_token"]).claims
    assert (claims["sub"], claims["act"]) == (ada, {"sub": str(UUID(int=0))})
    assert (await client.get("/users/me", headers=bearing(acting))).json()["id"] == ada
    for method, path, body in [
        ("PUT", "/password", {"old": ADA["password"], "new": "an engine of silver"}),
        ("PUT", "/email", {"email": "eve@example.com"}),
    ]:
        refused = await client.request(method, path, json=body, headers=bearing(acting))
        assert refused.status_code == 403
    row = await admin.fetchrow("select user_id, details from auth.audit_log where event = 'impersonated'")
    assert row is not None
    assert (str(row["user_id"]), "a question of hers" in row["details"]) == (ada, True)
    assert await admin.fetchval("select max(ends_at) < now() + interval '61 minutes' from auth.sessions")
    await client.delete(f"/admin/users/{ada}/sessions", headers=operator)
    assert (await client.get("/users/me", headers=bearing(acting))).status_code == 401


async def test_a_person_is_exported_and_erased(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str], accounts: Accounts, admin: asyncpg.Connection
) -> None:
    await admin.execute("create table notes (owner uuid references auth.users, text text)")
    await admin.execute("grant select, insert, delete on notes to service_role")
    await admin.execute("insert into notes values ($1, 'hers')", UUID(ada))
    session = await signed_in(client)
    await client.post("/login/mail", json={"email": "ada@example.com"})
    await accounts.outbox.empty()

    @accounts.hooks.exports
    async def notes(user: User, session: WriteSession) -> dict[str, Any]:
        connection = await session.connection()
        rows = await connection.exec_driver_sql("select text from notes where owner = $1", (user.id,))
        return {"notes": [row.text for row in rows]}

    kept = await client.post(f"/admin/users/{ada}/erasure", headers=operator)
    assert (kept.status_code, kept.json()["code"]) == (409, "broken-reference")
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 200

    @accounts.hooks.erases
    async def forget(user: User, session: WriteSession) -> None:
        connection = await session.connection()
        await connection.exec_driver_sql("delete from notes where owner = $1", (user.id,))

    data = (await client.get(f"/admin/users/{ada}/export", headers=operator)).json()
    assert data["account"]["email"] == "ada@example.com"
    assert data["application"] == {"notes": ["hers"]}
    assert (len(data["sessions"]), len(data["mails"])) == (1, 1)
    assert {"signed_in", "user_created"} <= {entry["event"] for entry in data["audit_log"]}
    assert "argon2" not in str(data)
    assert not {"cookie_hash", "refresh_key"} & set(data["sessions"][0])

    assert (await client.post(f"/admin/users/{ada}/erasure", headers=operator)).status_code == 204
    assert (await client.get("/users/me", headers=bearing(session))).status_code == 401
    tables = await admin.fetch(
        "select relname from pg_class where relnamespace = 'auth'::regnamespace and relkind = 'r'"
    )
    found = [await admin.fetch(f"select t::text from auth.{table[0]} t") for table in tables]
    assert "ada@example.com" not in str(found)
    left = await admin.fetch(
        "select address, agent from auth.audit_log where user_id = $1 and event <> 'user_erased'", UUID(ada)
    )
    assert left
    assert {(row["address"], row["agent"]) for row in left} == {(None, None)}


async def test_what_a_hook_refuses_is_not_erased(
    client: httpx.AsyncClient, ada: str, operator: dict[str, str], accounts: Accounts
) -> None:
    @accounts.hooks.erases
    def never(user: User, session: WriteSession) -> None:
        raise Forbidden("A bill is open.")

    assert (await client.post(f"/admin/users/{ada}/erasure", headers=operator)).status_code == 403
    await signed_in(client)


async def test_the_log_is_read_page_by_page(client: httpx.AsyncClient, ada: str, operator: dict[str, str]) -> None:
    await asyncio.gather(*(signed_in(client) for _ in range(3)))
    query: dict[str, str] = {"user": ada, "limit": "2"}
    seen: list[str] = []
    while page := (await client.get("/admin/audit", params=query, headers=operator)).json():
        seen += [entry["event"] for entry in page]
        query["before"] = page[-1]["id"]
    assert seen == ["signed_in"] * 3 + ["user_created"]
    one = await client.get("/admin/audit", params={"event": "user_created"}, headers=operator)
    assert [entry["user_id"] for entry in one.json()] == [ada]
