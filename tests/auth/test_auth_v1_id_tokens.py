"""``/auth/v1/token?grant_type=id_token`` with tokens of a real OpenID provider."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from pellucid.auth.options import AccountOptions, ProviderOptions
from pellucid.auth.providers.id_token import require_companion
from pellucid.errors import ProviderFailed
from tests.auth.apps import bearing
from tests.auth.provider import Peer, provider

GRANT = "/auth/v1/token?grant_type=id_token"
BACK = "https://app.example.com/back"
NONCE = "a nonce of the app's own"
HASHED = hashlib.sha256(NONCE.encode()).hexdigest()


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with provider() as peer:
        yield peer


@pytest.fixture
def options(peer: Peer) -> AccountOptions:
    house = ProviderOptions("house", "pellucid", issuer=peer.issuer, client_ids=("phone",))
    github = ProviderOptions("hub", "x", authorize_url="https://a.b", token_url="https://a.b", user_url="https://a.b")
    return AccountOptions(limit_addresses=False, providers=(house, github), verify_email=True)


async def given(peer: Peer, sub: str, client: str = "pellucid", nonce: str = HASHED) -> dict[str, Any]:
    """What an app gets from the provider that somebody signs in to."""
    asked = {"response_type": "code", "client_id": client, "redirect_uri": BACK, "scope": "openid email", "state": "x"}
    address = httpx.URL(f"{peer.issuer}/oauth2/authorize", params=asked | {"nonce": nonce})
    code = (await peer.consents(str(address), sub)).params["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "client_id": client}
    async with httpx.AsyncClient() as web:
        answer = await web.post(f"{peer.issuer}/oauth2/token", data=form, auth=(client, "any"))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def somebody(peer: Peer, *, verified: bool = True) -> str:
    sub = str(uuid4())
    await peer.knows(sub, email=f"{sub}@example.com", email_verified=verified)
    return sub


@pytest.mark.parametrize("by", ["provider", "issuer"])
@pytest.mark.parametrize("ours", ["pellucid", "phone"])
async def test_an_id_token_lets_in_and_finds_the_account_again(
    client: httpx.AsyncClient, peer: Peer, by: str, ours: str
) -> None:
    sub = await somebody(peer)
    named = {"provider": "house"} if by == "provider" else {"issuer": peer.issuer, "client_id": ours}
    seen = []
    for _ in range(2):
        token = (await given(peer, sub, ours))["id_token"]
        answer = await client.post(GRANT, json=named | {"id_token": token, "nonce": NONCE})
        assert answer.status_code == 200, answer.text
        session = answer.json()
        assert session["token_type"] == "bearer"
        assert session["user"]["email"] == f"{sub}@example.com"
        assert session["user"]["app_metadata"]["provider"] == "house"
        seen.append(session["user"]["id"])
    assert seen[0] == seen[1]
    assert (await client.get("/auth/v1/user", headers=bearing(session))).status_code == 200


async def test_what_is_not_to_be_believed_is_refused_as_oauth_words_it(
    client: httpx.AsyncClient, peer: Peer, admin: asyncpg.Connection
) -> None:
    sub = await somebody(peer)
    good = (await given(peer, sub))["id_token"]
    head, claims, _ = good.split(".")
    for body, words in [
        ({}, "id_token required"),
        ({"id_token": good}, "provider or client_id and issuer required"),
        ({"id_token": good, "provider": "house"}, "a nonce, and none was told"),
        ({"id_token": good, "provider": "house", "nonce": "another"}, "another sign-in"),
        ({"id_token": f"{head}.{claims}.AAAA", "provider": "house", "nonce": NONCE}, "signature"),
        ({"id_token": "nonsense", "provider": "house", "nonce": NONCE}, "Bad ID token"),
        ({"id_token": (await given(peer, sub, "else"))["id_token"], "provider": "house", "nonce": NONCE}, "somebody"),
        ({"id_token": good, "provider": "hub", "nonce": NONCE}, "gives no ID tokens"),
    ]:
        answer = await client.post(GRANT, json=body)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid request"), answer.text
        assert words in answer.json()["error_description"]
    unknown = await client.post(GRANT, json={"id_token": good, "provider": "nobody"})
    assert (unknown.status_code, unknown.json()["error_code"]) == (400, "validation_failed")
    assert await admin.fetchval("select count(*) from auth.users") == 0
    assert await admin.fetchval("select count(*) from auth.audit_log where event = 'sign_in_failed'") == 6


async def test_an_account_that_has_not_proved_its_address_is_not_taken(
    client: httpx.AsyncClient, peer: Peer, admin: asyncpg.Connection
) -> None:
    sub = await somebody(peer)
    await client.post("/signup", json={"email": f"{sub}@example.com", "password": "an engine of brass"})
    await admin.execute("update auth.users set last_sign_in_at = now()")
    answer = await client.post(
        GRANT, json={"id_token": (await given(peer, sub))["id_token"], "provider": "house", "nonce": NONCE}
    )
    assert answer.status_code == 422


async def test_it_can_be_linked_to_the_account_that_asks_and_to_no_other(client: httpx.AsyncClient, peer: Peer) -> None:
    sub = await somebody(peer)
    link = {
        "id_token": (await given(peer, sub))["id_token"],
        "provider": "house",
        "nonce": NONCE,
        "link_identity": True,
    }
    assert (await client.post(GRANT, json=link)).status_code == 401
    first, second = [(await client.post("/auth/v1/signup", json={})).json() for _ in range(2)]
    linked = await client.post(GRANT, json=link, headers=bearing(first))
    assert linked.json()["user"]["id"] == first["user"]["id"]
    assert linked.json()["user"]["is_anonymous"] is False
    refused = await client.post(GRANT, json=link, headers=bearing(second))
    assert (refused.status_code, refused.json()["error_code"]) == (422, "identity_already_exists")


@pytest.mark.parametrize(("algorithm", "name"), [("RS256", "sha256"), ("ES384", "sha384"), ("EdDSA", "sha512")])
def test_an_access_token_must_be_the_one_that_came_along(algorithm: str, name: str) -> None:
    head = base64.urlsafe_b64encode(f'{{"alg":"{algorithm}"}}'.encode()).decode().rstrip("=")
    digest = hashlib.new(name, b"it").digest()
    claims = {"at_hash": base64.urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")}
    require_companion(f"{head}.e30.AAAA", claims, "it")
    require_companion(f"{head}.e30.AAAA", {}, "whatever")
    for wrong in (claims | {"at_hash": 7}, claims | {"at_hash": "x"}):
        with pytest.raises(ProviderFailed):
            require_companion(f"{head}.e30.AAAA", wrong, "it")
    with pytest.raises(ProviderFailed):
        require_companion(f"{head}.e30.AAAA", claims, "another")
