"""Signing in with others' accounts, against a real OpenID provider."""

import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from pellucid.auth.opaque import new_secret
from pellucid.auth.options import AccountOptions, ProviderOptions
from pellucid.auth.service import Accounts
from tests.auth.provider import Peer, provider

SITE = "http://127.0.0.1"
ADA = {"email": "ada@example.com", "password": "an engine of brass"}
APP = "https://app.example.com/signed-in"
HOST = {"Origin": SITE}


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with provider() as peer:
        yield peer


@pytest.fixture
def options(peer: Peer) -> AccountOptions:
    house = ProviderOptions("house", "pellucid", "of the client", issuer=peer.issuer)
    return AccountOptions(limit_addresses=False, public_url=SITE, providers=(house,), redirect_urls=(APP,))


Browsers = Callable[[], Awaitable[httpx.AsyncClient]]


@asynccontextmanager
async def browsing(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE) as browser:
        yield browser


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with browsing(app) as browser:
        yield browser


async def signs_in(browser: httpx.AsyncClient, peer: Peer, sub: str | None, **query: str) -> httpx.Response:
    """What a person in a browser does: leave, say who one is, come back."""
    away = await browser.get("/login/house", params=query)
    assert away.status_code == 303, away.text
    return await browser.get(await peer.consents(away.headers["location"], sub))


async def me(browser: httpx.AsyncClient) -> dict[str, Any]:
    answer = await browser.get("/users/me")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def verified_account(client: httpx.AsyncClient, admin: asyncpg.Connection, email: str) -> dict[str, Any]:
    account = (await client.post("/signup", json=ADA | {"email": email})).json()
    await admin.execute("update auth.users set email_verified_at = now() where email = $1", email)
    return dict(account)


async def test_the_first_sign_in_makes_an_account_and_the_next_finds_it(
    app: FastAPI, browser: httpx.AsyncClient, peer: Peer, admin: asyncpg.Connection
) -> None:
    sub = str(uuid4())
    await peer.knows(sub, email=f"{sub}@Example.com", email_verified=True, name="Grace")
    arrived = await signs_in(browser, peer, sub)
    assert (arrived.status_code, arrived.headers["cache-control"]) == (200, "no-store")
    first = await me(browser)
    assert first["email"] == f"{sub}@example.com"
    assert first["email_verified_at"] is not None
    async with browsing(app) as another:
        await signs_in(another, peer, sub)
        assert (await me(another))["id"] == first["id"]
    (linked,) = (await browser.get("/identities")).json()
    assert (linked["provider"], linked["subject"], linked["email_verified"]) == ("house", sub, True)
    events = await admin.fetch("select event from auth.audit_log order by id")
    assert [event for (event,) in events] == ["signed_up", "identity_linked", "signed_in", "signed_in"]


@pytest.mark.parametrize(
    ("here", "there", "outcome"),
    [
        pytest.param(True, True, "linked", id="both have proved it"),
        pytest.param(True, False, "apart", id="the provider does not vouch for it"),
        pytest.param(False, True, "refused", id="the account here has not proved it"),
        pytest.param(False, False, "apart", id="neither has"),
    ],
)
async def test_accounts_are_one_only_where_both_sides_have_proved_the_address(
    client: httpx.AsyncClient,
    browser: httpx.AsyncClient,
    peer: Peer,
    admin: asyncpg.Connection,
    here: bool,
    there: bool,
    outcome: str,
) -> None:
    sub = str(uuid4())
    account = await verified_account(client, admin, "ada@example.com")
    if not here:
        await admin.execute("update auth.users set email_verified_at = null")
    await peer.knows(sub, email="ada@example.com", email_verified=there)
    arrived = await signs_in(browser, peer, sub)
    if outcome == "refused":
        assert arrived.status_code == 409
        assert await admin.fetchval("select count(*) from auth.identities") == 0
        return
    assert ((await me(browser))["id"] == account["id"]) is (outcome == "linked")
    assert (await me(browser))["email"] == ("ada@example.com" if outcome == "linked" else None)


