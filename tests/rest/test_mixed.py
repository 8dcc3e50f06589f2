"""Quiet reads of different statements travel together, and each is answered as if alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import NoReturn

import asyncpg
import pytest

from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.database.opening import Beginning
from pellucid.database.options import DatabaseOptions
from pellucid.errors import PoolExhausted
from pellucid.rest import queue as queueing
from pellucid.rest import share as sharing
from pellucid.rest.compile.writer import Statement
from pellucid.rest.queue import Record
from tests.conftest import Clone
from tests.rest.test_share import ACT, Watched

pytestmark = pytest.mark.anyio

FIELDS = "1::int8 AS rows, NULL::int8 AS total, NULL::text AS keys, 0::int8 AS replaced, NULL::text AS status, NULL::text AS headers"


@pytest.fixture
async def share(clone: Clone, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr(sharing, "ENOUGH", 60_000)  # however slow the machine is
    monkeypatch.setattr(sharing, "MIXED_LIMIT", 60.0)
    monkeypatch.setattr(queueing, "HEAVY", 60.0)
    monkeypatch.setattr(queueing, "SLOW", 60.0)
    monkeypatch.setattr(queueing, "PARTS", 1)
    await admin.execute(ACT)
    async with Database(DatabaseOptions(clone.dsn, pool_size=2)) as database, Watched(database) as share:
        yield share


def reading(body: str, *values: str, source: str = "") -> Statement:
    return Statement(f"SELECT ({body})::text AS body, {FIELDS} {source}", values)


async def ask(share: Watched, statement: Statement, claims: str = "{}") -> str | None:
    record: Record | None = await share.record(
        Beginning(Caller("anon", claims, (), "public"), read_only=True), statement, quiet=True
    )
    return None if record is None else str(record["body"])


async def together(share: Watched, *statements: Statement) -> list[str | None]:
    return await asyncio.gather(*(ask(share, statement) for statement in statements))


async def proven(share: Watched, *statements: Statement) -> None:
    """Show that these are light: until then each keeps to its like."""
    await together(share, *statements)
    share.calls.clear()


ADD, JOIN, NONE = reading("$1::int + $2::int", "3", "4"), reading("$1 || $1", "a'b"), reading("'none'")


async def test_different_statements_are_one_call(share: Watched) -> None:
    other = reading("$1::int + $2::int", "5", "6")
    for _ in range(3):
        assert await together(share, ADD, JOIN, other, NONE) == ["7", "a'ba'b", "11", "none"]
    assert share.calls == [2, 1, 1, 4, 4]


async def test_who_has_not_shown_to_be_light_keeps_to_its_like(share: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    await proven(share, ADD, JOIN)
    monkeypatch.setattr(sharing, "HEAVY", 0.0)
    monkeypatch.setattr(queueing, "HEAVY", 0.0)
    for _ in range(2):
        assert await together(share, NONE, ADD, JOIN, NONE) == ["none", "7", "a'ba'b", "none"]
    assert share.calls[:2] == [2, 2]
    assert sorted(share.calls[2:]) == [1, 1, 2]  # for now the others have shown to be heavy


async def test_each_has_its_own_claims_whatever_its_statement_is(share: Watched) -> None:
    who = [reading(f"current_setting('request.jwt.claims') || '/{number}'") for number in range(7)]
    await proven(share, *who)
    answers = await asyncio.gather(*(ask(share, who[number % 7], str(number)) for number in range(50)))
    assert answers == [f"{number}/{number % 7}" for number in range(50)]
    assert share.calls == [50]


FAILING = (
    reading("1 / $1::int", "0"),
    reading("$1::int", "x"),
    reading("a", source="FROM nothing"),
    reading("what", source="FROM forbidden"),
    reading("what"),
    reading("$1::text", "too", "many"),
    reading("act('select note(''a'')')"),
    reading("act('do $$ begin assert false; end $$')"),
)


@pytest.mark.parametrize("failing", FAILING, ids=str)
async def test_who_fails_fails_alone(share: Watched, admin: asyncpg.Connection, failing: Statement) -> None:
    await admin.execute("create table forbidden (what text)")
    await proven(share, ADD, failing, JOIN, NONE)
    for _ in range(3):
        assert await together(share, ADD, failing, JOIN, failing, NONE) == ["7", None, "a'ba'b", None, "none"]
    assert share.calls == [5] * 3


async def test_tables_may_come_and_go_between_two_calls(share: Watched, admin: asyncpg.Connection) -> None:
    make = "create table thing (what {}); insert into thing values ({}); grant select on thing to anon"
    thing = reading("what", source="FROM thing")
    assert await together(share, thing, ADD) == [None, "7"]
    for kind, value in (("int", "1"), ("text", "'one'"), ("date", "'2024-02-29'")):
        await admin.execute(make.format(kind, value))
        await together(share, thing, ADD)  # it may have to be prepared again
        assert await together(share, thing, ADD) == [value.strip("'"), "7"]
        await admin.execute("drop table thing")
        assert await together(share, thing, ADD) == [None, "7"]
    await admin.execute("create view thing as select 'seen' as what; grant select on thing to anon")
    await together(share, thing, ADD)
    assert await together(share, thing, ADD) == ["seen", "7"]


FORGET = """do $$ declare each text; begin
  for each in select name from pg_prepared_statements where name ~ '^p' loop
    execute 'deallocate ' || each;
  end loop;
