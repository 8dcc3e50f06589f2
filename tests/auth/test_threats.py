"""What must never happen, tried: forged tokens, secrets in logs, cookies that others can plant, paths that nobody counts."""

import random
import re
from io import StringIO
from typing import Any

import asyncpg
import httpx
import pytest

from pellucid.auth.options import AccountOptions
from pellucid.auth.service import Accounts
from pellucid.errors import Unauthenticated
from tests.auth.forging import HEADER, KEY, NOW, USER, good_claims, mac, part, signed

ADA = {"email": "ada@example.com", "password": "canary of brass and steam"}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\0é"
MUTATIONS = 10_000


@pytest.fixture
def options(request: pytest.FixtureRequest) -> AccountOptions:
    """Development, unless a test is marked otherwise by a parameter of its own."""
    production = getattr(request, "param", False)
    return AccountOptions(limit_addresses=True, production=production, public_url="https://api.example.org")


# -- tokens ----------------------------------------------------------------------------------------------------------


def mutated(token: str, chance: random.Random) -> str:
    """The token with one to three faults: letters that are others, too many or missing; parts that change places, are cut or doubled."""
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(max(1, len(token)))
        parts = token.split(".")
        match chance.randrange(8):
            case 0 | 1 | 2:
                token = token[:place] + chance.choice(LETTERS) + token[place + 1 :]
            case 3:
                token = token[:place] + token[place + 1 :]
            case 4:
                token = token[:place] + chance.choice(LETTERS) + token[place:]
            case 5:
                token = token[:place]
            case 6:
                chance.shuffle(parts)
                token = ".".join(parts)
            case _:
                token = ".".join([*parts, chance.choice(parts)])
    return token


def test_ten_thousand_mutated_tokens_are_refused(tokens: Any) -> None:
    chance = random.Random(20_260_131)
    good = [tokens.issue(USER, email="ada@example.com").text for _ in range(5)]
    tried = 0
    while tried < MUTATIONS:
        token = mutated(chance.choice(good), chance)
        if token in good:
            continue
        tried += 1
        with pytest.raises(Unauthenticated):
            tokens.verify(token)
    for token in good:
        assert tokens.verify(token).claims["sub"] == str(USER)


def test_other_claims_under_a_good_signature_are_refused(tokens: Any) -> None:
    header, claims, signature = tokens.issue(USER).text.split(".")
    public = str(KEY.public).encode()
    for forged in (
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        f"{header}.{part(good_claims(role='service_role'))}.{signature}",
        mac({"alg": "HS256", "typ": "JWT"}, good_claims(), public),
        signed(HEADER, good_claims(exp=NOW * 2), KEY),  # truly signed, by somebody else's key
        signed(HEADER | {"kid": tokens.keys.signing.id}, good_claims(exp=NOW * 2), KEY),
    ):
        with pytest.raises(Unauthenticated):
            tokens.verify(forged)


# -- logs ------------------------------------------------------------------------------------------------------------


async def test_no_secret_is_in_any_log(written: StringIO, client: httpx.AsyncClient, accounts: Accounts) -> None:
    wrong = "canary of wrong words"
    await client.post("/signup", json=ADA)
    session = (await client.post("/login", json=ADA)).json()
    bearing = {"Authorization": f"Bearer {session['access_token']}"}
    refreshed = (await client.post("/refresh", json={"refresh_token": session["refresh_token"]})).json()
    browser = await client.post("/sessions", json=ADA, headers={"Origin": "http://127.0.0.1"})
    cookie = re.split("[=;]", browser.headers["set-cookie"])[1]
    for path in ("/login/mail", "/password/recovery"):
        await client.post(path, json={"email": ADA["email"]})
    await accounts.outbox.empty()
    mails = [mail["text"] for mail in (await client.get("/inbox", params={"to": ADA["email"]})).json()]
    links = [re.findall(r"token=([\w-]+)", mail)[0] for mail in mails]
    codes = [re.findall(r"\b\d{6}\b", mail)[0] for mail in mails]
    await client.get(f"/verify?token={links[0]}&purpose=sign_in")
    await client.post("/verify", json={"email": ADA["email"], "code": codes[0]})
    await client.post("/login", json=ADA | {"password": wrong})
    await client.post("/login", content=f'{{"password": "{wrong}"', headers={"Content-Type": "application/json"})
    await client.post("/token", data={"grant_type": "password", "username": ADA["email"], "password": wrong})
    await client.get("/users/me", headers={"Authorization": f"Bearer {session['access_token']}x"})
    await client.put("/password", json={"old": wrong, "new": "short"}, headers=bearing)
    await client.get(f"/users/me?access_token={session['access_token']}", headers={"Cookie": f"x={cookie}"})
    service = accounts.tokens.issue(None, role="service_role").text
    made = await client.post(
        "/admin/links",
        json={"purpose": "recover", "email": ADA["email"]},
        headers={"Authorization": f"Bearer {service}"},
    )
    links.append(httpx.URL(made.json()["url"]).params["token"])
    text = written.getvalue()
    assert "/login" in text  # it is written at all
    signatures = [token.split(".")[2] for token in (session["access_token"], refreshed["access_token"], service)]
    canaries = [
        ADA["password"],
        wrong,
        session["refresh_token"],
        refreshed["refresh_token"],
        cookie,
        *links,
        *signatures,
    ]
    assert [canary for canary in canaries if canary in text] == []
    assert [code for code in [*codes, made.json()["code"]] if re.search(rf"(?<![\w.]){code}(?![\w.])", text)] == []
    assert "argon2id" not in text
    assert "PRIVATE" not in text
    assert str(accounts.tokens.keys.signing.material.as_dict(private=True)["d"]) not in text


