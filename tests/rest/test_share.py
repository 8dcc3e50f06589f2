"""The shared statement: whoever travels in it is answered as if alone, whatever the others do."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from pellucid.database import roundtrip
from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.database.opening import Beginning
from pellucid.database.options import DatabaseOptions
from pellucid.errors import PoolExhausted, Unavailable
from pellucid.rest import queue as queueing
from pellucid.rest import share as sharing
from pellucid.rest.compile.writer import Statement
from pellucid.rest.queue import Member, Queue
from pellucid.rest.share import Share
from tests.conftest import Clone

pytestmark = pytest.mark.anyio

ACT = """
create table done (what text, unique (what) deferrable initially deferred);
grant select, insert on done to anon, authenticated;
create function act(command text) returns text language plpgsql as $$
declare answer text;
begin
  execute command into answer;
  return answer;
end
$$;
create function note(what text) returns text language sql as $$ insert into public.done values (what) returning what $$;
create function die() returns text language sql security definer as
$$ select pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())::text $$;
"""
RECORD = (
    "SELECT act($1::text) AS body, 1::int8 AS rows, NULL::int8 AS total, NULL::text AS keys, 0::int8 AS replaced,"
    " nullif(current_setting('response.status', true), '') AS status, NULL::text AS headers"
)


class Watched(Share):
    """A share that remembers how many travelled in each call."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.calls: list[int] = []

    async def _call(self, queue: Queue, members: Sequence[Member]) -> None:
        self.calls.append(len(members))
        await super()._call(queue, members)


@pytest.fixture(params=[False, True], ids=["any", "quiet"])
def quiet(request: pytest.FixtureRequest) -> bool:
    """Whether it is the function for quiet requests that is asked."""
    return bool(request.param)


@pytest.fixture
async def share(
    admin: asyncpg.Connection, database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Watched]:
    monkeypatch.setattr(sharing, "ENOUGH", 60_000)  # however slow the machine is
    monkeypatch.setattr(sharing, "LIMIT", 60.0)
    monkeypatch.setattr(sharing, "MIXED_LIMIT", 60.0)
    monkeypatch.setattr(queueing, "HEAVY", 60.0)
    monkeypatch.setattr(queueing, "SLOW", 60.0)
    monkeypatch.setattr(queueing, "PARTS", 1)
    await admin.execute(ACT)
    await database.refresh()
    async with Watched(database) as share:
        yield share


def beginning(claims: str = "{}", role: str = "anon", path: str = "public") -> Beginning:
    return Beginning(Caller(role, claims, (("request.path", "/"),), path))


def acting(command: str) -> Statement:
    return Statement(RECORD, (command,))


async def together(share: Share, *commands: str, quiet: bool = False) -> list[str | None]:
    """What each of the commands answered in company; None where it has to be run alone."""
    records = await asyncio.gather(*(share.record(beginning(), acting(command), quiet=quiet) for command in commands))
    return [None if record is None else record["body"] for record in records]


