"""The verdict, on traces of what PostgreSQL really did."""

import asyncio
import time
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

from pellucid import Pellucid, ReadSession, WriteSession
from pellucid.observe import Stage
from pellucid.trace.document import Commit, Finding, Lock, Reason, Row, Statement, Trace
from pellucid.trace.plans import nodes_of
from pellucid.trace.verdict import findings_of
from tests.conftest import Clone
from tests.trace.place import Place, opened

LARGE = """
create table large (id int primary key, owner text, mine uuid, kind int, other int, body text);
insert into large select n, 'owner ' || n, null, n % 20, n % 20, repeat('x', 50) from generate_series(1, 60000) n;
analyze large;
grant select, update on large to anon, authenticated, service_role;
create table guarded (id int primary key, owner uuid, text text);
insert into guarded select n, null, 'x' from generate_series(1, 60000) n;
analyze guarded;
alter table guarded enable row level security;
create policy own on guarded using (owner = auth.uid());
grant select on guarded to anon, authenticated;
"""


def with_routes(app: Pellucid) -> None:
    @app.get("/blocking")
    async def blocking() -> dict[str, object]:
        time.sleep(0.08)  # noqa: ASYNC251 - this is what is to be found
        return {}

    @app.get("/spills")
    async def spills(session: ReadSession) -> dict[str, object]:
        await session.execute(text("set local work_mem = '64kB'"))
        rows = await session.execute(text("select body || id from large order by body || owner limit 60000"))
        return {"rows": len(rows.all())}

    @app.get("/misled")
    async def misled(session: ReadSession) -> dict[str, object]:
        statement = text("select count(*) from large a join large b on a.id = b.id where a.kind = :k and a.other = :k")
        return {"count": (await session.execute(statement, {"k": 7})).scalar()}

    @app.post("/touch")
    async def touch(session: WriteSession) -> dict[str, object]:
        await session.execute(text("update large set kind = 1 where id = :id"), {"id": 1})
        return {}


async def found(place: Place, code: str, method: str, path: str) -> Finding:
    _, trace = await place.traced(method, path)
    for finding in trace.findings:
        if finding.code == code:
            return finding
    raise AssertionError([(each.code, each.what) for each in trace.findings], trace.missing)


async def test_what_plans_tell(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, build=with_routes) as place:
        await place.run(clone, LARGE)
        await place.let_go()
        assert place.app.data is not None
        await place.app.data.database.refresh()
        scan = await found(place, "sequential-scan", "GET", "/large?owner=eq.owner 7&select=id")
        assert (scan.what, "59,999" in scan.because or "60,000" in scan.because) == (
            "PostgreSQL read the whole table public.large.",
            True,
        )
        assert "index" in scan.do
        assert "(owner)" in scan.do
        assert "cost falls from" in scan.gain
        called = await found(place, "policy-per-row", "GET", "/guarded?select=id")
        assert "(select " in called.do
        assert called.what == "auth.uid() was called for each row of public.guarded."
        assert "(owner = auth.uid())" in called.because
        pattern = await found(place, "sequential-scan", "GET", "/large?owner=like.*ner 77*&select=id")
        assert pattern.do.endswith("using gin (owner gin_trgm_ops);")
        anchored = await found(place, "sequential-scan", "GET", "/large?owner=like.owner 77*&select=id")
        assert anchored.do == "create index concurrently on public.large (owner text_pattern_ops);"
        assert (await found(place, "spilled", "GET", "/spills")).do.startswith("Ask for fewer rows")
        _, limited = await place.traced("GET", "/large?kind=eq.7&order=body.desc&limit=5")
        assert "misestimate" not in [each.code for each in limited.findings]
        misled = await found(place, "misestimate", "GET", "/misled")
        assert "there were 3,000" in misled.what
        assert misled.do == "analyze public.large;"
        assert (await found(place, "large-answer", "GET", "/large?select=*")).what.startswith("The answer has ")


