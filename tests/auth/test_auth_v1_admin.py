"""``/auth/v1/admin``: what the service does, and that nobody else does it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import bcrypt
import httpx
import pytest

from pellucid.auth.options import AccountOptions
from pellucid.auth.service import Accounts
from pellucid.auth.tokens import Tokens
from tests.auth.apps import App

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
SITE = "https://app.example.org"
HASH = bcrypt.hashpw(ADA["password"].encode(), bcrypt.gensalt(4)).decode()
COSTLY = "$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$" + "a" * 43
NO_ONE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def options() -> AccountOptions:
    return AccountOptions(limit_addresses=False, public_url="https://api.example.org", site_url=SITE)


@pytest.fixture
async def auth(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.base_url = httpx.URL("http://127.0.0.1/auth/v1/")
    return client


@pytest.fixture
async def admin_of(auth: httpx.AsyncClient, tokens: Tokens) -> httpx.AsyncClient:
    auth.headers["Authorization"] = f"Bearer {tokens.issue(None, role='service_role').text}"
    return auth


ROUTES = [
    ("GET", "admin/users", None),
    ("POST", "admin/users", ADA),
    ("GET", f"admin/users/{NO_ONE}", None),
    ("PUT", f"admin/users/{NO_ONE}", {}),
    ("DELETE", f"admin/users/{NO_ONE}", None),
    ("GET", f"admin/users/{NO_ONE}/factors", None),
    ("DELETE", f"admin/users/{NO_ONE}/factors/{NO_ONE}", None),
    ("PUT", f"admin/users/{NO_ONE}/factors/{NO_ONE}", {}),
    ("POST", "admin/generate_link", {"type": "magiclink", "email": "ada@example.com"}),
    ("POST", "invite", {"email": "ada@example.com"}),
]


async def test_nobody_else_administers(auth: httpx.AsyncClient) -> None:
    token = (await auth.post("signup", json=ADA)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [
        (await auth.request(method, path, json=sent, headers=headers)).json()["error_code"]
        for method, path, sent in ROUTES
        for headers in ({}, bearer, {"Authorization": "Bearer nonsense"}, {"apikey": token})
    ]
    assert answers == ["no_authorization", "not_admin", "bad_jwt", "no_authorization"] * len(ROUTES)


REFUSED: list[tuple[str, str, dict[str, Any] | None, int, str]] = [
    ("GET", "admin/users?page=x", None, 400, "validation_failed"),
    ("GET", "admin/users/nobody", None, 404, "validation_failed"),
    ("GET", f"admin/users/{NO_ONE}", None, 404, "user_not_found"),
    ("PUT", f"admin/users/{NO_ONE}", {}, 404, "user_not_found"),
    ("DELETE", f"admin/users/{NO_ONE}", None, 404, "user_not_found"),
    ("GET", f"admin/users/{NO_ONE}/factors", None, 404, "user_not_found"),
    ("DELETE", f"admin/users/{NO_ONE}/factors/{NO_ONE}", None, 404, "mfa_factor_not_found"),
    ("DELETE", f"admin/users/{NO_ONE}", {"should_soft_delete": True}, 400, "validation_failed"),
    ("POST", "admin/users", {}, 400, "validation_failed"),
    ("POST", "admin/users", {"email": "nothing"}, 400, "validation_failed"),
    ("POST", "admin/users", {"email": "a@example.com", "password": "short"}, 422, "weak_password"),
    ("POST", "admin/users", {"email": "a@example.com", "ban_duration": "soon"}, 400, "validation_failed"),
    ("POST", "admin/users", {"email": "a@example.com", "role": "postgres"}, 400, "validation_failed"),
    ("POST", "admin/users", {"email": "a@example.com", "id": "x"}, 400, "validation_failed"),
    ("POST", "admin/users", {"email": "a@example.com", "id": str(UUID(int=0))}, 400, "validation_failed"),
    ("POST", "admin/users", {"email": "a@example.com", "password_hash": "plain"}, 400, "validation_failed"),
    ("POST", "admin/users", {"email": "a@example.com", "password_hash": COSTLY}, 400, "validation_failed"),
    ("POST", "admin/users", ADA | {"password_hash": HASH}, 400, "validation_failed"),
    ("PUT", f"admin/users/{NO_ONE}/factors/{NO_ONE}", {"friendly_name": "x"}, 404, "mfa_factor_not_found"),
    ("POST", "admin/generate_link", {"type": "nothing", "email": "a@example.com"}, 400, "validation_failed"),
    ("POST", "admin/generate_link", {"type": "recovery", "email": "a@example.com"}, 404, "user_not_found"),
]


async def test_refusals(admin_of: httpx.AsyncClient) -> None:
    answers = [await admin_of.request(method, path, json=sent) for method, path, sent, _, _ in REFUSED]
    told = [(answer.status_code, answer.json()["error_code"]) for answer in answers]
    assert told == [(status, code) for *_, status, code in REFUSED]


async def test_an_account_is_made_changed_banned_and_deleted(admin_of: httpx.AsyncClient) -> None:
    sent = {**ADA, "email_confirm": True, "user_metadata": {"a": 1}, "app_metadata": {"team": "x"}}
    made = (await admin_of.post("admin/users", json=sent)).json()
    assert made["email_confirmed_at"]
    assert made["app_metadata"] == {"provider": "email", "providers": ["email"], "team": "x"}
    assert (await admin_of.post("admin/users", json=ADA)).json()["error_code"] == "email_exists"
    path = f"admin/users/{made['id']}"
    changed = await admin_of.put(path, json={"user_metadata": {"b": 2}, "ban_duration": "1h30m"})
    assert (changed.json()["user_metadata"], "banned_until" in changed.json()) == ({"a": 1, "b": 2}, True)
    assert (await admin_of.post("token?grant_type=password", json=ADA)).json()["error_code"] == "user_banned"
    assert "banned_until" not in (await admin_of.put(path, json={"ban_duration": "none"})).json()
    assert (await admin_of.post("token?grant_type=password", json=ADA)).status_code == 200
    assert (await admin_of.delete(path)).json() == {}
    assert (await admin_of.get(path)).status_code == 404


async def test_who_acts_for_another_changes_no_way_in(admin_of: httpx.AsyncClient, accounts: Accounts) -> None:
    made = (await admin_of.post("admin/users", json={"email": "ada@example.com"})).json()
    granted = await accounts.administration.impersonate(UUID(made["id"]), "to help")
    bearer = {"Authorization": f"Bearer {granted.access.text}"}
    asked = [
        await admin_of.put("user", json={"password": "an engine of silver"}, headers=bearer),
        await admin_of.put("user", json={"email": "other@example.com"}, headers=bearer),
        await admin_of.get("reauthenticate", headers=bearer),
        await admin_of.get("user/identities/authorize?provider=x", headers=bearer),
        await admin_of.post("factors", json={"factor_type": "totp"}, headers=bearer),
    ]
    assert [answer.status_code for answer in asked] == [403] * 5


async def test_an_account_is_brought_along_with_its_id_and_its_hash(
    admin_of: httpx.AsyncClient, admin: asyncpg.Connection
) -> None:
    brought = {"email": "ada@example.com", "id": NO_ONE, "password_hash": HASH, "email_confirm": True}
    made = await admin_of.post("admin/users", json=brought)
    assert (made.status_code, made.json()["id"]) == (200, NO_ONE)
    twice = await admin_of.post("admin/users", json=brought | {"email": "eve@example.com"})
    assert (twice.status_code, twice.json()["msg"]) == (400, "An account with this id is there already.")
    signed_in = await admin_of.post("token?grant_type=password", json=ADA)
    assert signed_in.json()["user"]["id"] == NO_ONE
    assert (await admin.fetchval("select hash from auth.passwords")).startswith("$argon2id$")


async def test_a_factor_gets_another_name(client: httpx.AsyncClient, tokens: Tokens, app_of_ada: App) -> None:
    client.headers["Authorization"] = f"Bearer {tokens.issue(None, role='service_role').text}"
    path = f"/auth/v1/admin/users/{app_of_ada.session['user']['id']}/factors"
    for sent in ({"friendly_name": "Her phone"}, {}):
        answer = await client.put(f"{path}/{app_of_ada.factor}", json=sent)
        assert (answer.status_code, answer.json()["friendly_name"]) == (200, "Her phone"), answer.text
    assert [each["friendly_name"] for each in (await client.get(path)).json()] == ["Her phone"]


async def test_accounts_come_in_pages(admin_of: httpx.AsyncClient) -> None:
    for number in range(3):
        await admin_of.post("admin/users", json={"email": f"{number}@example.com"})
    answer = await admin_of.get("admin/users?page=1&per_page=2")
    assert [user["email"] for user in answer.json()["users"]] == ["0@example.com", "1@example.com"]
    assert answer.headers["x-total-count"] == "3"
    link = '</auth/v1/admin/users?page=2&per_page=2>; rel="next", </auth/v1/admin/users?page=2&per_page=2>; rel="last"'
    assert answer.headers["link"] == link


async def test_a_link_is_as_good_as_its_mail(admin_of: httpx.AsyncClient) -> None:
    await admin_of.post("admin/users", json={**ADA, "email": "recovery@example.com"})
    for kind in ("signup", "magiclink", "recovery", "invite"):
        made = (
            await admin_of.post("admin/generate_link", json={**ADA, "email": f"{kind}@example.com", "type": kind})
        ).json()
        assert {"action_link", "email_otp", "hashed_token", "verification_type", "redirect_to", "id"} <= set(made)
        assert (made["verification_type"], made["redirect_to"]) == (kind, SITE)
        link = urlsplit(made["action_link"])
        answer = await admin_of.get(f"http://127.0.0.1{link.path}?{link.query}")
        fragment = parse_qs(urlsplit(answer.headers["location"]).fragment)
        user = await admin_of.get("user", headers={"Authorization": f"Bearer {fragment['access_token'][0]}"})
        assert user.json()["id"] == made["id"]
        again = await admin_of.post("verify", json={"type": kind, "token_hash": made["hashed_token"]})
        assert again.json()["error_code"] == "otp_expired"


async def test_anonymous_accounts_and_providers(auth: httpx.AsyncClient) -> None:
    session = (await auth.post("signup", json={"data": {"name": "somebody"}})).json()
    user = session["user"]
    assert (user["is_anonymous"], user["email"], user["user_metadata"]) == (True, "", {"name": "somebody"})
    assert (user["identities"], user["app_metadata"]) == ([], {})
    bearer = {"Authorization": f"Bearer {session['access_token']}"}
    refused = await auth.put("user", json={"password": "an engine of brass"}, headers=bearer)
    assert (refused.status_code, refused.json()["error_code"]) == (422, "validation_failed")
    answer = await auth.get("authorize?provider=nobody")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "validation_failed")
    back = await auth.get("callback?state=x&code=y")
    assert back.status_code == 303
    assert parse_qs(urlsplit(back.headers["location"]).query)["error_code"] == ["bad_oauth_state"]
    posted = await auth.post("callback", data={"state": "x", "code": "y"})
    assert (posted.status_code, posted.headers["location"]) == (303, "/auth/v1/callback?state=x&code=y")
