"""Code apps and recovery codes, as an app and its owner see them; the app is pyotp with a clock of the test's."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pyotp
import pytest

from pellucid.auth.factors.passkeys import Site, site_of
from pellucid.auth.factors.vault import Resealer, Vault
from pellucid.auth.keys import generate_key, parse_keys
from pellucid.auth.service import Accounts
from pellucid.auth.tokens import Tokens
from pellucid.errors import FeatureOff

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
NOW = 1_800_000_015
OTHER_ID = "0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234"


@dataclass
class Clock:
    """The time that the server judges codes by."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(accounts: Accounts) -> Clock:
    clock = Clock()
    accounts.factors.clock = clock
    return clock


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> dict[str, Any]:
    """A session of an account without a second factor."""
    await client.post("/signup", json=ADA)
    return await login(client)


@dataclass
class App:
    """An app that shows codes, its factor, and the session that proved it first."""

    factor: str
    codes: pyotp.TOTP
    session: dict[str, Any]
    clock: Clock

    def code(self, steps: int = 0) -> str:
        return self.codes.at(datetime.fromtimestamp(self.clock.now + 30 * steps, UTC))


Enrol = Callable[..., Awaitable[App]]


@pytest.fixture
def enrol(client: httpx.AsyncClient, clock: Clock) -> Enrol:
    async def enrol(session: dict[str, Any], name: str | None = None) -> App:
        begun = await client.post("/factors", json={"kind": "totp", "name": name}, headers=bearing(session))
        assert begun.status_code == 201, begun.text
        app = App(begun.json()["id"], pyotp.TOTP(begun.json()["totp"]["secret"]), session, clock)
        answer = await verify(client, session, app.factor, app.code(-1))
        assert answer.status_code == 200, answer.text
        app.session = answer.json()
        return app

    return enrol


@pytest.fixture
async def app_of_ada(ada: dict[str, Any], enrol: Enrol) -> App:
    return await enrol(ada, "My phone")


async def login(client: httpx.AsyncClient, **entry: str) -> dict[str, Any]:
    return dict((await client.post("/login", json=ADA | entry)).json())


async def verify(client: httpx.AsyncClient, session: dict[str, Any], factor: str, code: str) -> httpx.Response:
    return await client.post(f"/factors/{factor}/verify", json={"code": code}, headers=bearing(session))


def bearing(session: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


def claims(tokens: Tokens, session: dict[str, Any]) -> Any:
    return tokens.verify(session["access_token"]).claims


async def events(admin: asyncpg.Connection) -> list[str]:
    return [row["event"] for row in await admin.fetch("select event from auth.audit_log order by id")]


# -- adding ----------------------------------------------------------------------------------------------------------


async def test_an_app_is_added_and_the_session_is_a_strong_one(
    client: httpx.AsyncClient,
    ada: dict[str, Any],
    clock: Clock,
    tokens: Tokens,
    admin: asyncpg.Connection,
    accounts: Accounts,
) -> None:
    assert (claims(tokens, ada)["aal"], [each["method"] for each in claims(tokens, ada)["amr"]]) == (
        "aal1",
        ["password"],
    )
    begun = await client.post("/factors", json={"kind": "totp", "name": "My phone"}, headers=bearing(ada))
    assert (begun.status_code, begun.headers["cache-control"]) == (201, "no-store")
    shown = begun.json()["totp"]
    read = pyotp.parse_uri(shown["uri"])
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.name, read.issuer) == (shown["secret"], "ada@example.com", "127.0.0.1")
    assert shown["qr_svg"].startswith("data:image/svg+xml")
    assert shown["qr_png"].startswith("data:image/png;base64,")
    other = await login(client)
    answer = await verify(client, ada, begun.json()["id"], read.at(NOW))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    said = claims(tokens, answer.json())
    assert (said["aal"], [each["method"] for each in said["amr"]]) == ("aal2", ["password", "totp"])
    assert said["session_id"] == claims(tokens, ada)["session_id"]
    assert (await client.post("/refresh", json={"refresh_token": ada["refresh_token"]})).status_code == 401
    assert (await client.get("/users/me", headers=bearing(other))).status_code == 401  # it had proved too little
    (listed,) = (await client.get("/factors", headers=bearing(answer.json()))).json()
    assert (listed["name"], listed["kind"], listed["verified_at"] is not None) == ("My phone", "totp", True)
    assert "secret" not in listed
    assert {"factor_added", "stepped_up"} <= set(await events(admin))
    await accounts.outbox.stop()
    await accounts.outbox.empty()
    (notice,) = (await client.get("/inbox", params={"to": "ada@example.com"})).json()
    assert notice["subject"] == "A code app was added to your account"