async def test_a_sign_in_ends_once_and_in_the_browser_that_began_it(
    app: FastAPI, browser: httpx.AsyncClient, peer: Peer
) -> None:
    back = await peer.consents((await browser.get("/login/house")).headers["location"], "ada")
    async with browsing(app) as thief:
        assert (await thief.get(back)).status_code == 401
        await thief.get("/login/house")  # a cookie of its own does not help
        assert (await thief.get(back)).status_code == 401
    assert (await browser.get(back.copy_set_param("state", new_secret()))).status_code == 401
    assert (await browser.get(str(back).replace("/house/", "/other/"))).status_code == 401
    assert (await browser.get(back)).status_code == 200
    assert (await browser.get(back)).status_code == 401


async def test_two_tabs_may_sign_in_at_once(browser: httpx.AsyncClient, peer: Peer) -> None:
    ways = [(await browser.get("/login/house")).headers["location"] for _ in range(2)]
    for way in ways:
        assert (await browser.get(await peer.consents(way, "ada"))).status_code == 200


async def test_no_secret_of_a_sign_in_is_stored_and_pkce_and_nonce_are_sent(
    browser: httpx.AsyncClient, admin: asyncpg.Connection, accounts: Accounts, peer: Peer
) -> None:
    away = httpx.URL((await browser.get("/login/house")).headers["location"])
    assert away.params["redirect_uri"] == f"{SITE}/login/house/callback"
    assert (away.params["code_challenge_method"], len(away.params["code_challenge"])) == ("S256", 43)
    row = await admin.fetchval("select t::text from auth.flow_states t")
    for secret in (away.params["state"], away.params["nonce"], *browser.cookies.values()):
        assert secret not in row
        assert secret.encode().hex() not in row
    forms = await recorded(accounts)
    await browser.get(await peer.consents(str(away), "ada"))
    (form,) = [each for each in forms if b"code_verifier" in each]
    verifier = httpx.QueryParams(form.decode())["code_verifier"]
    assert away.params["code_challenge"] == s256(verifier)


async def recorded(accounts: Accounts) -> list[bytes]:
    """What is sent to the provider, from now on."""
    forms: list[bytes] = []

    async def record(request: httpx.Request) -> None:
        forms.append(request.content)

    accounts.others.outside._open().event_hooks = {"request": [record]}
    return forms


def s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def test_whoever_says_no_there_is_told_so_here(browser: httpx.AsyncClient, peer: Peer) -> None:
    away = httpx.URL((await browser.get("/login/house")).headers["location"])
    denied = httpx.URL(away.params["redirect_uri"], params={"error": "access_denied", "state": away.params["state"]})
    answer = await browser.get(denied)
    assert answer.status_code == 401
    assert "not allowed" in answer.text


@pytest.mark.parametrize("where", [f"{SITE}/welcome", SITE, APP])
async def test_a_browser_is_sent_where_that_is_permitted(browser: httpx.AsyncClient, peer: Peer, where: str) -> None:
    arrived = await signs_in(browser, peer, "ada", redirect_to=where)
    assert (arrived.status_code, arrived.headers["location"]) == (303, where)


@pytest.mark.parametrize(
    "where",
    ["https://evil.example.com", f"{APP}/", f"{APP}?x=1", f"{SITE}.evil.example.com/", f"{SITE}@evil.example.com/",
     "//evil.example.com", "javascript:alert(1)", f"{SITE}/\\evil", f"{SITE}/\n", ""],
)  # fmt: skip
async def test_and_nowhere_else(browser: httpx.AsyncClient, where: str) -> None:
    answer = await browser.get("/login/house", params={"redirect_to": where})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")


