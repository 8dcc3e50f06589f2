"""Signing keys that are changed while the server runs."""

import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from pellucid.auth.keys import KeyOptions, generate_key, load_keys
from pellucid.auth.keywatch import KeyWatch
from pellucid.auth.service import Accounts
from pellucid.errors import Unauthenticated

ADA = {"email": "ada@example.com", "password": "an engine of brass"}


def put(path: Path, *keys: object) -> None:
    """Another file in the place of the old one, at once."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"keys": keys}))
    draft.chmod(0o600)
    draft.replace(path)


async def test_two_workers_follow_the_file_and_nobody_is_turned_away(
    tmp_path: Path, app: FastAPI, client: httpx.AsyncClient
) -> None:
    path, (old, new) = tmp_path / "keys.json", (json.loads(generate_key())["keys"][0] for _ in range(2))
    put(path, old)
    options = KeyOptions(file=path)
    accounts: Accounts = app.state.accounts
    await accounts.use_keys(load_keys(options))
    watch = KeyWatch(options.path, lambda: load_keys(options), accounts.use_keys)
    assert not await watch.look()
    await client.post("/signup", json=ADA)
    held = (await client.post("/login", json=ADA)).json()["access_token"]
    for keys, published in (((old, new), 2), ((new, old), 2)):
        put(path, *keys)
        assert await watch.look()
        assert len((await client.get("/.well-known/jwks.json")).json()["keys"]) == published
        mine = (await client.post("/login", json=ADA)).json()["access_token"]
        for token in (held, mine):
            assert (await client.get("/users/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    put(path, new)
    assert await watch.look()
    with pytest.raises(Unauthenticated):  # of the key that is gone, though it was found genuine before
        accounts.tokens.verify(held)


@pytest.mark.parametrize("content", ["{", "{}", '{"keys": []}', ""])
async def test_a_file_that_is_not_fit_changes_nothing(
    tmp_path: Path, accounts: Accounts, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    put(path, json.loads(generate_key())["keys"][0])
    options = KeyOptions(file=path)
    watch = KeyWatch(path, lambda: load_keys(options), accounts.use_keys)
    before = accounts.tokens.keys
    path.write_text(content)
    assert not await watch.look()
    path.unlink()
    assert not await watch.look()
    assert accounts.tokens.keys is before
    assert "are not used" in caplog.text
