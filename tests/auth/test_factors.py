"""Code apps as their owner sees them: added, proved, asked for; the app is pyotp with a clock of the test's."""

import asyncio
import json
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
from tests.auth.apps import ADA, NOW, OTHER_ID, App, Clock, bearing, claims, events, login, verify

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