async def test_the_secret_is_sealed(app_of_ada: App, accounts: Accounts, admin: asyncpg.Connection) -> None:
    row = await admin.fetchrow("select id, secret from auth.factors")
    assert app_of_ada.codes.secret.encode() not in row["secret"]
    assert accounts.factors.vault.open(row["secret"], row["id"]).decode() == app_of_ada.codes.secret
    with pytest.raises(FeatureOff):
        accounts.factors.vault.open(row["secret"], UUID(OTHER_ID))  # it cannot be moved to another factor
    with pytest.raises(FeatureOff):
        accounts.factors.vault.open(row["secret"][:-1], row["id"])


async def test_a_new_signing_key_keeps_the_factors(
    client: httpx.AsyncClient, app_of_ada: App, accounts: Accounts, tokens: Tokens, admin: asyncpg.Connection
) -> None:
    old, new = tokens.keys.signing, parse_keys(generate_key(), origin="another").signing
    private = [key.material.as_dict(private=True) for key in (new, old)]
    both = parse_keys(json.dumps({"keys": private}), origin="both")
    alone = Vault(parse_keys(json.dumps(private[0]), origin="the new one"))
    accounts.factors.vault = alone
    lost = await verify(client, app_of_ada.session, app_of_ada.factor, app_of_ada.code())
    assert (lost.status_code, lost.json()["code"]) == (503, "feature-off")
    renewing = Resealer(accounts.database, Vault(both))
    assert (await renewing.reseal(), await renewing.reseal()) == (1, 0)
    assert (await verify(client, app_of_ada.session, app_of_ada.factor, app_of_ada.code())).status_code == 200


# -- proving ---------------------------------------------------------------------------------------------------------


async def test_codes_of_the_neighbouring_steps_count_and_older_ones_are_used_up(
    client: httpx.AsyncClient, app_of_ada: App
) -> None:
    weak = await login(client)
    for steps, status in ((-2, 401), (-1, 401), (2, 401), (0, 200), (1, 200), (0, 401)):
        answer = await verify(client, weak, app_of_ada.factor, app_of_ada.code(steps))
        assert (steps, answer.status_code) == (steps, status)
        if status == 401:
            assert answer.json()["code"] == "factor-refused"
        else:
            weak = answer.json()


async def test_a_code_is_good_once_however_many_try(
    client: httpx.AsyncClient, app_of_ada: App, admin: asyncpg.Connection
) -> None:
    weak, other = await login(client), await login(client)
    code = app_of_ada.code()
    answers = await asyncio.gather(*(verify(client, session, app_of_ada.factor, code) for session in (weak, other) * 3))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401, 401]
    assert (await events(admin)).count("factor_failed") == 5
    app_of_ada.clock.now += 30
    assert (await verify(client, other, app_of_ada.factor, app_of_ada.code())).status_code == 200