async def test_a_lock_and_its_holder(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, build=with_routes) as place:
        await place.run(clone, LARGE)
        await place.run(clone, "begin; update large set kind = 2 where id = 1")
        asking = asyncio.create_task(found(place, "lock-wait", "POST", "/touch"))
        watching = await clone_connection(clone)
        async with asyncio.timeout(60):
            while not await watching.fetchval("select count(*) from pg_locks where not granted"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # for the lock to be seen by whoever samples
        await place.let_go()
        finding = await asking
        await watching.close()
    assert "update large set kind" in finding.because


@pytest.mark.parametrize("how", ["full", "light"])
async def test_a_lock_that_was_not_given_is_told_with_the_statement(clone: Clone, tmp_path: Path, how: str) -> None:
    async with opened(clone, tmp_path) as place:
        await place.run(clone, LARGE)
        assert place.app.data is not None
        await place.app.data.database.refresh()
        await place.run(clone, "begin; lock table large")
        answer, trace = await place.traced("PATCH", "/large?id=eq.1", how=how, json={"kind": 3})
        await place.let_go()
    assert answer.status_code == 409
    failed = next(each for each in trace.findings if each.code == "statement-failed")
    assert "lock not available (55P03)" in failed.what
    if how == "full":
        assert [each.failed for each in trace.statements] == ["lock not available (55P03)"]
        (lock,) = trace.statements[0].locks
        assert (lock.relation, lock.granted) == ("public.large", False)
        assert "lock table large" in next(each for each in trace.findings if each.code == "lock-wait").because


async def test_a_loop_that_stands_still(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, build=with_routes) as place:
        finding = await found(place, "loop-blocked", "GET", "/blocking")
        assert "stood still" in finding.what


async def test_a_password_hash_is_slow_on_purpose(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path) as place:
        _, trace = await place.traced(
            "POST", "/signup", json={"email": "a@example.com", "password": "an engine of brass"}
        )
        slow = next(each for each in trace.findings if each.code == "slow-identity")
        assert "slow on purpose" in slow.because
        assert slow.do.startswith("Nothing")
        _, trace = await place.traced(
            "POST", "/login", json={"email": "a@example.com", "password": "an engine of brass"}
        )
        assert next(each for each in trace.findings if each.code == "slow-identity").do.startswith("Sign in once")


async def test_a_table_that_is_made_on_the_way(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path) as place:
        _, trace = await place.traced("POST", "/brand_new", json={"name": "a"})
        made = next(each for each in trace.findings if each.code == "table-made")
        assert made.what.startswith("Making the table public.brand_new took ")
        assert trace.findings[0] is made


async def clone_connection(clone: Clone) -> asyncpg.Connection:
    return await asyncpg.connect(clone.admin_dsn)


# -- without a database -----------------------------------------------------------------------------------------------


def trace_of(
    *rows: Row, seconds: float = 0.1, statements: tuple[Statement, ...] = (), commits: tuple[Commit, ...] = ()
) -> Trace:
    return Trace(
        "0" * 32, "0" * 16, None, "id", Reason.ASKED, "GET", "/x", "/{table}", 200, "anon", None, 1, 0.0, seconds, 0.0, rows,
        statements, commits,
    )  # fmt: skip


def test_the_first_finding_says_where_most_of_the_time_went() -> None:
    trace = trace_of(Row(Stage.PLAN, 0, 0.01), Row(Stage.EXECUTE, 0.01, 0.05), Row(Stage.TRACE, 0.06, 0.04))
    (most,) = findings_of(trace)
    assert (most.code, most.what) == ("most", "Most of the time was execute: 50.0 ms of 60.0 ms (83 %).")
    assert findings_of(trace_of()) == ()


def test_the_first_finding_gives_no_reason_that_lies_elsewhere() -> None:
    copied = Row(Stage.EXECUTE, 0, 0.08)
    waited = Row(Stage.POOL, 0.08, 0.02, {"waited": True})
    listing = Row(Stage.SERVER, 0.1, 0.0, {"siblings": 7})
    most, *others = findings_of(trace_of(copied, waited, listing))
    assert most.what.startswith("Most of the time was execute")
    assert most.because == "Nothing in it stands out."
    small, *_ = findings_of(trace_of(Row(Stage.EXECUTE, 0, 0.004), Row(Stage.PLAN, 0, 0.003), seconds=0.01))
    assert (small.what, small.do) == ("The largest part of the time was execute: 4.00 ms of 10.0 ms (40 %).", "")
    assert most.do == "Look at the statement and its plan."
    assert [(each.code, each.share) for each in others] == [
        ("pool-starvation", pytest.approx(0.2)),
        ("n-plus-one-requests", 0.0),
    ]


def test_a_read_does_not_wait_for_the_log() -> None:
    began = Row(Stage.SESSION, 0.0, 0.001, {"access": "read only"})
    assert [each.code for each in findings_of(trace_of(began, Row(Stage.COMMIT, 0.01, 0.09)))] == ["most"]
    began = Row(Stage.SESSION, 0.0, 0.001, {"access": "read write"})
    assert [each.code for each in findings_of(trace_of(began, Row(Stage.COMMIT, 0.01, 0.09)))] == ["slow-commit"]


def test_what_explains_most_of_the_time_comes_next_and_nothing_is_said_twice() -> None:
    proved = trace_of(Row(Stage.IDENTITY, 0, 0.09, {"work": "password check"}), Row(Stage.PLAN, 0.09, 0.01))
    assert [each.code for each in findings_of(proved)] == ["slow-identity"]
    held = Statement("select 1", seconds=0.09, locks=(Lock("relation", "X", "t", True, 0.08, ("process 1",)),))
    most, why = findings_of(trace_of(Row(Stage.EXECUTE, 0, 0.09), statements=(held,)))
    assert (most.code, most.because, most.do, why.code) == ("most", "", "", "lock-wait")


def test_processes_side_by_side_take_their_time_once() -> None:
    measured = {"Actual Total Time": 50.0, "Actual Rows": 9, "Plan Rows": 9}
    scan = {"Node Type": "Seq Scan", "Actual Loops": 3, "Parent Relationship": "Outer", **measured}
    before = {"Node Type": "Result", "Actual Loops": 1, "Parent Relationship": "InitPlan", **measured}
    top = {"Node Type": "Gather", "Workers Launched": 2, "Actual Loops": 1, **measured, "Actual Total Time": 110.0}
    gather, first, inner = nodes_of({"Plan": top | {"Plans": [before, scan]}})
    assert [gather.seconds, first.seconds, inner.seconds] == pytest.approx([0.11, 0.05, 0.05])
    assert gather.own == pytest.approx(0.01)
    assert inner.rows == 27


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("slow-commit", Row(Stage.COMMIT, 0.0, 0.05)),
        ("replica-behind", Row(Stage.SESSION, 0.0, 0.05, {"replica_wait": 0.05})),
        ("loop-blocked", Row(Stage.SERVER, 0.0, 0.05, {"wait": 0.05})),
        ("slow-identity", Row(Stage.IDENTITY, 0.0, 0.05, {"signature": "checked"})),
        ("large-answer", Row(Stage.RESPOND, 0.0, 0.05, {"body_bytes": 3 << 20})),
        ("n-plus-one-requests", Row(Stage.SERVER, 0.0, 0.05, {"siblings": 7, "listed": True})),
        ("pool-starvation", Row(Stage.EXECUTE, 0.0, 0.09, {"pool_seconds": 0.06, "pool_waited": True, "pool_holders": "GET /x"})),
    ],
)  # fmt: skip
def test_what_a_row_tells(code: str, row: Row) -> None:
    assert code in [finding.code for finding in findings_of(trace_of(row))]
    calm = Row(row.stage, row.start, 0.0001)
    assert code not in [finding.code for finding in findings_of(trace_of(calm))]