end $$"""


async def test_a_connection_that_has_forgotten_statements_gets_them_again(share: Watched) -> None:
    await proven(share, ADD, JOIN, NONE, reading("act($1)", "select 1"))
    assert await together(share, ADD, JOIN) == ["7", "a'ba'b"]
    await together(share, reading("act($1)", FORGET))
    assert (await together(share, ADD, JOIN, NONE))[:2] == [None, None]
    assert await together(share, ADD, JOIN, NONE) == ["7", "a'ba'b", "none"]


async def test_who_is_slow_is_stopped_and_nobody_else(share: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MIXED_LIMIT", 0.1)
    monkeypatch.setattr(queueing, "REST_SECONDS", 60.0)
    slow = reading("pg_sleep($1::int)", "60")
    await proven(share, ADD, reading("pg_sleep($1::int)", "0"), JOIN)
    assert await together(share, ADD, slow, JOIN) == ["7", None, "a'ba'b"]
    assert share.calls == [3]
    assert await together(share, ADD, slow, JOIN) == ["7", None, "a'ba'b"]
    assert share.calls == [3, 2]


async def test_who_is_heavy_keeps_to_its_like(share: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy = reading("pg_sleep($1::float8)", "0.1")
    await proven(share, ADD, reading("pg_sleep($1::float8)", "0"), JOIN)
    monkeypatch.setattr(sharing, "HEAVY", 0.05)
    monkeypatch.setattr(queueing, "HEAVY", 0.05)
    monkeypatch.setattr(queueing, "FAR", 1000)
    monkeypatch.setattr(queueing, "REST_SECONDS", 60.0)
    for _ in range(queueing.STRIKES):
        assert await together(share, ADD, heavy, JOIN) == ["7", "", "a'ba'b"]
    assert share.calls == [3] * 3
    assert await together(share, ADD, heavy, heavy, JOIN) == ["7", "", "", "a'ba'b"]
    assert share.calls[3:] == [2, 2]


async def test_who_is_far_too_heavy_is_believed_at_once(share: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    heavy, light = reading("pg_sleep($1::float8)", "0.1"), reading("pg_sleep($1::float8)", "0")
    await proven(share, ADD, light)
    monkeypatch.setattr(sharing, "HEAVY", 0.05)
    monkeypatch.setattr(queueing, "HEAVY", 0.05)
    monkeypatch.setattr(queueing, "FAR", 1)
    monkeypatch.setattr(queueing, "REST_SECONDS", 60.0)
    for _ in range(2):
        assert await together(share, ADD, heavy, light, light) == ["7", "", "", ""]
    assert share.calls == [4, 1, 3]


async def test_who_waits_for_a_pool_that_gives_nothing_is_sent_away_with_those_before(
    share: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    await proven(share, ADD, JOIN)
    monkeypatch.setattr(queueing, "MOST_MEMBERS", 1)
    reason = PoolExhausted("Too many.")

    async def make(trip: object) -> NoReturn:
        raise reason

    monkeypatch.setattr(share._database, "make", make)
    answers = await asyncio.gather(*(ask(share, each) for each in (ADD, JOIN, ADD)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [PoolExhausted] * 3
    assert share.calls == [1]


async def test_nobody_outside_waits_for_a_call_that_takes_long(
    share: Watched, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "ENOUGH", 5)
    monkeypatch.setattr(sharing, "PATIENCE", "60s")
    await proven(share, ADD, reading("pg_advisory_xact_lock_shared($1)", "8"))
    held = "select exists (select from pg_locks where locktype = 'advisory' and not granted)"
    async with admin.transaction():
        await admin.execute("select pg_advisory_xact_lock(7)")
        waits = asyncio.create_task(ask(share, reading("pg_advisory_xact_lock_shared($1)", "7")))
        while not await admin.fetchval(held):
            await admin.execute("select pg_sleep(0.01)")
        assert await ask(share, ADD) == "7"
        assert not waits.done()
    assert await waits == ""


async def test_a_client_that_goes_away_takes_nobody_along(share: Watched) -> None:
    await proven(share, ADD, JOIN, NONE)
    tasks = [asyncio.create_task(ask(share, each)) for each in (ADD, JOIN, NONE)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert (answers[0], answers[2]) == ("7", "none")
    assert isinstance(answers[1], asyncio.CancelledError)
    assert share.calls == [2]


async def test_writes_and_other_roles_keep_to_their_like(share: Watched) -> None:
    ways = [
        Beginning(Caller(role, "{}", (), "public"), read_only=read)
        for role in ("anon", "authenticated")
        for read in (True, False)
    ]
    for _ in range(2):
        share.calls.clear()
        await asyncio.gather(*(share.record(way, each, quiet=True) for way in ways for each in (ADD, JOIN)))
    assert sorted(share.calls) == [1, 1, 1, 1, 2, 2]
