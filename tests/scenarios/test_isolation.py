"""Every tenant against every tenant, in every way there is to ask: no row, no column and no number of anybody else's comes out."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from pellucid.app import Pellucid, create
from pellucid.settings import Settings
from tests.scenarios.conftest import KEY, Playhouse
from tests.scenarios.isolation import MARKS, SEEN, WORLD, Ask, reads, writes

pytestmark = pytest.mark.anyio
PREFIXES = ("", "/rest/v1")
BLOCK = 4
"""Requests at once, over half as many connections: each connection is one person's now, and another's next."""
OTHERS = """
select coalesce(string_agg(t, ';' order by t), '') from (
  select 'note ' || n::text as t from note n where owner is distinct from '{person}'
  union all select 'person ' || p::text from person p where id is distinct from '{person}'
  union all select 'member ' || m::text from member m
  union all select 'task ' || t::text from task t where team not in (select team from member where person is not distinct from '{person}')
  union all select 'team ' || t::text from team t where id not in (select team from member where person is not distinct from '{person}')
  union all select 'label ' || l::text from label l
) as all_of_it
"""


@dataclass(frozen=True, slots=True)
class House:
    """The application at work, on few connections."""

    app: Pellucid
    client: httpx.AsyncClient

    async def send(self, person: UUID | None, ask: Ask, prefix: str, **more: str) -> httpx.Response:
        """Ask as somebody, or as nobody in particular."""
        headers = {**ask.headers, **more}
        if person is not None:
            headers["Authorization"] = f"Bearer {self.app.state.accounts.tokens.issue(person).text}"
        body = {} if ask.json is None else {"json": ask.json}
        return await self.client.request(ask.method, prefix + ask.target, headers=headers, **body)


@asynccontextmanager
async def serving(stage: Playhouse, setup: str = WORLD, **chosen: Any) -> AsyncIterator[House]:
    await stage.run(setup)
    settings = Settings(data=stage.directory, signing_key=KEY, pool_size=2, aggregates=True, plan=True, **chosen)
    app = create(None, settings, stage.deployment)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=60) as client,
    ):
        yield House(app, client)


def foreign(person: UUID | None) -> list[str]:
    """What must not stand in an answer to this person."""
    return sorted({mark for marks in MARKS.values() for mark in marks} - set(MARKS[person]))


def judge(person: UUID | None, ask: Ask, answer: httpx.Response) -> None:
    """Nothing of anybody else's is in the answer, but what the person has sent."""
    told = f"{person} {ask}: {answer.status_code} {answer.text}"
    assert answer.status_code < 500, told
    sent = f"{ask.target} {json.dumps(ask.json)}"
    seen = f"{answer.text} {answer.headers}".lower()
    for mark in foreign(person):
        assert mark in sent or mark not in seen, f"{mark} in {told}"


async def all_of(house: House, asked: Sequence[tuple[UUID | None, Ask, str]]) -> None:
    for start in range(0, len(asked), BLOCK):
        block = asked[start : start + BLOCK]
        answers = await asyncio.gather(*(house.send(*each) for each in block))
        for (person, ask, prefix), answer in zip(block, answers, strict=True):
            judge(person, ask, answer)
            assert answer.is_success, f"{prefix}{ask.target}: {answer.status_code} {answer.text}"


async def test_no_read_shows_what_is_somebody_elses(stage: Playhouse) -> None:
    asked = [(person, ask, prefix) for ask in reads() for person in MARKS for prefix in PREFIXES]
    random.Random(1).shuffle(asked)
    async with serving(stage) as house:
        await all_of(house, asked)


async def test_numbers_are_of_ones_own_rows(stage: Playhouse) -> None:
    async with serving(stage) as house:
        for person, seen in SEEN.items():
            for how in ("planned", "estimated"):
                answer = await house.send(person, Ask("/note?limit=1"), "", Prefer=f"count={how}")
                assert answer.headers["content-range"].endswith(f"/{seen['note']}"), (person, how)
            for prefix in PREFIXES:
                for table in sorted(seen.keys() - {"sum"}):
                    answer = await house.send(person, Ask(f"/{table}?limit=1"), prefix, Prefer="count=exact")
                    assert answer.headers["content-range"].endswith(f"/{seen[table]}"), (person, table)
                    answer = await house.send(person, Ask(f"/{table}?select=count()"), prefix)
                    assert answer.json() == [{"count": seen[table]}], (person, table)
                for target in ("/note?select=amount.sum()", "/rpc/notes_like?select=amount.sum()"):
                    assert (await house.send(person, Ask(target), prefix)).json() == [{"sum": seen["sum"]}]
                assert (await house.send(person, Ask("/rpc/sum_of_notes"), prefix)).json() == seen["sum"]


@pytest.mark.parametrize("prefix", PREFIXES, ids=["native", "postgrest"])
async def test_no_write_shows_or_touches_what_is_somebody_elses(stage: Playhouse, prefix: str) -> None:
    """Each write is undone, so that each finds the same world; the two last looks tell whether one got through to others."""
    async with serving(stage, tx_end="rollback-allow-override") as house:
        for person in MARKS:
            others = OTHERS.format(person=person or "00000000-0000-0000-0000-000000000000")
            before = await stage.value(others)
            await asyncio.gather(*(tried(house, person, ask, prefix) for ask in writes()))
            for ask in writes():
                judge(
                    person,
                    ask,
                    await house.send(person, ask, prefix, Prefer=f"{ask.headers.get('Prefer', '')}, tx=commit"),
                )
            assert await stage.value(others) == before
            await stage.run("truncate team, member, person, note, task, label, task_label")
            await stage.run(WORLD[WORLD.index("insert into team") :])


async def tried(house: House, person: UUID | None, ask: Ask, prefix: str) -> None:
    judge(person, ask, await house.send(person, ask, prefix))