async def test_each_sees_its_own_role_claims_and_path(share: Watched) -> None:
    command = "select current_setting('request.jwt.claims') || current_user || current_setting('search_path')"
    routes = [
        (json.dumps({"sub": n}), ("anon", "authenticated")[n % 2], ("public", "auth")[n % 3 // 2]) for n in range(60)
    ]
    qualified = Statement(RECORD.replace("act(", "public.act("), (command,))
    records = await asyncio.gather(*(share.record(beginning(*route), qualified) for route in routes))
    assert [record and record["body"] for record in records] == ["".join(route) for route in routes]
    assert sorted(share.calls) == [10, 10, 20, 20]


async def test_a_thousand_callers_are_never_mixed_up(share: Watched, quiet: bool) -> None:
    command = acting("select current_setting('request.jwt.claims')")
    records = await asyncio.gather(*(share.record(beginning(str(n)), command, quiet=quiet) for n in range(1000)))
    assert [record and record["body"] for record in records] == [str(n) for n in range(1000)]
    assert share.calls == [queueing.MOST_MEMBERS] * (1000 // queueing.MOST_MEMBERS)


LEFTOVERS = (
    ("select set_config('app.left', 'behind', true)", "select current_setting('app.left', true)", ""),
    ("select set_config('app.left', 'behind', false)", "select current_setting('app.left', true)", ""),
    ("select set_config('work_mem', '77MB', true)", "select current_setting('work_mem')", "4MB"),
    ("select set_config('role', 'service_role', true)", "select current_user::text", "anon"),
    ("select set_config('role', 'none', false)", "select current_user::text", "anon"),
    ("select set_config('search_path', 'auth', true)", "select current_setting('search_path')", "public"),
    ("create temp table t as select 'left' as a", "select to_regclass('pg_temp.t')::text", None),
    ("select nextval('steps')", "select (select count(*) from pg_sequences where lastval() > 0)::text", None),
    ("set constraints all deferred", "select note('x')", "x"),
)


async def test_nobody_finds_what_another_left(share: Watched, admin: asyncpg.Connection) -> None:
    await admin.execute("create sequence steps; grant usage on sequence steps to anon")
    for leave, look, expected in LEFTOVERS:
        answers = await together(share, leave, look)
        assert answers[1] == expected, look
    assert set(share.calls) == {2}


async def test_a_neighbour_that_fails_fails_alone(share: Watched, admin: asyncpg.Connection) -> None:
    commands = (
        "select note('a')",
        "select 1 / 0",
        "select note('a')",  # a deferred constraint
        "do $$ begin raise sqlstate 'PT402'; end $$",
        "do $$ begin assert false; end $$",
        "execute nothing",  # the very SQLSTATE that tells that a statement is not prepared yet
        "select set_config('response.status', '418', true) || note('teapot')",
        "select note('b')",
    )
    assert await together(share, *commands) == ["a", None, None, None, None, None, None, "b"]
    assert await admin.fetchval("select array_agg(what order by what) from done") == ["a", "b"]
    assert share.calls == [len(commands)]


async def test_a_quiet_neighbour_that_fails_fails_alone(share: Watched, admin: asyncpg.Connection) -> None:
    fails = (
        "select 1 / 0",
        "do $$ begin raise sqlstate 'PT402'; end $$",
        "do $$ begin assert false; end $$",
        "execute nothing",
    )
    commands = ("select note('a')", *fails, "select note('b')", "delete from nothing", "select 'c'")
    answers = await together(share, *commands, quiet=True)
    assert answers == ["a", None, None, None, None, "b", None, "c"]
    assert await admin.fetchval("select array_agg(what order by what) from done") == ["a", "b"]
    assert share.calls == [len(commands)]


async def test_claims_are_ones_own_whoever_fails_between(share: Watched) -> None:
    whose, fails = "select current_setting('request.jwt.claims')", "select 1 / 0"
    asked = [(str(n), fails if n % 3 == 1 else whose) for n in range(30)]
    records = await asyncio.gather(
        *(share.record(beginning(claims), acting(command), quiet=True) for claims, command in asked)
    )
    assert [record and record["body"] for record in records] == [None if n % 3 == 1 else str(n) for n in range(30)]
    assert share.calls == [30]


VALUES = ("", " ", "'", "''", "\\", "\\'", '"', "%L", "%", "{}", "NULL", "$1", "€", "a\nb")


async def test_values_arrive_as_they_are(share: Watched, quiet: bool) -> None:
    statement = RECORD.replace("act($1::text)", "coalesce($1::text, 'null') || '|' || coalesce($2::text, 'null')")
    asked = [(one, other) for one in (*VALUES, None) for other in (*VALUES[:4], None)]
    records = [
        await share.record(beginning(), Statement(statement, values), quiet=quiet)
        for values in asked[:: 1 if quiet else 3]
    ]
    expected = [f"{'null' if one is None else one}|{'null' if other is None else other}" for one, other in asked]
    assert [record and record["body"] for record in records] == expected[:: 1 if quiet else 3]


async def test_who_failed_is_told_nothing_of_another(database: Database, admin: asyncpg.Connection) -> None:
    """The record of a failed member has nothing in it."""
    fails = "select 1 / $1::int, 1::int8, 1::int8, 'key', 1::int8, null, null"
    common, claims = ["search_path", "public"], ["1", "2", "3"]
    any_ = ("n", fails, True, common, ["request.jwt.claims"], claims, ["1", "0", "1"], 1, "10ms", 60_000)
    prepares, calls = [f"prepare m as {fails}", None, None], [f"execute m({number})" for number in (1, 0, 1)]
    mixed = (prepares, calls, True, common, claims, "10ms", 60_000)
    for function, args in (("share", any_), ("share_mixed", mixed)):
        holes = ", ".join(f"${number}" for number in range(1, len(args) + 1))
        records = await admin.fetch(f"select * from pellucid.{function}({holes})", *args)
        assert [record["done"] for record in records] == [True, False, True]
        assert (records[1]["body"], records[1]["keys"]) == (None, None)


async def test_none_and_several_rows_are_no_answer(share: Watched, quiet: bool) -> None:
    statement = f"{RECORD} FROM generate_series(1, $2::text::int)"
    asked = (share.record(beginning(), Statement(statement, ("select 'a'", str(n))), quiet=quiet) for n in (1, 0, 2, 1))
    assert [record and record["body"] for record in await asyncio.gather(*asked)] == ["a", None, None, "a"]


async def test_who_meets_a_lock_is_sent_away_soon(share: Watched, admin: asyncpg.Connection, quiet: bool) -> None:
    async with admin.transaction():
        await admin.execute("lock table done in exclusive mode")
        waiting = ["select note('a')"] * 5
        assert await together(share, *waiting, "select 'free'", quiet=quiet) == [None] * 5 + ["free"]
    assert share.calls == [6]


async def test_a_slow_neighbour_is_stopped_and_its_like_run_alone_for_a_while(
    share: Watched, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    monkeypatch.setattr(sharing, "LIMIT", 0.1)
    monkeypatch.setattr(queueing, "REST_SECONDS", 60.0)
    others = ["a", "c"] if quiet else [None, None]  # who is quiet is stopped alone
    answers = await together(share, "select 'a'", "select pg_sleep(60)", "select note('c')", quiet=quiet)
    assert answers == [others[0], None, others[1]]
    assert await together(share, "select 'a'", quiet=quiet) == [None]
    assert share.calls == [3]


async def test_what_is_not_reached_in_time_is_run_alone(
    share: Watched, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    monkeypatch.setattr(sharing, "ENOUGH", 50)
    assert await together(share, "select pg_sleep(0.1) || 'a'", "select note('b')", quiet=quiet) == ["a", None]
    assert await admin.fetchval("select count(*) from done") == 0


async def test_a_client_that_goes_away_takes_nobody_along(share: Watched) -> None:
    tasks = [asyncio.create_task(share.record(beginning(str(n)), acting("select 'here'"))) for n in range(5)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [n == 1 for n in range(5)]
    assert share.calls == [4]


async def test_a_client_that_goes_away_under_way_cancels_only_itself(
    share: Watched, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "PATIENCE", "60s")
    waits = "select exists (select from pg_locks where not granted and relation = 'done'::regclass)"
    async with admin.transaction():
        await admin.execute("lock table done in share row exclusive mode")
        tasks = [asyncio.create_task(share.record(beginning(), acting(f"select note('{n}')"))) for n in range(2)]
        while not await admin.fetchval(waits):
            await admin.execute("select pg_sleep(0.01)")
        tasks[0].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert isinstance(answers[1], asyncpg.Record)
    assert await admin.fetchval("select count(*) from done") == 2


async def test_when_the_connection_breaks_nobody_tries_again(share: Watched, admin: asyncpg.Connection) -> None:
    answers = await asyncio.gather(
        *(share.record(beginning(), acting(each)) for each in ("select note('a')", "select die()")),
        return_exceptions=True,
    )
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert answers[0] is not answers[1]
    assert await admin.fetchval("select count(*) from done") == 0
    assert await together(share, "select 'again'") == ["again"]


async def test_who_comes_when_too_many_wait_is_sent_away(share: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "MOST_WAITING", 3)
    answers = await asyncio.gather(
        *(share.record(beginning(), acting("select 'here'")) for _ in range(5)), return_exceptions=True
    )
    assert [isinstance(answer, PoolExhausted) for answer in answers] == [False] * 3 + [True] * 2
    assert answers[3].headers == {"Retry-After": "1"}  # type: ignore[union-attr]
    assert await together(share, "select 'here'") == ["here"]


async def test_what_does_not_travel(share: Watched) -> None:
    large, odd = acting("x" * sharing.LARGE), acting("select '\0'")
    kinds = Beginning(Caller("anon"), isolation="serializable"), Beginning(Caller("anon"), commits=False)
    several = Statement(RECORD, (["a"],))
    asked = [share.record(beginning(), each) for each in (large, odd, several)]
    assert await asyncio.gather(*asked, *(share.record(kind, acting("select 1")) for kind in kinds)) == [None] * 5
    assert share.calls == []


async def test_without_the_function_everything_runs_alone(
    share: Watched, admin: asyncpg.Connection, quiet: bool
) -> None:
    await admin.execute(
        "do $$ begin execute (select string_agg(format('drop function %s', p.oid::regprocedure), ';') from pg_proc p "
        "where p.pronamespace = 'pellucid'::regnamespace and p.proname in ('share', 'share_mixed')); end $$"
    )
    assert await together(share, "select 1", "select 2", quiet=quiet) == [None, None]
    assert await together(share, "select 1", quiet=quiet) == [None]
    assert share.calls == [2]


async def test_half_of_them_leave_with_each_call(share: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "PARTS", 2)
    assert await together(share, *["select 'here'"] * 32) == ["here"] * 32
    assert share.calls == [16] * 2
    assert await together(share, "select 'alone'") == ["alone"]
    assert share.calls[2:] == [1]


async def test_prepared_statements_are_bounded(
    clone: Clone, share: Watched, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    monkeypatch.setattr(roundtrip, "MOST_KNOWN", 100)
    async with Database(DatabaseOptions(clone.dsn, pool_size=1)) as database, Share(database) as other:
        for number in range(120):
            statement = Statement(f"{RECORD} /* {number} */", ("select count(*) from pg_prepared_statements",))
            record = await other.record(beginning(), statement, quiet=quiet)
            assert record is not None
            assert int(record["body"]) <= 110
        kept = "select count(*) from pg_prepared_statements where name ~ '^p[0-9a-f]{32}$'"
        record = await other.record(beginning(), acting(kept), quiet=quiet)
        assert record is not None
        assert 50 < int(record["body"]) <= 101


async def test_only_the_role_that_logs_in_may_call_it(share: Watched, admin: asyncpg.Connection) -> None:
    functions = "pg_proc p where p.proname in ('share', 'share_mixed')"
    may = f"select count(*) filter (where has_function_privilege($1, p.oid, 'execute')) from {functions}"
    assert await admin.fetchval(may, "authenticator") == await admin.fetchval(f"select count(*) from {functions}") >= 2
    for role in ("anon", "authenticated", "service_role"):
        assert await admin.fetchval(may, role) == 0
    assert not await admin.fetchval(f"select bool_or(prosecdef) from {functions}")
