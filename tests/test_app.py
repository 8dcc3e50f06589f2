"""The application as it is put together: who is let in by which header, and the description of the API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.types import Message

from pellucid.app import Deployment, Pellucid, create
from pellucid.auth.service import Accounts
from pellucid.database.capabilities import Capabilities
from pellucid.settings import Settings
from tests.conftest import Clone, run


@asynccontextmanager
async def served(clone: Clone, data: Path, **chosen: Any) -> AsyncIterator[tuple[Pellucid, httpx.AsyncClient]]:
    """An application on its own database, and a client of it."""
    app = create(None, Settings(data=data, **chosen), Deployment(clone.dsn, clone.admin_dsn, Capabilities(180_000)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield app, client


def token(app: Pellucid, role: str) -> str:
    accounts: Accounts = app.state.accounts
    return accounts.tokens.issue(None, role=role).text


async def test_an_applications_own_way_to_send_text_messages_is_used(clone: Clone, tmp_path: Path) -> None:
    class Silent:
        async def send(self, number: str, text: str) -> None: ...

    app = Pellucid()
    app.messenger = Silent()
    create(app, Settings(data=tmp_path), Deployment(clone.dsn, clone.admin_dsn, Capabilities(180_000)))
    accounts: Accounts = app.state.accounts
    assert accounts.phones.messenger is app.messenger


async def test_the_description_is_sent_again_only_when_it_changed(clone: Clone, tmp_path: Path) -> None:
    async with served(clone, tmp_path) as (app, client):
        first = await client.get("/openapi.json")
        seen = {"If-None-Match": first.headers["ETag"]}
        again = await client.get("/openapi.json", headers=seen)
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
        assert app.data is not None
        await run(clone.admin_dsn, "create table public.described (id int primary key)")
        await app.data.database.refresh()
        changed = await client.get("/openapi.json", headers=seen)
        assert changed.status_code == 200
        assert "/described" in changed.json()["paths"]
        assert "/described" not in first.json()["paths"]


async def test_the_key_that_supabases_clients_send_is_a_token(clone: Clone, tmp_path: Path) -> None:
    async with served(clone, tmp_path) as (app, client):
        assert app.data is not None
        await run(clone.admin_dsn, "create table public.kept (id int)", "grant select on public.kept to service_role")
        await app.data.database.refresh()
        service, anon = token(app, "service_role"), token(app, "anon")
        for path in ("/rest/v1/kept", "/kept"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"apikey": anon})).status_code == 401
            assert (await client.get(path, headers={"apikey": service})).status_code == 200
            both = {"apikey": anon, "Authorization": f"Bearer {service}"}
            assert (await client.get(path, headers=both)).status_code == 200
            assert (await client.get(path, headers={"apikey": "sb_unknown"})).status_code == 401


async def test_other_schemes_are_passed_over_in_the_dialect_and_refused_elsewhere(clone: Clone, tmp_path: Path) -> None:
    async with served(clone, tmp_path) as (_, client):
        basic = {"Authorization": "Basic YTpi"}
        assert (await client.get("/rest/v1/nothing", headers=basic)).json()["code"] == "PGRST205"
        assert (await client.get("/nothing", headers=basic)).json()["code"] == "unauthenticated"


async def test_without_an_anonymous_role_a_token_is_needed(clone: Clone, tmp_path: Path) -> None:
    async with served(clone, tmp_path, anon_role="") as (app, client):
        refused = await client.get("/rest/v1/nothing")
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert refused.json() == {
            "code": "PGRST302",
            "details": None,
            "hint": None,
            "message": "Anonymous access is disabled",
        }
        assert (await client.get("/nothing")).json()["code"] == "token-required"
        known = {"Authorization": f"Bearer {token(app, 'authenticated')}"}
        assert (await client.get("/rest/v1/nothing", headers=known)).status_code == 404


async def test_a_role_that_is_not_there_is_told_as_postgrest_does(clone: Clone, tmp_path: Path) -> None:
    async with served(clone, tmp_path) as (app, client):
        headers = {"Authorization": f"Bearer {token(app, 'nobody here')}"}
        refused = await client.get("/rest/v1/nothing", headers=headers)
        assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert (
            refused.text
            == '{"code":"22023","details":null,"hint":null,"message":"role \\"nobody here\\" does not exist"}'
        )


async def test_a_query_that_is_not_utf_8_is_refused(clone: Clone, tmp_path: Path) -> None:
    async with served(clone, tmp_path) as (app, _):
        statuses = []

        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            statuses.append(message.get("status"))

        for path in ("/nothing", "/rest/v1/nothing"):
            scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "query_string": b"a=\xff"}
            await app({**scope, "headers": [(b"host", b"localhost")]}, receive, send)
        assert statuses == [400, None, 400, None]
