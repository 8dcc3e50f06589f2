"""Shared or alone, the answers are the same: the same requests are played on the same tables in both ways, and compared byte for byte."""

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from pellucid.app import Deployment, Pellucid, create
from pellucid.database.capabilities import Capabilities
from pellucid.rest import queue as queueing
from pellucid.rest import share as sharing
from pellucid.rest.queue import Member, Queue
from pellucid.settings import Settings
from pellucid.web.again import Again, Head
from pellucid.web.memory import Asked, Memory
from tests.conftest import Clone
from tests.scenarios.conftest import KEY, credentials
from tests.scenarios.scenario import Who

pytestmark = pytest.mark.anyio

COLUMNS = (
    "n int check (n < 7)",
    "n numeric(4, 1) not null default 1.5",
    "n smallint unique",
    "t text default current_setting('request.jwt.claims', true)",
    "t varchar(5) not null default 'a'",
    "t char(3)",
    "j jsonb default '{}'",
    "j json",
    "d date default '2024-02-29' check (d > '2000-01-01')",
    "p int references parent",
    "p int references parent deferrable initially deferred",
    "p int not null default 1 references parent on delete cascade deferrable initially immediate",
    "g int generated always as (id * 2) stored",
    "e mood default 'sad'",
    "w who",
    "b bool not null default true",
    "a int[]",
    "u uuid unique deferrable initially deferred",
)
"""What a table may be made of; of those with one name at most one."""
KEYS = (
    "id int primary key",
    "id int, k text default 'x', primary key (id, k)",
    "id int primary key deferrable initially deferred",
)
POLICIES = (
    "using (true) with check (true)",
    "using (owner = auth.uid()) with check (owner = auth.uid())",
    "using (true) with check (owner = auth.uid() and id % 5 <> 0)",
    "using (id % 3 <> 0 or auth.role() = 'anon') with check (true)",
    "for select using (true)",
)
WORLD = """
create table parent (id int primary key);
insert into parent values (1), (2), (3);
create type mood as enum ('happy', 'sad');
create domain who as text check (value <> 'nobody');
grant select on parent to anon;
"""
VALUES: dict[str, Sequence[Any]] = {
    "n": (1, 2, 3.3, 9, None, "4", "x", 70000, 1e300),
    "t": ("a", "'; --", 'q"\\u00e9', "longer than five", None, 7, "\\", "\u2028"),
    "j": ({}, [1, {"a": None}], "text", None, 1.10),
    "d": ("2024-01-01", "1999-01-01", "yesterday's", None, "infinity"),
    "p": (1, 2, 3, 4, None),
    "e": ("happy", "angry", None),
    "w": ("me", "nobody", None),
    "b": (True, False, None, "yes"),
    "a": ([1, 2], [], None, [[1], [2]], "{1,2}"),
    "u": ("0190a000-0000-7000-8000-000000000001", "0190a000-0000-7000-8000-000000000002", None, "no"),
    "g": (1,),
}
PREFERENCES = (
    "return=representation",
    "return=minimal",
    "return=headers-only",
    "count=exact",
    "tx=commit",
    "timezone=Asia/Tokyo",
)
FIRST = 3
SEEDS = int(os.environ.get("SEEDS", "4"))
DRIFTS = {"date", "x-request-id", "server-timing"}


Answer = tuple[int, str, dict[str, str]]
"""Status, body and headers."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as both ways get it."""

    method: str
    target: str
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Theatre:
    """The application in both ways, on one database."""

    alone: httpx.AsyncClient
    shared: httpx.AsyncClient
    callers: Sequence[dict[str, str]]
    calls: list[int]
    short: list[str]
    apps: Sequence[Pellucid]


@pytest.fixture
async def theatre(clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Theatre]:
    monkeypatch.setattr(sharing, "ENOUGH", 60_000)
    monkeypatch.setattr(sharing, "LIMIT", 60.0)
    monkeypatch.setattr(sharing, "MIXED_LIMIT", 60.0)
    monkeypatch.setattr(queueing, "HEAVY", 60.0)
    monkeypatch.setattr(queueing, "SLOW", 60.0)
    monkeypatch.setattr(sharing, "PATIENCE", "5s")
    deployment = Deployment(clone.dsn, clone.admin_dsn, Capabilities(180_000))
    apps = [create(None, Settings(data=tmp_path, signing_key=KEY, share=share), deployment) for share in (False, True)]
    calls, short = listen(apps[1], monkeypatch), remembered(apps[1], monkeypatch)
    async with AsyncExitStack() as stack:
        clients = []
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            clients.append(
                await stack.enter_async_context(
                    httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")
                )
            )
        callers = [credentials(apps[0], who) for who in (Who.ADA, Who.BOB, Who.ANYBODY, Who.SERVICE)]
        yield Theatre(clients[0], clients[1], callers, calls, short, apps)


