"""No secret reaches a trace: canaries in every place that a request has, looked for in all that is kept and sent on."""

import asyncio
from pathlib import Path

import pytest
from fastapi import Request
from sqlalchemy import text

from pellucid import Pellucid, ReadSession, WriteSession
from tests.conftest import Clone
from tests.trace.place import Place, opened

PASSWORD = "canary-password-of-brass"
CANARIES = {
    "header": "canary0header0secret",
    "cookie": "canary0cookie0secret",
    "query": "canary0query0secret",
    "body": "canary0body0secret",
    "literal": "canary0literal0secret",
    "token": "canary0token0secret",
    "address": "canary@example.com",
}


def with_routes(app: Pellucid) -> None:
    @app.get("/mine")
    async def mine(session: ReadSession) -> dict[str, object]:
        await session.execute(text(f"select '{CANARIES['literal']}' as password, 1"))
        await session.execute(text("select id from person where secret_code = :code"), {"code": CANARIES["body"]})
        return {}

    @app.post("/mine")
    async def make(request: Request, session: WriteSession) -> dict[str, object]:
        given = await request.json()
        await session.execute(
            text("insert into person (name, secret_code) values ('x', :secret_code)"), {"secret_code": given["secret"]}
        )
        return {}


async def everything(place: Place) -> str:
    await asyncio.to_thread(place.app.state.tracer.store.settle)
    directory = place.directory / "traces"
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700
    return "".join(path.read_text() for path in directory.iterdir())


@pytest.mark.parametrize("how", ["full", "light"])
async def test_no_canary_is_found(clone: Clone, tmp_path: Path, how: str) -> None:
    canary = CANARIES
    headers = {
        "Apikey": "",
        "X-Api-Key": canary["header"],
        "X-Secret-Thing": canary["header"],
        "Cookie": f"session={canary['cookie']}; other={canary['cookie']}",
    }
    del headers["Apikey"]
    async with opened(clone, tmp_path, wire=True, build=with_routes) as place:
        _, trace = await place.traced("GET", "/mine", how=how, headers=headers)
        await place.traced("POST", "/mine", how=how, json={"secret": canary["body"]}, headers=headers)
        await place.traced("POST", "/person", how=how, json={"name": canary["body"], "secret_code": canary["body"]})
        await place.traced("PATCH", "/person?id=eq.1", how=how, json={"secret_code": canary["body"]})
        for query in ("secret_code", "token", "apikey"):
            await place.traced("GET", f"/person?{query}=eq.{canary['query']}", how=how, headers=headers)
        await place.traced("GET", f"/person?or=(secret_code.eq.{canary['query']},age.gt.3)", how=how)
        signing = {"email": canary["address"], "password": PASSWORD}
        await place.traced("POST", "/signup", how=how, json=signing)
        session, _ = await place.traced("POST", "/login", how=how, json=signing)
        token = session.json()["access_token"]
        await place.traced("GET", "/users/me", how=how, headers={"Authorization": f"Bearer {token}"})
        await place.traced("GET", "/person/1", how=how, headers={"Authorization": f"Bearer {canary['token']}"})
        await place.traced("POST", "/login", how=how, json=signing | {"password": f"{PASSWORD}!"})
        kept = await everything(place)
        assert len(kept) > 10_000
        assert trace.id in kept
    for where, secret in {**canary, "password": PASSWORD, "bearer": token, "signature": token.split(".")[2]}.items():
        assert secret not in kept, f"{where}: {kept[max(0, kept.index(secret) - 300) : kept.index(secret) + 60]}"
