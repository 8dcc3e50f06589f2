"""``/auth/v1`` in the shapes of Supabase's API: scenarios as data, and the flows that mails begin."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest

from pellucid.auth.options import AccountOptions
from pellucid.auth.service import Accounts
from tests.auth.dialect import (
    ADA,
    CALLBACK,
    ELSEWHERE,
    NEWER,
    OPTIONS,
    PKCE,
    REFUSED,
    SITE,
    VERIFIER,
    Read,
    bearing,
    fragment,
    query,
)  # fmt: skip


@pytest.fixture
def options(request: pytest.FixtureRequest) -> AccountOptions:
    return AccountOptions(**{**OPTIONS, **getattr(request, "param", {})})


VERIFYING = pytest.mark.parametrize("options", [{"verify_email": True}], indirect=True, ids=["verifying"])


@pytest.fixture
async def auth(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.base_url = httpx.URL("http://127.0.0.1/auth/v1/")
    return client


Mail = Callable[[str], Awaitable[Read]]


@pytest.fixture
async def mail(client: httpx.AsyncClient, accounts: Accounts) -> Mail:

    async def mail(address: str) -> Read:
        """The newest mail to an address."""
        await accounts.outbox.empty()
        shown = (await client.get("http://127.0.0.1/inbox", params={"to": address})).json()
        return Read(shown[0]["text"])

    return mail


@pytest.fixture
async def ada(auth: httpx.AsyncClient) -> dict[str, Any]:
    """A session, where addresses are not verified."""
    return dict((await auth.post("signup", json=ADA)).json())


# -- what is refused, and how ----------------------------------------------------------------------------------------


async def test_refusals(auth: httpx.AsyncClient) -> None:
    wrong = []
    for method, path, sent, status, code in REFUSED:
        old = await auth.request(method, path, json=sent)
        new = await auth.request(method, path, json=sent, headers=NEWER)
        shape = (old.status_code, old.json()["code"], old.json()["error_code"], set(old.json()) - {"weak_password"})
        newer = (new.status_code, new.json()["code"], set(new.json()) - {"weak_password"})
        if shape != (status, status, code, {"code", "error_code", "msg"}):
            wrong.append((method, path, sent, old.text))
        if newer != (status, code, {"code", "message"}) or new.headers["x-supabase-api-version"] != "2024-01-01":
            wrong.append((method, path, sent, new.text))
        if old.headers["x-sb-error-code"] != code:
            wrong.append((method, path, sent, str(old.headers)))
    assert not wrong


async def test_other_versions_are_the_first_one(auth: httpx.AsyncClient) -> None:
    for version in ("2023-12-31", "yesterday", "20240101", ""):
        answer = await auth.get("user", headers={"X-Supabase-Api-Version": version})
        assert answer.json()["code"] == 401
        assert "x-supabase-api-version" not in answer.headers


async def test_a_weak_password_has_reasons(auth: httpx.AsyncClient) -> None:
    answer = await auth.post("signup", json={"email": "a@example.com", "password": "short"}, headers=NEWER)
    assert answer.json()["weak_password"] == {"reasons": ["length"]}
    form = await auth.post("signup", data=ADA)
    text = await auth.post("signup", content=b"[1]", headers={"Content-Type": "application/json"})
    assert {(answer.status_code, answer.json()["error_code"]) for answer in (form, text)} == {(400, "bad_json")}


# -- sign-up and sessions --------------------------------------------------------------------------------------------


async def test_a_session_has_everything_that_clients_read(auth: httpx.AsyncClient) -> None:
    answer = await auth.post("signup", json={**ADA, "data": {"name": "Ada"}})
    session = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert set(session) == {"access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"}
    user = session["user"]
    assert list(user) == [
        "id", "aud", "role", "email", "phone", "last_sign_in_at", "app_metadata", "user_metadata", "identities", "created_at",
        "updated_at", "is_anonymous",
    ]  # fmt: skip
    assert (user["aud"], user["role"], user["email"]) == ("authenticated", "authenticated", "ada@example.com")
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["user_metadata"] == {"name": "Ada"}
    assert [identity["provider"] for identity in user["identities"]] == ["email"]
    assert user["created_at"].endswith("Z")


async def test_the_grants(auth: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    taken = await auth.post("signup", json=ADA)
    assert (taken.status_code, taken.json()["error_code"]) == (422, "user_already_exists")
    session = (await auth.post("token?grant_type=password", json=ADA)).json()
    assert (await auth.get("user", headers=bearing(session))).json()["id"] == ada["user"]["id"]
    tokens = [ada["refresh_token"]]
    for _ in range(2):
        answer = await auth.post("token?grant_type=refresh_token", json={"refresh_token": tokens[-1]})
        tokens.append(answer.json()["refresh_token"])
    assert len(set(tokens)) == 3


@VERIFYING
async def test_sign_up_answers_alike_for_new_and_known_addresses(auth: httpx.AsyncClient, mail: Mail) -> None:
    first = (await auth.post("signup", json=ADA)).json()
    early = await auth.post("token?grant_type=password", json=ADA)
    assert (early.status_code, early.json()["error_code"]) == (400, "email_not_confirmed")
    await auth.get((await mail("ada@example.com")).path)
    again = (await auth.post("signup", json=ADA)).json()
    assert list(first) == list(again)
    told = {"email", "aud", "role", "phone", "app_metadata", "user_metadata", "is_anonymous"}
    assert {name: first[name] for name in told} == {name: again[name] for name in told}
    assert [list(identity) for identity in first["identities"]] == [list(identity) for identity in again["identities"]]
    assert first["id"] != again["id"]
    assert first["id"][14] == again["id"][14] == "7"


# -- mails -----------------------------------------------------------------------------------------------------------


async def test_asking_for_a_mail_answers_alike(auth: httpx.AsyncClient) -> None:
    await auth.post("signup", json=ADA)
    for path, more in (
        ("otp", {"create_user": False}),
        ("magiclink", {}),
        ("recover", {}),
        ("resend", {"type": "signup"}),
    ):
        sent = [{**more, "email": email} for email in ("ada@example.com", "nobody@example.com")]
        known, unknown = [await auth.post(path, json=each) for each in sent]
        assert (unknown.status_code, unknown.content) == (known.status_code, known.content) == (200, b"{}")


async def test_mails_are_limited_in_the_words_for_them(auth: httpx.AsyncClient) -> None:
    answers = [await auth.post("otp", json={"email": "ada@example.com"}) for _ in range(7)]
    assert (answers[-1].status_code, answers[-1].json()["error_code"]) == (429, "over_email_send_rate_limit")
    assert int(answers[-1].headers["retry-after"]) >= 1


@VERIFYING
@pytest.mark.parametrize("kind", ["code", "hash", "link"])
async def test_verification(auth: httpx.AsyncClient, mail: Mail, kind: str) -> None:
    await auth.post(f"signup?redirect_to={CALLBACK}", json=ADA)
    read = await mail("ada@example.com")
    if kind == "link":
        answer = await auth.get(read.path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith(f"{CALLBACK}#")
        session: dict[str, Any] = fragment(answer)
        assert session["type"] == "signup"
        assert "sb=" in answer.headers["location"]
    elif kind == "code":
        sent = {"type": "signup", "email": "ada@example.com", "token": read.codes[0]}
        session = (await auth.post("verify", json=sent)).json()
    else:
        session = (await auth.post("verify", json={"type": "signup", "token_hash": read.token})).json()
    user = (await auth.get("user", headers=bearing(session))).json()
    assert user["email_confirmed_at"] == user["confirmed_at"]


async def test_a_one_time_code_makes_an_account_and_signs_in(auth: httpx.AsyncClient, mail: Mail) -> None:
    await auth.post("otp", json={"email": "eve@example.com", "data": {"name": "Eve"}})
    sent = {"type": "email", "email": "Eve@example.com", "token": (await mail("eve@example.com")).codes[0]}
    session = (await auth.post("verify", json=sent)).json()
    assert session["user"]["user_metadata"] == {"name": "Eve"}
    again = await auth.post("verify", json=sent)
    assert (again.status_code, again.json()["error_code"]) == (403, "otp_expired")


async def test_a_link_leads_nowhere_but_where_it_may(auth: httpx.AsyncClient, mail: Mail) -> None:
    for number, asked in enumerate(ELSEWHERE):
        await auth.post("otp", params={"redirect_to": asked}, json={"email": f"{number}@example.com"})
        read = await mail(f"{number}@example.com")
        assert parse_qs(urlsplit(read.links[0]).query)["redirect_to"] == [SITE]
        turned = httpx.URL(read.path).copy_set_param("redirect_to", asked)
        assert (await auth.get(turned)).headers["location"].startswith(f"{SITE}#access_token=")


async def test_a_link_that_is_not_good_leads_on_with_the_reason(auth: httpx.AsyncClient) -> None:
    answer = await auth.get("verify", params={"type": "magiclink", "token": "x", "redirect_to": CALLBACK})
    assert answer.status_code == 303
    told = {
        "error": "access_denied", "error_code": "otp_expired", "error_description": "Email link is invalid or has expired",
    }  # fmt: skip
    assert (fragment(answer), query(answer)) == (told, {"from": "mail"})
    pkce = await auth.get("verify", params={"type": "magiclink", "token": "x", "redirect_to": CALLBACK, "flow": "pkce"})
    assert query(pkce) == told | {"from": "mail"}


# -- PKCE ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def code(auth: httpx.AsyncClient, mail: Mail, ada: dict[str, Any]) -> str:
    await auth.post(f"otp?redirect_to={CALLBACK}", json={"email": "ada@example.com", **PKCE})
    answer = await auth.get((await mail("ada@example.com")).path)
    assert urlsplit(answer.headers["location"]).fragment == ""
    return query(answer)["code"]


async def exchange(auth: httpx.AsyncClient, code: str, verifier: str = VERIFIER) -> httpx.Response:
    return await auth.post("token?grant_type=pkce", json={"auth_code": code, "code_verifier": verifier})


async def test_a_code_is_good_once_also_for_many_at_once(auth: httpx.AsyncClient, code: str) -> None:
    answers = await asyncio.gather(*(exchange(auth, code) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 7


async def test_a_wrong_verifier_uses_the_code_up(auth: httpx.AsyncClient, code: str) -> None:
    wrong = await exchange(auth, code, "another-verifier-that-nobody-ever-asked-for")
    assert (wrong.status_code, wrong.json()["error_code"]) == (400, "bad_code_verifier")
    assert (await exchange(auth, code)).status_code == 404


async def test_a_plain_challenge_is_kept_hashed(
    auth: httpx.AsyncClient, mail: Mail, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    sent = {"email": "ada@example.com", "code_challenge": VERIFIER, "code_challenge_method": "plain"}
    await auth.post("otp", json=sent)
    answer = await auth.get((await mail("ada@example.com")).path)
    assert not await admin.fetchval("select exists (select from auth.flow_states where code_challenge = $1)", VERIFIER)
    assert (await exchange(auth, query(answer)["code"])).status_code == 200


# -- the own account -------------------------------------------------------------------------------------------------


async def test_metadata_are_laid_over_each_other(auth: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    for data in ({"a": 1, "b": {"c": 2}}, {"a": None, "d": 3}):
        answer = await auth.put("user", json={"data": data}, headers=bearing(ada))
    assert answer.json()["user_metadata"] == {"b": {"c": 2}, "d": 3}
    refused = await auth.put("user", json={"app_metadata": {"admin": True}}, headers=bearing(ada))
    assert (refused.status_code, refused.json()["error_code"]) == (403, "not_admin")


async def test_a_password_needs_a_proof(auth: httpx.AsyncClient, ada: dict[str, Any], mail: Mail) -> None:
    new = {"password": "an engine of silver"}

    async def changed(**more: str) -> tuple[int, str]:
        answer = await auth.put("user", json=new | more, headers=bearing(ada))
        return answer.status_code, answer.json().get("error_code", "")

    assert await changed() == (400, "reauthentication_needed")
    assert await changed(current_password="something else") == (400, "current_password_invalid")
    assert await changed(nonce="000000") == (422, "reauthentication_not_valid")
    assert (await auth.get("reauthenticate", headers=bearing(ada))).json() == {}
    assert await changed(nonce=(await mail("ada@example.com")).codes[0]) == (200, "")
    signed_in = await auth.post("token?grant_type=password", json={**ADA, **new})
    assert signed_in.status_code == 200


async def test_recovery(auth: httpx.AsyncClient, mail: Mail, ada: dict[str, Any], admin: asyncpg.Connection) -> None:
    await admin.execute("update auth.users set email_verified_at = now()")
    await auth.post("recover", json={"email": "ada@example.com"})
    session = fragment(await auth.get((await mail("ada@example.com")).path))
    assert session["type"] == "recovery"
    same = await auth.put("user", json={"password": ADA["password"]}, headers=bearing(session))
    assert same.json()["error_code"] == "same_password"
    new = {"password": "an engine of silver"}
    assert (await auth.put("user", json=new, headers=bearing(session))).status_code == 200
    assert (await auth.post("token?grant_type=password", json=ADA)).status_code == 400
    assert (await auth.get("user", headers=bearing(session))).status_code == 200
    ended = await auth.get("user", headers=bearing(ada))
    assert (ended.status_code, ended.json()["error_code"]) == (403, "session_not_found")


async def test_a_second_factor_is_asked_for_before_the_password_is_changed(
    auth: httpx.AsyncClient, mail: Mail, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    await admin.execute("update auth.users set email_verified_at = now()")
    await admin.execute(
        "insert into auth.factors (user_id, kind, verified_at) values ($1, 'totp', now())", ada["user"]["id"]
    )
    await auth.post("recover", json={"email": "ada@example.com"})
    session = fragment(await auth.get((await mail("ada@example.com")).path))
    for sent in ({"password": "an engine of silver"}, {"email": "countess@example.com"}):
        answer = await auth.put("user", json=sent, headers=bearing(session))
        assert (answer.status_code, answer.json()["error_code"]) == (401, "insufficient_aal")


@VERIFYING
async def test_both_sides_agree_to_another_address(auth: httpx.AsyncClient, mail: Mail) -> None:
    await auth.post("signup", json=ADA)
    session = fragment(await auth.get((await mail("ada@example.com")).path))
    asked = await auth.put("user", json={"email": "countess@example.com"}, headers=bearing(session))
    assert asked.json()["new_email"] == "countess@example.com"
    first = await auth.get((await mail("ada@example.com")).path)
    assert fragment(first)["message"].startswith("Confirmation link accepted.")
    second = fragment(await auth.get((await mail("countess@example.com")).path))
    assert second["type"] == "email_change"
    assert (await auth.get("user", headers=bearing(second))).json()["email"] == "countess@example.com"


async def test_signing_out(auth: httpx.AsyncClient) -> None:
    await auth.post("signup", json=ADA)
    for scope, left in (("local", [False, True]), ("others", [True, False]), ("global", [False, False])):
        one, other = [(await auth.post("token?grant_type=password", json=ADA)).json() for _ in range(2)]
        answer = await auth.post("logout", params={"scope": scope}, headers=bearing(one))
        assert answer.status_code == 204
        seen = [(await auth.get("user", headers=bearing(each))).status_code == 200 for each in (one, other)]
        assert seen == left


async def test_a_cookie_is_nobody_here(auth: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    signed_in = await auth.post("http://127.0.0.1/sessions", json=ADA, headers={"Origin": "http://127.0.0.1"})
    assert signed_in.status_code == 201
    assert (await auth.get("user", headers={"Origin": "http://127.0.0.1"})).status_code == 401


async def test_a_banned_account_is_told_so(
    auth: httpx.AsyncClient, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    await admin.execute("update auth.users set banned_until = now() + interval '1 day'")
    inside = await auth.get("user", headers=bearing(ada))
    outside = await auth.post("token?grant_type=password", json=ADA)
    assert [(answer.status_code, answer.json()["error_code"]) for answer in (inside, outside)] == [
        (403, "user_banned"),
        (400, "user_banned"),
    ]


# -- what is there ---------------------------------------------------------------------------------------------------


async def test_settings_health_and_keys(auth: httpx.AsyncClient) -> None:
    settings = (await auth.get("settings")).json()
    assert (settings["external"]["email"], settings["external"]["github"], settings["mailer_autoconfirm"]) == (
        True,
        False,
        True,
    )
    assert set((await auth.get("health")).json()) == {"version", "name", "description"}
    assert (await auth.get(".well-known/jwks.json")).json() == (
        await auth.get("http://127.0.0.1/.well-known/jwks.json")
    ).json()


async def test_pages_of_this_machine_may_ask_in_development(auth: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-supabase-api-version"}
    here = await auth.options("user", headers={"Origin": "http://localhost:3000", **asked})
    assert here.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "x-supabase-api-version" in here.headers["access-control-allow-headers"]
    there = await auth.get("user", headers={"Origin": "https://evil.example.org"})
    assert "access-control-allow-origin" not in there.headers