async def test_what_is_no_code_is_refused(client: httpx.AsyncClient, app_of_ada: App) -> None:
    for code in ("", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12\x0034", "00000000"):
        assert (await verify(client, app_of_ada.session, app_of_ada.factor, code)).status_code == 401, code


async def test_attempts_are_limited_for_the_account(client: httpx.AsyncClient, app_of_ada: App) -> None:
    sessions = [await login(client) for _ in range(2)]
    seen = [
        (await verify(client, sessions[turn % 2], app_of_ada.factor, app_of_ada.code(-5))).status_code
        for turn in range(14)
    ]
    assert 429 in seen[9:]
    assert 429 not in seen[:9]
    right = await verify(client, sessions[0], app_of_ada.factor, app_of_ada.code())
    assert (right.status_code, right.json()["code"]) == (429, "too-many-attempts")
    assert int(right.headers["retry-after"]) >= 1


async def test_a_browsers_cookie_is_a_new_one(client: httpx.AsyncClient, app_of_ada: App) -> None:
    opened = await client.post("/sessions", json=ADA)
    old = opened.cookies["pellucid-session"]
    origin = {"Origin": "http://127.0.0.1"}
    answer = await client.post(f"/factors/{app_of_ada.factor}/verify", json={"code": app_of_ada.code()}, headers=origin)
    assert (answer.status_code, answer.json()["session"]["aal"]) == (200, "aal2")
    assert answer.json()["session"]["id"] == opened.json()["session"]["id"]
    assert answer.cookies["pellucid-session"] != old
    assert (await client.get("/users/me")).status_code == 200
    client.cookies.set("pellucid-session", old)
    client.cookies = httpx.Cookies({"pellucid-session": old})
    assert (await client.get("/users/me")).status_code == 401


async def test_what_was_proved_again_is_told_once(client: httpx.AsyncClient, app_of_ada: App, tokens: Tokens) -> None:
    answer = await verify(client, app_of_ada.session, app_of_ada.factor, app_of_ada.code())
    said = claims(tokens, answer.json())["amr"]
    assert [each["method"] for each in said] == ["password", "totp"]


# -- challenges ------------------------------------------------------------------------------------------------------


async def test_a_challenge_is_open_once_and_for_five_minutes(
    client: httpx.AsyncClient, app_of_ada: App, admin: asyncpg.Connection
) -> None:
    async def answered(challenge_id: str) -> tuple[int, str | None]:
        body = {"code": app_of_ada.code(), "challenge_id": challenge_id}
        path = f"/factors/{app_of_ada.factor}/verify"
        answer = await client.post(path, json=body, headers=bearing(app_of_ada.session))
        app_of_ada.session = answer.json() if answer.is_success else app_of_ada.session
        return answer.status_code, answer.json().get("code")

    async def asked() -> str:
        path = f"/factors/{app_of_ada.factor}/challenge"
        answer = (await client.post(path, headers=bearing(app_of_ada.session))).json()
        assert (answer["purpose"], answer["options"]) == ("code", None)
        return str(answer["id"])

    first, late = await asked(), await asked()
    await admin.execute("update auth.challenges set expires_at = now() - interval '1 second' where id = $1", UUID(late))
    assert await answered(late) == (401, "challenge-refused")
    assert await answered(OTHER_ID) == (401, "challenge-refused")
    assert await answered(first) == (200, None)
    app_of_ada.clock.now += 30
    assert await answered(first) == (401, "challenge-refused")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.example.org", Site("api.example.org", ("https://api.example.org",))),
        ("https://api.example.org:8443", Site("api.example.org", ("https://api.example.org:8443",))),
        ("http://127.0.0.1:8000", Site("localhost", ("http://localhost:8000",))),
        ("http://[::1]:8000", Site("localhost", ("http://localhost:8000",))),
    ],
)
def test_passkeys_are_bound_to_the_public_url(url: str, expected: Site) -> None:
    assert site_of(url) == expected


def test_an_address_of_the_network_has_no_passkeys() -> None:
    with pytest.raises(FeatureOff):
        site_of("https://192.0.2.7")


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
    client: httpx.AsyncClient, app_of_ada: App, accounts: Accounts, tokens: Tokens
) -> None:
    await client.post("/password/recovery", json={"email": "ada@example.com"})
    await accounts.outbox.stop()
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