def listen(app: Pellucid, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many travel in each call from now on."""
    assert app.data is not None
    share = app.data.share
    assert share is not None
    calls: list[int] = []
    call = share._call

    async def heard(queue: Queue, members: Sequence[Member]) -> None:
        calls.append(len(members))
        await call(queue, members)

    monkeypatch.setattr(share, "_call", heard)
    return calls


def remembered(app: Pellucid, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of those who are answered by the short way from now on."""
    memory = app.front
    assert isinstance(memory, Memory)
    methods: list[str] = []
    answer = memory.answer

    def heard(asked: Asked, head: Head, again: Again) -> None:
        methods.append(asked.scope["method"])
        answer(asked, head, again)

    monkeypatch.setattr(memory, "answer", heard)
    return methods


def table(chance: random.Random, *, quiet: bool) -> tuple[str, list[str]]:
    """A table of a random shape, and the names of its columns. A quiet one leaves nothing behind in the session."""
    kept = re.compile(
        "deferrable|who|current_setting" if chance.randrange(2) else "nothing"
    )  # half of them leave nothing behind
    columns = {line.split()[0]: line for line in chance.sample([each for each in COLUMNS if not kept.search(each)], 7)}
    who = Who.ADA.value
    assert isinstance(who, UUID)
    owner = chance.choice(("uuid default auth.uid()", "uuid", f"uuid default '{who}'"))
    key = chance.choice([each for each in KEYS if not kept.search(each)])
    grants = chance.choice(
        ("select, insert, update, delete", "select, insert", f"select (id, {min(columns)}), insert, update, delete")
    )
    sql = f"""
    create table thing ({", ".join((f"owner {owner}", *columns.values(), key))});
    alter table thing enable row level security;
    create policy one on thing {chance.choice(POLICIES)};
    create policy other on thing {chance.choice(POLICIES)};
    grant {grants} on thing to anon, authenticated, service_role;
    """
    return sql, ["id", *columns, *(["k"] if ", k " in key else [])]


def bursts(chance: random.Random, names: Sequence[str], callers: Sequence[dict[str, str]]) -> list[list[Ask]]:
    """Requests of the same kind that are sent at once, kind after kind. Some want the same keys."""
    profile = chance.choice(("", "/rest/v1"))
    kinds = [("POST", 14), ("POST", 10), ("GET", 8), ("PATCH", 10), ("GET", 8), ("DELETE", 6), ("GET", 8)]
    return [burst(chance, method, profile, names, callers, number) for method, number in kinds]


def burst(
    chance: random.Random,
    method: str,
    profile: str,
    names: Sequence[str],
    callers: Sequence[dict[str, str]],
    number: int,
) -> list[Ask]:
    # A change must not make room for another's: which of the two comes first is nobody's business.
    unique = ("id", "k", "u", "n") if method == "PATCH" else ("id", "k", "u")
    chosen = chance.sample([name for name in names if name not in unique], 2)
    filled = [*(["id"] if method == "POST" else []), *chosen, *(["u"] if "u" in names and method == "POST" else [])]
    keys = iter(chance.sample(range(12), number)) if method == "PATCH" else iter(chance.choices(range(12), k=number))
    prefer = chance.sample(PREFERENCES, chance.randrange(3))
    caller = chance.choice(callers)
    asks = []
    for _ in range(number):
        key = next(keys)
        body = (
            {name: key if name == "id" else value(chance, name) for name in filled}
            if method in ("POST", "PATCH")
            else None
        )
        where = f"?id=eq.{key}" + ("&k=eq.x" if "k" in names else "")
        if not profile and "k" not in names and number % 4:
            where = f"/{key}"
        target = f"{profile}/thing" + ("" if method == "POST" else where)
        who = chance.choice(callers[:2]) if caller in callers[:2] else caller
        asks.append(Ask(method, target, body, {**who, **({"Prefer": ", ".join(prefer)} if prefer else {})}))
    return asks


def value(chance: random.Random, name: str) -> Any:
    """Mostly one that fits."""
    values = VALUES[name]
    return values[0] if chance.random() < 0.5 and name != "u" else chance.choice(values)


async def send(client: httpx.AsyncClient, ask: Ask) -> Answer:
    body: dict[str, Any] = {} if ask.body is None else {"json": ask.body}
    response = await client.request(ask.method, ask.target, headers=ask.headers, **body)
    text = re.sub('"request_id":"[0-9a-f]+"', "", response.text)
    return response.status_code, text, {k: v for k, v in response.headers.items() if k not in DRIFTS}


async def company(theatre: Theatre, plays: Sequence[Sequence[Ask]]) -> list[list[Answer]]:
    """The answers to requests, burst after burst: the first few one by one, so that they are learnt, and then the rest at once."""
    answers = []
    for asks in plays:
        first = [await send(theatre.shared, ask) for ask in asks[:FIRST]]
        answers.append([*first, *await asyncio.gather(*(send(theatre.shared, ask) for ask in asks[FIRST:]))])
    return answers


async def solitude(
    theatre: Theatre, plays: Sequence[Sequence[Ask]], answered: Sequence[Sequence[Answer]]
) -> list[list[Answer]]:
    """The answers to the same requests, one after the other: those of a burst that succeeded first, for one that fails is run once more
    when the others are through."""
    answers = []
    for asks, before in zip(plays, answered, strict=True):
        order = sorted(range(len(asks)), key=lambda place: place >= FIRST and 1 + (before[place][0] >= 400))
        said = {place: await send(theatre.alone, asks[place]) for place in order}
        answers.append([said[place] for place in range(len(asks))])
    return answers


async def rows(admin: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await admin.fetch("select t::text from thing t order by 1")]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_shared_and_alone_are_alike(seed: int, theatre: Theatre, admin: asyncpg.Connection) -> None:
    chance = random.Random(seed)
    await admin.execute(WORLD)
    seen: set[int] = set()
    for number in range(4):
        sql, names = table(chance, quiet=number % 2 == 0)
        await admin.execute(f"drop table if exists thing; {sql}")
        for app in theatre.apps:
            assert app.data is not None
            await app.data.database.refresh()
        plays = bursts(chance, names, theatre.callers)
        shared, left = await company(theatre, plays), await rows(admin)
        await admin.execute("truncate thing")
        alone = await solitude(theatre, plays, shared)
        for asks, one, other in zip(plays, alone, shared, strict=True):
            for ask, expected, answer in zip(asks, one, other, strict=True):
                assert answer == expected, f"{ask}\n{sql}"
                seen.add(expected[0])
        assert left == await rows(admin), sql
    assert max(theatre.calls) > 1
    assert seen & {200, 201, 204}
    assert seen & {400, 401, 403, 404, 409, 422}
    assert max(seen) < 500


def questions(chance: random.Random, tables: Sequence[str], callers: Sequence[dict[str, str]]) -> list[Ask]:
    """Reads of many shapes, of which some fail: rows, lists, related rows, values that do not fit, and what is not there."""
    shapes = (
        "?id=eq.{key}",
        "?id=eq.{key}&select=id,owner",
        "?id=eq.x{key}&select=id",  # who may not read the others would get one error or the other
        "?limit=3&order=id",
        "?select=id,parent(id)&limit=5&order=id",
        "?id=gt.{key}&limit=2&order=id.desc",
        "?nothing=eq.{key}",
    )
    asks = []
    for _ in range(60):
        target = f"/rest/v1/{chance.choice(tables)}{chance.choice(shapes).format(key=chance.randrange(12))}"
        asks.append(Ask("GET", target, None, dict(chance.choice(callers))))
    return asks


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_different_tables_in_one_call_are_as_if_alone(
    seed: int, theatre: Theatre, admin: asyncpg.Connection
) -> None:
    """Half of the tables are quiet; the schema changes between two rounds."""
    chance = random.Random(seed)
    await admin.execute(WORLD)
    names = [f"thing{number}" for number in range(6)]
    seen: set[int] = set()
    for number in range(3):
        for place, name in enumerate(names):
            sql, _ = table(chance, quiet=place % 2 == 0)
            await admin.execute(f"drop table if exists {name}; {re.sub('thing', name, sql)}")
            ids = "insert into {0} (id, owner) select n, '{1}' from generate_series(1, 6) n"
            await admin.execute(ids.format(name, chance.choice((Who.ADA.value, Who.BOB.value))))
        if number:  # the first look is one with the catalog of the tables that were there before
            await company(theatre, [questions(chance, names, theatre.callers)])
        for app in theatre.apps:
            assert app.data is not None
            await app.data.database.refresh()
        for _ in range(2):
            asks = questions(chance, names, theatre.callers)
            shared = (await company(theatre, [asks]))[0]
            for ask, answer in zip(asks, shared, strict=True):
                assert answer == await send(theatre.alone, ask), ask
                seen.add(answer[0])
    assert max(theatre.calls) > 1
    assert seen & {200}
    assert seen & {400, 401, 403}
    assert max(seen) < 500