# -- cookies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [True], indirect=True)
async def test_production_has_a_cookie_that_no_other_host_can_plant(client: httpx.AsyncClient) -> None:
    await client.post("/signup", json=ADA)
    without_tls = {"Origin": "http://127.0.0.1"}
    assert (await client.post("/sessions", json=ADA, headers=without_tls)).status_code == 403
    answer = await client.post("/sessions", json=ADA, headers={"Origin": "https://127.0.0.1"})
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    name, secret, *attributes = re.split("[=;] *", cookie)[:2] + cookie.split("; ")[1:]
    assert name == "__Host-pellucid"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(attributes)
    assert "domain" not in cookie.lower()
    client.cookies.clear()
    seen = await client.get("/users/me", headers={"Cookie": f"__Host-pellucid={secret}"})
    assert seen.status_code == 200
    for planted in (f"pellucid-session={secret}", f"__Host-pellucid={secret}; __Host-pellucid={secret}"):
        assert (await client.get("/users/me", headers={"Cookie": planted})).status_code == 401
    foreign = {"Cookie": f"__Host-pellucid={secret}", "Origin": "https://evil.example.com"}
    own = {"Cookie": f"__Host-pellucid={secret}"}
    for headers in (foreign, own, own | without_tls):
        assert (await client.post("/logout", headers=headers)).status_code == 403
    assert (await client.post("/logout", headers=own | {"Origin": "https://127.0.0.1"})).status_code == 204


# -- limits ----------------------------------------------------------------------------------------------------------

GUESSES: list[tuple[str, dict[str, Any]]] = [
    ("/signup", ADA),
    ("/login", ADA),
    ("/sessions", ADA),
    ("/refresh", {"refresh_token": "a guess"}),
    ("/token", {"grant_type": "password", "username": "ada@example.com", "password": "a guess"}),
    ("/token", {"grant_type": "refresh_token", "refresh_token": "a guess"}),
    ("/login/mail", {"email": "ada@example.com"}),
    ("/verify/mail", {"email": "ada@example.com"}),
    ("/password/recovery", {"email": "ada@example.com"}),
    ("/verify", {"token": "a guess"}),
    ("/verify", {"email": "ada@example.com", "code": "123456"}),
    ("/email/agree", {"token": "a guess"}),
    ("/password/reset", {"token": "a guess", "password": "an engine of silver"}),
]


@pytest.mark.parametrize(("path", "entry"), GUESSES)
async def test_every_way_to_guess_is_counted_and_ends(
    client: httpx.AsyncClient, admin: asyncpg.Connection, path: str, entry: dict[str, Any]
) -> None:
    headers = {"Origin": "http://127.0.0.1"}
    await client.post(path, json=entry, headers=headers)
    counted = await admin.fetchval(
        "update auth.attempts set count = 1000, free_at = now() + interval '1 minute' returning 1"
    )
    assert counted == 1
    refused = await client.post(path, json=entry, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-attempts")
    assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_one_good_refresh_clears_the_address(client: httpx.AsyncClient, admin: asyncpg.Connection) -> None:
    await client.post("/signup", json=ADA)
    session = (await client.post("/login", json=ADA)).json()
    await admin.execute("delete from auth.attempts")
    await client.post("/refresh", json={"refresh_token": "a guess"})
    assert await admin.fetchval("select count(*) from auth.attempts") == 1
    assert (await client.post("/refresh", json={"refresh_token": session["refresh_token"]})).status_code == 200
    assert await admin.fetchval("select count(*) from auth.attempts") == 0
