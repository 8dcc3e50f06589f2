"""A signing key is changed while requests come in, in the order that the documentation gives, and nobody is turned away."""

import asyncio
import json
from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from pellucid.auth.identifier import BearerIdentifier
from pellucid.auth.keys import KeySet, generate_key, parse_keys
from pellucid.auth.tokens import TokenOptions, Tokens

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
USER = UUID("0198c0de-0000-7000-8000-000000000001")
OLD, NEW = (json.loads(generate_key())["keys"][0] for _ in range(2))
ROLES = {"anon", "authenticated"}


def keys(*jwks: object) -> KeySet:
    return parse_keys(json.dumps({"keys": jwks}), origin="the tests")


STEPS = (keys(OLD), keys(OLD, NEW), keys(NEW, OLD), keys(NEW))
"""One key; the new one is published; it signs; the old one is gone, when no token of its is good any more."""


def nodes_at(step: int) -> Iterator[tuple[KeySet, KeySet]]:
    """What two nodes have while one of them is a step ahead: they are restarted one after the other."""
    yield STEPS[step], STEPS[step]
    if step + 1 < len(STEPS):
        yield STEPS[step + 1], STEPS[step]
        yield STEPS[step], STEPS[step + 1]


@pytest.mark.parametrize("step", range(2))
async def test_two_nodes_a_step_apart_accept_what_the_other_signed(step: int) -> None:
    for one, other in nodes_at(step):
        for signing, checking in ((one, other), (other, one)):
            token = Tokens(TokenOptions(), signing).issue(USER).text
            identifier = BearerIdentifier(Tokens(TokenOptions(), checking), lambda: ROLES)
            assert (await identifier.identify(f"Bearer {token}")).user_id == USER


async def test_no_request_is_refused_while_the_key_is_changed(app: FastAPI, client: httpx.AsyncClient) -> None:
    tokens: Tokens = app.state.accounts.tokens
    tokens.keys = STEPS[0]
    await client.post("/signup", json=ADA)
    session = (await client.post("/login", json=ADA)).json()
    stopped, answered, statuses = asyncio.Event(), asyncio.Semaphore(0), []

    async def asks() -> None:
        held = session
        while not stopped.is_set():
            seen = await client.get("/users/me", headers={"Authorization": f"Bearer {held['access_token']}"})
            again = await client.post("/refresh", json={"refresh_token": held["refresh_token"]})
            statuses.extend([seen.status_code, again.status_code])
            answered.release()
            held = again.json() if again.status_code == 200 else held

    async def turns() -> None:
        for step in STEPS:
            tokens.keys = step
            for _ in range(20):
                await answered.acquire()
        stopped.set()

    await asyncio.gather(turns(), asks(), asks())
    assert len(statuses) >= 160
    assert set(statuses) == {200}


async def test_both_keys_are_published_while_both_are_good(app: FastAPI, client: httpx.AsyncClient) -> None:
    app.state.accounts.tokens.keys = STEPS[1]
    published = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert {key["kid"] for key in published} == {OLD["kid"], NEW["kid"]}
    assert all("d" not in key for key in published)
