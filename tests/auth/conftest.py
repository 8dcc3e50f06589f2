"""The accounts' routes on a small application, with a real PostgreSQL behind it."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from pellucid.auth.effort import Work, work_of
from pellucid.auth.gotrue.routes import routes as supabase_routes
from pellucid.auth.identifier import BearerIdentifier
from pellucid.auth.keys import generate_key, parse_keys
from pellucid.auth.options import AccountOptions
from pellucid.auth.passwords import PasswordOptions, Passwords
from pellucid.auth.routes import router
from pellucid.auth.service import Accounts
from pellucid.auth.tokens import TokenOptions, Tokens
from pellucid.database.core import Database
from pellucid.web.logs import JsonLines, TextLines
from pellucid.web.options import WebOptions
from pellucid.web.resources import Resources
from pellucid.web.stack import install
from tests.auth.apps import ADA, App, Clock, Enrol, bearing, login, verify

CHEAP = PasswordOptions(passes=1, memory=64, lanes=1)
KEYS = parse_keys(generate_key(), origin="the tests")


class CountingPasswords(Passwords):
    """The real thing, which also notes how much of each kind of work it was made to do."""

    def __init__(self, options: PasswordOptions) -> None:
        super().__init__(options)
        self.worked: Counter[tuple[str | int, ...]] = Counter()

    def _fits(self, password: str, hashed: str) -> bool:
        if work := work_of(hashed):
            self.worked[work.kind] += work.amount
        return super()._fits(password, hashed)

    def _spend(self, work: Work) -> None:
        self.worked[work.kind] += work.amount
        super()._spend(work)


@pytest.fixture
def passwords() -> CountingPasswords:
    return CountingPasswords(CHEAP)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(TokenOptions(), KEYS)


@pytest.fixture
def options() -> AccountOptions:
    """What the accounts are told; a test file overrides it to tell them something else."""
    return AccountOptions(limit_addresses=False)


@pytest.fixture
async def accounts(
    database: Database, passwords: CountingPasswords, tokens: Tokens, options: AccountOptions
) -> AsyncIterator[Accounts]:
    accounts = Accounts(database, passwords, tokens, options)
    async with accounts.life:
        await (
            accounts.outbox.stop()
        )  # whoever reads mails has them sent first, with `outbox.empty`, and races with nobody
        yield accounts


@pytest.fixture
def app(accounts: Accounts, options: AccountOptions) -> FastAPI:
    app = FastAPI()
    install(app, WebOptions())
    app.router.routes.extend(
        [*router.routes, *supabase_routes()]
    )  # as `pellucid.app` does: an included router is built anew each time
    identifier = BearerIdentifier(
        accounts.tokens,
        lambda: accounts.database.catalog.roles,
        revocations=accounts.revocations,
        proofs=accounts.proofs,
    )
    app.state.pellucid = Resources(accounts.database, identifier, options.production)
    app.state.accounts = accounts
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the process writes into its log, in both shapes, down to the last detail."""
    stream, root = StringIO(), logging.getLogger()
    handlers = [logging.StreamHandler(stream) for _ in range(2)]
    for handler, lines in zip(handlers, (JsonLines(), TextLines(colour=False)), strict=True):
        handler.setFormatter(lines)
        root.addHandler(handler)
    level = root.level
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    for handler in handlers:
        root.removeHandler(handler)


@pytest.fixture
def statements(database: Database) -> list[str]:
    """Every statement that sessions run, from now on."""
    seen: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    return seen


@pytest.fixture
def clock(accounts: Accounts) -> Clock:
    clock = Clock()
    accounts.factors.clock = clock
    return clock


@pytest.fixture
async def ada(client: httpx.AsyncClient) -> dict[str, Any]:
    """A session of an account without a second factor."""
    await client.post("/signup", json=ADA)
    return await login(client)


@pytest.fixture
def enrol(client: httpx.AsyncClient, clock: Clock) -> Enrol:
    async def enrol(session: dict[str, Any], name: str | None = None) -> App:
        begun = await client.post("/factors", json={"kind": "totp", "name": name}, headers=bearing(session))
        assert begun.status_code == 201, begun.text
        app = App(begun.json()["id"], pyotp.TOTP(begun.json()["totp"]["secret"]), session, clock)
        answer = await verify(client, session, app.factor, app.code(-1))
        assert answer.status_code == 200, answer.text
        app.session = answer.json()
        return app

    return enrol


@pytest.fixture
async def app_of_ada(ada: dict[str, Any], enrol: Enrol) -> App:
    return await enrol(ada, "My phone")