async def test_a_program_gets_a_code_that_is_good_once_and_with_its_verifier(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, peer: Peer
) -> None:
    async def code() -> str:
        arrived = await signs_in(browser, peer, "ada", redirect_to=APP, code_challenge=s256(verifier))
        assert not any("session" in name for name in arrived.cookies)
        return httpx.URL(arrived.headers["location"]).params["code"]

    verifier = new_secret()
    good = {"code": await code(), "code_verifier": verifier}
    answer = await client.post("/login/code", json=good)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["refresh_token"]
    assert (await client.post("/login/code", json=good)).status_code == 401
    spent = {"code": await code(), "code_verifier": new_secret()}
    assert (await client.post("/login/code", json=spent)).status_code == 401
    assert (await client.post("/login/code", json=spent | {"code_verifier": verifier})).status_code == 401


async def test_accounts_elsewhere_are_linked_and_unlinked_but_for_the_last_way_in(
    client: httpx.AsyncClient, app: FastAPI, browser: httpx.AsyncClient, peer: Peer, admin: asyncpg.Connection
) -> None:
    await client.post("/signup", json=ADA)
    assert (await browser.post("/sessions", json=ADA, headers=HOST)).status_code == 201
    begun = await browser.post("/identities/house", headers=HOST, params={"redirect_to": f"{SITE}/me"})
    arrived = await browser.get(await peer.consents(begun.json()["url"], "linked"))
    assert (arrived.status_code, arrived.headers["location"]) == (303, f"{SITE}/me")
    (linked,) = (await browser.get("/identities")).json()
    async with browsing(app) as another:
        await signs_in(another, peer, "linked")
        assert (await me(another))["id"] == (await me(browser))["id"]
        other = await another.delete(f"/identities/{uuid4()}", headers=HOST)
        assert other.status_code == 404
    await admin.execute("delete from auth.passwords")
    kept = await browser.delete(f"/identities/{linked['id']}", headers=HOST)
    assert (kept.status_code, kept.json()["code"]) == (409, "last-way-in")
    await admin.execute("update auth.users set email_verified_at = now()")  # a mail can sign in again
    assert (await browser.delete(f"/identities/{linked['id']}", headers=HOST)).status_code == 204
    assert (await browser.get("/identities")).json() == []


async def test_an_account_elsewhere_belongs_to_one_account_here(
    client: httpx.AsyncClient, app: FastAPI, browser: httpx.AsyncClient, peer: Peer
) -> None:
    await signs_in(browser, peer, "taken")
    await client.post("/signup", json=ADA)
    async with browsing(app) as ada:
        await ada.post("/sessions", json=ADA, headers=HOST)
        begun = await ada.post("/identities/house", headers=HOST)
        assert (await ada.get(await peer.consents(begun.json()["url"], "taken"))).status_code == 409
        assert (await ada.get("/identities")).json() == []


async def test_linking_makes_an_anonymous_account_real_and_keeps_it(
    client: httpx.AsyncClient, peer: Peer, accounts: Accounts
) -> None:
    sub = str(uuid4())
    await peer.knows(sub, email=f"{sub}@example.com", email_verified=True)
    begun = (await client.post("/signup/anonymous")).json()
    bearing = {"Authorization": f"Bearer {begun['access_token']}"}
    way = (await client.post("/identities/house", headers=bearing)).json()["url"]
    await client.get(await peer.consents(way, sub))
    after = (await client.post("/refresh", json={"refresh_token": begun["refresh_token"]})).json()
    assert (after["user"]["id"], after["user"]["email"]) == (begun["user"]["id"], f"{sub}@example.com")
    assert accounts.tokens.verify(after["access_token"]).claims["is_anonymous"] is False


async def test_unknown_providers_are_refused_and_known_ones_listed(client: httpx.AsyncClient) -> None:
    assert (await client.get("/login/nobody")).json()["code"] == "unknown-provider"
    assert (await client.get("/login/providers")).json() == {"providers": ["house"], "anonymous": True}


async def test_an_answer_by_form_becomes_a_link(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/login/house/callback", data={"code": "c d", "state": "s", "evil": "x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "callback?code=c+d&state=s")
