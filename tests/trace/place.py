"""A whole application whose requests are traced, on a database of its own, and what asks it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import uvicorn

from pellucid.app import Deployment, Pellucid, create
from pellucid.auth.keys import generate_key
from pellucid.auth.service import Accounts
from pellucid.database.capabilities import Capabilities
from pellucid.server.options import Limits
from pellucid.server.protocol import guarded
from pellucid.settings import Settings
from pellucid.trace.document import Trace
from pellucid.trace.encode import from_json
from tests.conftest import Clone

KEY = generate_key()
TABLES = """
create table person (id int generated always as identity primary key, name text not null, age int, secret_code text);
insert into person (name, age) select 'person ' || n, n % 90 from generate_series(1, 200) n;
alter table person enable row level security;
create policy everybody on person using (true) with check (true);
grant select, insert, update, delete on person to anon, authenticated, service_role;
"""


@dataclass(slots=True)
class Place:
    """The application under way, and a client that asks it."""

    app: Pellucid
    client: httpx.AsyncClient
    directory: Path
    holding: asyncpg.Connection | None = None

    async def run(self, clone: Clone, sql: str) -> None:
        """Run SQL as the owner of the database, on a connection that stays open until `let_go`."""
        self.holding = self.holding or await asyncpg.connect(clone.admin_dsn)
        await self.holding.execute(sql)

    async def let_go(self) -> None:
        if self.holding is not None:
            await self.holding.close()
            self.holding = None

    def bearing(self, role: str) -> dict[str, str]:
        accounts: Accounts = self.app.state.accounts
        return {"Authorization": f"Bearer {accounts.tokens.issue(None, role=role).text}"}

    async def traced(
        self, method: str, path: str, *, how: str = "full", **options: Any
    ) -> tuple[httpx.Response, Trace]:
        """Send a request with the header, and fetch its trace."""
        headers = {"Pellucid-Trace": how} | options.pop("headers", {})
        answer = await self.client.request(method, path, headers=headers, **options)
        assert "pellucid-trace" in answer.headers, answer.text
        return answer, await self.trace(answer.headers["pellucid-trace"])

    async def trace(self, name: str) -> Trace:
        found = await self.client.get(f"/traces/{name}", headers=self.bearing("service_role"))
        assert found.status_code == 200, found.text
        return from_json(found.json())

    async def kept(self, **wanted: Any) -> list[dict[str, Any]]:
        """The summaries of what is kept, once all that was put is written."""
        await asyncio.to_thread(self.app.state.tracer.store.settle)
        found = await self.client.get("/traces", params=wanted, headers=self.bearing("service_role"))
        assert found.status_code == 200, found.text
        return list(found.json())


@asynccontextmanager
async def opened(
    clone: Clone,
    directory: Path,
    *,
    wire: bool = False,
    build: Callable[[Pellucid], None] | None = None,
    address: str = "127.0.0.1",
    **chosen: Any,
) -> AsyncIterator[Place]:
    """The application; with ``wire`` behind the real server on a real socket."""
    connection = await asyncpg.connect(clone.admin_dsn)
    await connection.execute(TABLES)
    await connection.close()
    app = Pellucid()
    if build is not None:
        build(app)
    settings = Settings(**{"data": directory, "signing_key": KEY} | chosen)
    create(app, settings, Deployment(clone.dsn, clone.admin_dsn, Capabilities(180_000)))
    if wire:
        async with listening(app, proxies=settings.proxies) as base, httpx.AsyncClient(base_url=base) as client:
            yield Place(app, client, directory)
        return
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
    ):
        yield Place(app, client, directory)


@asynccontextmanager
async def listening(app: Any, *, proxies: tuple[str, ...] = ()) -> AsyncIterator[str]:
    """An application behind the protocol that workers have, in this event loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http=guarded(Limits()),
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        reset_contextvars=True,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment] # the tests keep theirs
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()
