"""``/auth/v1/authorize`` and ``/callback`` against a real OpenID provider."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from pellucid.auth.options import AccountOptions, ProviderOptions
from tests.auth.dialect import ADA, CHALLENGE, VERIFIER, bearing, fragment, query
from tests.auth.provider import Peer, provider

CALLBACK = "https://app.example.org/callback"


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with provider() as peer:
        yield peer


@pytest.fixture
def options(peer: Peer) -> AccountOptions:
    return AccountOptions(
        limit_addresses=False,
        public_url="http://127.0.0.1",
        redirect_urls=(CALLBACK,),
        providers=(ProviderOptions("example", "pellucid", "a secret of the client", issuer=peer.issuer),),
    )


@pytest.fixture
async def auth(client: httpx.AsyncClient) -> httpx.AsyncClient:
    client.base_url = httpx.URL("http://127.0.0.1/auth/v1/")
    return client


async def back(auth: httpx.AsyncClient, peer: Peer, begun: httpx.Response | str, sub: str | None) -> httpx.Response:
    """Sign in at the provider, and come back."""
    there = begun if isinstance(begun, str) else begun.headers["location"]
    return await auth.get(await peer.consents(there, sub))


async def test_signing_in_elsewhere(auth: httpx.AsyncClient, peer: Peer) -> None:
    await peer.knows("bob", email="bob@example.com", email_verified=True, name="Bob")
    asked: dict[str, Any] = {"provider": "example", "redirect_to": CALLBACK}
    session = fragment(await back(auth, peer, await auth.get("authorize", params=asked), "bob"))
    user = (await auth.get("user", headers=bearing(session))).json()
    assert (user["email"], user["app_metadata"]["provider"]) == ("bob@example.com", "example")
    assert user["identities"][0]["identity_data"]["sub"] == "bob"

    pkce = asked | {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}
    returned = await back(auth, peer, await auth.get("authorize", params=pkce), "bob")
    assert returned.headers["location"].startswith(f"{CALLBACK}?code=")
    sent = {"auth_code": query(returned)["code"], "code_verifier": VERIFIER}
    first, second = [await auth.post("token?grant_type=pkce", json=sent) for _ in range(2)]
    assert (first.json()["user"]["id"], second.status_code) == (user["id"], 404)

    begun = await auth.get("authorize", params=asked)
    refusal = {"state": query(begun)["state"], "error": "access_denied"}
    refused = await auth.get("callback", params=refusal)
    assert refused.headers["location"].startswith(f"{CALLBACK}#")
    assert fragment(refused)["error_code"] == "bad_oauth_callback"
    elsewhere = await auth.get("authorize", params=asked | {"redirect_to": "https://evil.example.org"})
    assert (await back(auth, peer, elsewhere, "bob")).headers["location"].startswith("http://127.0.0.1#access_token=")


async def test_a_sign_in_belongs_to_its_browser(auth: httpx.AsyncClient, peer: Peer) -> None:
    await peer.knows("bob", email="bob@example.com", email_verified=True)
    begun = await auth.get("authorize", params={"provider": "example", "redirect_to": CALLBACK})
    auth.cookies.clear()
    answer = await back(auth, peer, begun, "bob")
    assert query(answer)["error_code"] == "bad_oauth_state"
    assert "access_token" not in answer.headers["location"]


async def test_linking_and_unlinking(auth: httpx.AsyncClient, peer: Peer) -> None:
    await peer.knows("ada", email="ada@elsewhere.example.com", email_verified=True)
    session = (await auth.post("signup", json=ADA)).json()
    asked = {"provider": "example", "redirect_to": CALLBACK, "skip_http_redirect": "true"}
    begun = await auth.get("user/identities/authorize", params=asked, headers=bearing(session))
    assert parse_qs(urlsplit(begun.json()["url"]).query)["client_id"] == ["pellucid"]
    await back(auth, peer, begun.json()["url"], "ada")
    linked = (await auth.get("user", headers=bearing(session))).json()["identities"]
    assert [identity["provider"] for identity in linked] == ["email", "example"]
    path = f"user/identities/{linked[1]['identity_id']}"
    first, second = [await auth.delete(path, headers=bearing(session)) for _ in range(2)]
    assert (first.json(), second.json()["error_code"]) == ({}, "identity_not_found")
