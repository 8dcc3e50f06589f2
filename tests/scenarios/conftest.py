"""The stage that scenarios are played on: the whole application, in this process, on a database of its own, with an ear on the wire."""

import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from pellucid.app import Deployment, Pellucid, create
from pellucid.auth.keys import generate_key
from pellucid.auth.service import Accounts
from pellucid.auth.tokens import open_tokens
from pellucid.database.caller import Caller
from pellucid.database.capabilities import Capabilities
from pellucid.database.core import Database
from pellucid.settings import Settings
from tests.conftest import Clone
from tests.scenarios.scenario import Nothing, Scenario, Who
from tests.scenarios.wire import Wire, tapped

KEY = generate_key()
STRANGE_KEY = generate_key()


@dataclass(slots=True)
class Playhouse:
    """A stage (`tests.scenarios.runner.Stage`)."""

    deployment: Deployment
    directory: Path
    wire: Wire

    async def run(self, sql: str) -> None:
        """Run SQL as the owner of the database."""
        connection = await asyncpg.connect(self.deployment.admin_dsn)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def value(self, sql: str) -> Any:
        """The one value that a query gives to the owner of the database."""
        connection = await asyncpg.connect(self.deployment.admin_dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def send(self, scenario: Scenario) -> httpx.Response:
        """Start the application, send the scenario's request, and stop it."""
        chosen = {"signing_key": KEY, **scenario.settings}
        settings = Settings(data=self.directory, production=scenario.production, **chosen)
        app = create(None, settings, self.deployment)
        method, target = scenario.request.split(" ", 1)
        body = {"content": scenario.body} if scenario.json is Nothing.NOTHING else {"json": scenario.json}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client,
        ):
            await warm(app)
            self.wire.clear()
            return await client.request(
                method, target, headers={**credentials(app, scenario.who), **scenario.headers}, **body
            )


async def warm(app: Pellucid) -> None:
    """Open a connection: a new one asks a few things of its own."""
    database: Database = app.state.pellucid.database
    async with database.transaction(Caller("anon"), read_only=True) as transaction:
        await transaction.fetch("select 1")


def credentials(app: Pellucid, who: Who) -> dict[str, str]:
    """The header that proves who asks."""
    accounts: Accounts = app.state.accounts
    match who:
        case Who.ANYBODY:
            return {}
        case Who.SERVICE:
            token = accounts.tokens.issue(None, role="service_role")
        case Who.FORGER:
            forged = Settings(signing_key=STRANGE_KEY)
            token = open_tokens(forged.tokens(), forged.keys()).issue(None, role="service_role")
        case Who(value=UUID() as subject):
            token = accounts.tokens.issue(subject)
    return {"Authorization": f"Bearer {token.text}"}


@pytest.fixture
async def stage(clone: Clone, tmp_path: Path) -> AsyncIterator[Playhouse]:
    with tempfile.TemporaryDirectory() as sockets:
        async with tapped(clone.dsn, Path(sockets)) as (wire, dsn):
            yield Playhouse(Deployment(dsn, clone.admin_dsn, Capabilities(180_000)), tmp_path, wire)
