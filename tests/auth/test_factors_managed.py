"""Who may do what where there is a second factor, how factors are managed, and recovery codes."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pyotp
from fastapi import FastAPI

from pellucid.auth.service import Accounts
from pellucid.auth.tokens import Tokens
from pellucid.web.resources import Resources
from tests.auth.apps import ADA, NOW, OTHER_ID, App, Clock, Enrol, bearing, claims, events, login, verify

# -- who may what ----------------------------------------------------------------------------------------------------


MATTERS: list[tuple[str, str, dict[str, str] | None]] = [
    ("POST", "/factors", {"kind": "totp"}),
    ("POST", "/factors", {"kind": "webauthn"}),
    ("PATCH", "/factors/{id}", {"name": "Mine now"}),
    ("POST", "/factors/recovery-codes", None),
    ("PUT", "/password", {"old": ADA["password"], "new": "an engine of silver"}),
    ("PUT", "/email", {"email": "thief@example.com"}),
    ("DELETE", "/factors/{id}", None),
]


async def test_where_there_is_a_factor_it_must_be_proved_first(client: httpx.AsyncClient, app_of_ada: App) -> None:
    weak, strong = bearing(await login(client)), bearing(app_of_ada.session)
    cases = [(method, path.replace("{id}", app_of_ada.factor), body) for method, path, body in MATTERS]
    for method, path, body in cases:
        refused = await client.request(method, path, json=body, headers=weak)
        assert (path, refused.status_code, refused.json()["code"]) == (path, 403, "step-up-required")
    for method, path, body in cases:
        done = await client.request(method, path, json=body, headers=strong)
        assert done.is_success, (path, done.text)


async def test_an_operator_proves_the_factor_first_and_is_nobody_else(
    client: httpx.AsyncClient, app_of_ada: App, accounts: Accounts, admin: asyncpg.Connection
) -> None:
    await admin.execute("update auth.users set role = 'service_role'")
    weak = await login(client)
    strong = (await verify(client, weak, app_of_ada.factor, app_of_ada.code())).json()
    weak = await login(client)
    granted = await accounts.administration.impersonate(UUID(weak["user"]["id"]), "to help")
    acting = {"access_token": granted.access.text}
    service = {"access_token": accounts.tokens.issue(None, role="service_role").text}
    for method, path, body, code, done in [
        ("GET", "/admin/users", None, "step-up-required", 200),
        ("GET", "/auth/v1/admin/users", None, 401, 200),
        ("POST", "/api-keys", {"name": "x", "role": "anon"}, "step-up-required", 201),
        ("DELETE", f"/api-keys/{OTHER_ID}", None, "step-up-required", 404),
    ]:
        asked = [
            await client.request(method, path, json=body, headers=bearing(each))
            for each in (weak, acting, strong, service)
        ]
        assert asked[0].json()["code"] == code, asked[0].text
        assert [answer.status_code for answer in asked[1:]] == [403, done, done], path


async def test_a_session_has_the_role_of_operators_only_once_it_has_proved_the_factor(
    client: httpx.AsyncClient, app: FastAPI, app_of_ada: App, accounts: Accounts, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA | {"email": "grace@example.com"})
    key = (await client.post("/api-keys", json={"name": "old"}, headers=bearing(app_of_ada.session))).json()["key"]
    await admin.execute("update auth.users set role = 'service_role' where email = 'ada@example.com'")
    resources = app.state.pellucid
    app.state.pellucid = Resources(resources.database, resources.identifier, production=True)
    weak = await login(client)
    refreshed = (await client.post("/refresh", json={"refresh_token": weak["refresh_token"]})).json()
    strong = (await verify(client, weak, app_of_ada.factor, app_of_ada.code())).json()
    by_key = {"access_token": key}
    for session, role in [
        (weak, "authenticated"),
        (refreshed, "authenticated"),
        (strong, "service_role"),
        (by_key, "authenticated"),
    ]:
        seen = (await client.get("/users", headers=bearing(session))).json()
        assert len(seen) == (2 if role == "service_role" else 1)
        asked = await client.get("/metrics", headers=bearing(session) | {"X-Forwarded-For": "192.0.2.1"})
        assert asked.status_code == (200 if role == "service_role" else 403)
        if session is not by_key:
            assert claims(accounts.tokens, session)["role"] == role


async def test_a_factor_begun_early_does_not_let_a_weak_session_in_later(
    client: httpx.AsyncClient, ada: dict[str, Any], enrol: Enrol, clock: Clock
) -> None:
    thief = await login(client)
    begun = (await client.post("/factors", json={"kind": "totp"}, headers=bearing(thief))).json()
    await enrol(ada)
    weak = await login(client)
    code = pyotp.TOTP(begun["totp"]["secret"]).at(NOW)
    for session, status in ((thief, 401), (weak, 403)):
        assert (await verify(client, session, begun["id"], code)).status_code == status
    (factor,) = (row for row in (await client.get("/factors", headers=bearing(weak))).json() if row["verified_at"])
    assert factor["id"] != begun["id"]


async def test_a_reset_of_the_password_never_skips_a_factor(
    client: httpx.AsyncClient, app_of_ada: App, accounts: Accounts, tokens: Tokens, admin: asyncpg.Connection
) -> None:
    await admin.execute("update auth.users set email_verified_at = now()")
    await client.post("/password/recovery", json={"email": "ada@example.com"})
    await accounts.outbox.empty()
    mails = (await client.get("/inbox", params={"to": "ada@example.com"})).json()
    code = next(word for mail in mails for word in mail["text"].split() if word.isdigit() and len(word) == 6)
    reset = {"email": "ada@example.com", "code": code, "password": "an engine of silver"}
    assert (await client.post("/password/reset", json=reset)).status_code == 204
    weak = await login(client, password="an engine of silver")
    assert claims(tokens, weak)["aal"] == "aal1"
    refused = await client.post("/factors", json={"kind": "totp"}, headers=bearing(weak))
    assert refused.json()["code"] == "step-up-required"
    assert (await verify(client, weak, app_of_ada.factor, app_of_ada.code())).status_code == 200


async def test_policies_can_ask_for_the_second_factor(
    client: httpx.AsyncClient, app_of_ada: App, admin: asyncpg.Connection, accounts: Accounts
) -> None:
    weak = await login(client)
    for session, aal in ((weak, "aal1"), (app_of_ada.session, "aal2")):
        identity = accounts.tokens.verify(session["access_token"])
        async with admin.transaction():
            await admin.execute("select set_config('request.jwt.claims', $1, true)", identity.text)
            assert await admin.fetchval("select auth.jwt() ->> 'aal'") == aal


async def test_a_factor_is_its_accounts_alone(client: httpx.AsyncClient, app_of_ada: App) -> None:
    await client.post("/signup", json=ADA | {"email": "eve@example.com"})
    eve, path = bearing(await login(client, email="eve@example.com")), f"/factors/{app_of_ada.factor}"
    cases: list[tuple[str, str, dict[str, str] | None]] = [
        ("POST", f"{path}/verify", {"code": app_of_ada.code()}),
        ("POST", f"{path}/challenge", None),
        ("PATCH", path, {"name": "Mine now"}),
        ("DELETE", path, None),
    ]
    for method, where, body in cases:
        assert (await client.request(method, where, json=body, headers=eve)).status_code == 404
        assert (await client.request(method, where, json=body)).status_code == 401
    assert (await client.get("/factors", headers=eve)).json() == []


async def test_nobody_manages_factors_without_a_session_or_for_somebody_else(
    client: httpx.AsyncClient, ada: dict[str, Any], tokens: Tokens
) -> None:
    known = dict(claims(tokens, ada))
    others = [
        known | {"act": {"sub": OTHER_ID}},
        {name: value for name, value in known.items() if name != "session_id"},
    ]
    for each in others:
        header = {"Authorization": f"Bearer {tokens.sign(each).text}"}
        assert (await client.post("/factors", json={"kind": "totp"}, headers=header)).status_code == 403


# -- managing --------------------------------------------------------------------------------------------------------


async def test_factors_have_names_of_their_own(client: httpx.AsyncClient, app_of_ada: App) -> None:
    strong = bearing(app_of_ada.session)
    taken = await client.post("/factors", json={"kind": "totp", "name": "My phone"}, headers=strong)
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "name")
    begun = [
        (await client.post("/factors", json={"kind": "totp", "name": "Tablet"}, headers=strong)).status_code
        for _ in range(2)
    ]
    assert begun == [201, 201]  # the first was never proved, and makes room
    assert len((await client.get("/factors", headers=strong)).json()) == 2
    path = f"/factors/{app_of_ada.factor}"
    assert (await client.patch(path, json={"name": "Tablet"}, headers=strong)).status_code == 409
    renamed = await client.patch(path, json={"name": " My old phone "}, headers=strong)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "My old phone")
    assert (await client.patch(path, json={"name": "\x00"}, headers=strong)).status_code == 422


async def test_an_account_has_so_many_factors_and_no_more(
    client: httpx.AsyncClient, ada: dict[str, Any], admin: asyncpg.Connection
) -> None:
    many = "insert into auth.factors (user_id, kind) select id, 'totp' from auth.users, generate_series(1, 20)"
    await admin.execute(many)
    answer = await client.post("/factors", json={"kind": "totp"}, headers=bearing(ada))
    assert (answer.status_code, answer.json()["code"]) == (403, "too-many-factors")
    await admin.execute("update auth.factors set created_at = created_at - interval '2 hours'")
    answer = await client.post("/factors", json={"kind": "totp"}, headers=bearing(ada))
    assert answer.status_code == 201
    assert len((await client.get("/factors", headers=bearing(ada))).json()) == 1  # those never proved made room


async def test_a_removed_factor_ends_the_other_sessions_and_takes_the_recovery_codes_along(
    client: httpx.AsyncClient, app_of_ada: App, admin: asyncpg.Connection
) -> None:
    strong, other = bearing(app_of_ada.session), await login(client)
    assert (await client.post("/factors/recovery-codes", headers=strong)).status_code == 201
    assert (await client.delete(f"/factors/{app_of_ada.factor}", headers=strong)).status_code == 204
    assert (await client.delete(f"/factors/{app_of_ada.factor}", headers=strong)).status_code == 404
    assert (await client.get("/users/me", headers=bearing(other))).status_code == 401
    assert (await client.get("/factors/recovery-codes", headers=strong)).json() == {"left": 0, "made": 0}
    assert (
        await client.put("/email", json={"email": "a@example.com"}, headers=bearing(await login(client)))
    ).is_success
    assert "factor_removed" in await events(admin)


# -- recovery codes --------------------------------------------------------------------------------------------------


async def test_recovery_codes_are_good_once(
    client: httpx.AsyncClient, app_of_ada: App, tokens: Tokens, admin: asyncpg.Connection
) -> None:
    strong = bearing(app_of_ada.session)
    made = await client.post("/factors/recovery-codes", headers=strong)
    codes = made.json()["codes"]
    assert (made.headers["cache-control"], len(set(codes))) == ("no-store", 10)
    stored = str(await admin.fetch("select * from auth.recovery_codes"))
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    weak, other = await login(client), await login(client)
    typed = codes[0].upper().replace("-", " ")
    answers = await asyncio.gather(*(use(client, session, typed) for session in (weak, other)))
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    (answer,) = (answer for answer in answers if answer.is_success)
    said = claims(tokens, answer.json())
    assert (said["aal"], said["amr"][-1]["method"]) == ("aal2", "recovery_code")
    assert (await client.get("/factors/recovery-codes", headers=strong)).json() == {"left": 9, "made": 10}
    again = (await client.post("/factors/recovery-codes", headers=strong)).json()["codes"]
    assert (await use(client, await login(client), codes[1])).status_code == 401
    assert (await use(client, await login(client), again[1])).status_code == 200
    assert {"recovery_codes_made", "recovery_code_used", "factor_failed"} <= set(await events(admin))


async def test_without_a_factor_there_are_no_recovery_codes(client: httpx.AsyncClient, ada: dict[str, Any]) -> None:
    refused = await client.post("/factors/recovery-codes", headers=bearing(ada))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def use(client: httpx.AsyncClient, session: dict[str, Any], code: str) -> httpx.Response:
    return await client.post("/factors/recovery-codes/verify", json={"code": code}, headers=bearing(session))
