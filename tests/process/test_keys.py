"""A signing key is changed under load, on a real server with two workers, and nobody is turned away."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from pellucid.auth.keys import generate_key
from tests.process.serving import PATIENCE, Serve

pytestmark = pytest.mark.process

ADA = {"email": "ada@example.com", "password": "an engine of brass"}
OLD, NEW = (json.loads(generate_key())["keys"][0] for _ in range(2))


def put(path: Path, *keys: object) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"keys": keys}))
    draft.chmod(0o600)
    draft.replace(path)


def ask(url: httpx.URL, method: str, path: str, **more: Any) -> httpx.Response:
    """Over a connection of its own, so that either worker may answer."""
    with httpx.Client(base_url=url, timeout=PATIENCE) as client:
        return client.request(method, path, **more)


def test_no_request_is_refused_while_both_workers_change_the_key(home: Path) -> None:
    path = home / "keys.json"
    put(path, OLD)
    env = {"PELLUCID_SIGNING_KEY_FILE": str(path)}
    statuses: list[int] = []
    ended = threading.Event()
    with Serve(home, "--workers", "2", env=env) as serve, serve.ready() as http:
        url = http.base_url
        ask(url, "POST", "/signup", json=ADA)
        first = ask(url, "POST", "/login", json=ADA).json()

        def uses() -> None:
            held = first
            while not ended.is_set():
                seen = ask(url, "GET", "/users/me", headers={"Authorization": f"Bearer {held['access_token']}"})
                again = ask(url, "POST", "/refresh", json={"refresh_token": held["refresh_token"]})
                statuses.extend([seen.status_code, again.status_code])
                held = again.json()

        load = threading.Thread(target=uses)
        load.start()
        for keys in ((OLD, NEW), (NEW, OLD)):
            put(path, *keys)
            for _ in range(2):
                serve.until("read anew")
        ended.set()
        load.join(PATIENCE)
        signers = {
            session["access_token"].split(".")[0] for session in (first, ask(url, "POST", "/login", json=ADA).json())
        }
        last = ask(url, "GET", "/users/me", headers={"Authorization": f"Bearer {first['access_token']}"})
    assert set(statuses) == {200}
    assert (len(signers), last.status_code) == (2, 200)
