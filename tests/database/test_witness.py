"""A witness sees each transaction at fixed points, and cannot disturb it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.database.driver import Connection
from pellucid.database.opening import Beginning
from pellucid.database.sqlstate import condition
from pellucid.database.witness import witness
from pellucid.errors import BrokenReference, Duplicate
from pellucid.observe import Stage, listen, unlisten
from tests.database.conftest import checked_out

pytestmark = pytest.mark.usefixtures("notes")
ANON = Caller("anon")
SEEN = "select current_user || ' ' || coalesce(current_setting('app.seen', true), 'nothing')"


class Diary:
    """Writes down what it is called for; fails where it is told to, in one of two ways."""

    def __init__(self, *settings: tuple[str, str], failing: str = "", fault: str = "select 1/0") -> None:
        self.settings: Sequence[tuple[str, str]] = settings
        self.lines: list[str] = []
        self.failing = failing
        self.fault = fault
        self.fails = asyncio.Event()

    async def _write(self, point: str, driver: Connection, line: str) -> None:
        self.lines.append(line)
        if point == self.failing:
            self.fails.set()
            await driver.fetch(self.fault)

    async def opened(self, driver: Connection) -> None:
        await self._write("opened", driver, f"opened {await driver.fetchval(SEEN)}")

    async def stated(self, driver: Connection, sql: str, args: Sequence[Any], rows: int | None) -> None:
        await self._write("stated", driver, f"stated {sql} {tuple(args)} {rows}")

    async def failed(self, driver: Connection, sql: str, args: Sequence[Any], fault: Exception) -> None:
        await self._write("failed", driver, f"failed {sql} {tuple(args)} {condition(fault)}")

    async def ending(self, driver: Connection) -> None:
        await self._write("ending", driver, "ending")

    async def ended(self, driver: Connection, *, committed: bool) -> None:
        open_still = driver.is_in_transaction()
        await self._write("ended", driver, f"ended {committed} {open_still}")


@contextmanager
def attending(diary: Diary) -> Iterator[Diary]:
    token = witness.set(diary)
    try:
        yield diary
    finally:
        witness.reset(token)


INSERT = "insert into note values (1, $1) returning id"


async def test_it_sees_a_transaction_of_the_data_path(database: Database, admin: asyncpg.Connection) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        async with database.transaction(ANON, read_only=False) as transaction:
            await transaction.fetch(INSERT, "one")
        assert diary.lines == ["opened anon it", f"stated {INSERT} ('one',) 1", "ending", "ended True False"]
        assert await admin.fetchval("select count(*) from note") == 1


async def test_it_sees_a_rollback_and_what_runs_first(database: Database) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        async with database.begin(Beginning(ANON, first="select 7", commits=False)) as transaction:
            await transaction.fetch("select 8")
        assert diary.lines[1:] == ["stated select 7 () 1", "stated select 8 () 1", "ending", "ended False False"]


async def test_it_sees_sessions_and_each_of_their_transactions(database: Database) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        async with database.write(ANON) as session:
            await session.execute(text("insert into note values (:id, :text)"), {"id": 1, "text": "one"})
            await session.commit()
            await session.execute(text("select id from note"))
        first = ["opened anon it", "stated insert into note values ($1, $2) (1, 'one') 1", "ending", "ended True False"]
        second = ["opened anon it", "stated select id from note () 1", "ending", "ended True False"]
        assert diary.lines == [*first, *second]


async def test_it_sees_a_session_that_only_reads_end(database: Database) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        async with database.read(ANON) as session:
            await session.execute(text("select id from note"))
        assert diary.lines[-2:] == ["ending", "ended False False"]
        assert checked_out(database) == 0


async def test_a_statement_that_fails_is_not_asked_about(database: Database) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:

        async def fails() -> None:
            async with database.transaction(ANON, read_only=False) as transaction:
                await transaction.fetch("insert into note values (1, 'one')")
                await transaction.fetch("insert into note values (1, 'one')")

        with pytest.raises(Duplicate):
            await fails()
        assert [line.split()[0] for line in diary.lines] == ["opened", "stated", "failed", "ended"]
        with pytest.raises(Duplicate):
            async with database.write(ANON) as session:
                await session.execute(text("insert into note values (1), (1)"))
        assert [line.split()[0] for line in diary.lines[4:]] == ["opened", "failed", "ended"]
        assert [line.rpartition(" ")[2] for line in diary.lines if line.startswith("failed")] == ["(23505)", "(23505)"]


async def test_a_commit_that_fails_is_seen_as_none(database: Database) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:

        async def fails() -> None:
            async with database.transaction(ANON, read_only=False) as transaction:
                await transaction.fetch("insert into note values (1, 'one', 99)")

        with pytest.raises(BrokenReference):
            await fails()
        assert diary.lines[-1] == "ended False False"


@pytest.mark.parametrize("point", ["opened", "stated", "ending", "ended"])
@pytest.mark.parametrize("fault", ["select 1/0", "begin; select 1/0", "no sql"])
async def test_its_faults_are_its_own(database: Database, admin: asyncpg.Connection, point: str, fault: str) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        diary.failing, diary.fault = point, fault
        async with database.transaction(ANON, read_only=False) as transaction:
            await transaction.fetch(INSERT, "one")
            await transaction.fetch("select 1")
        async with database.write(ANON) as session:
            await session.execute(text("insert into note values (2)"))
            await session.execute(text("select 1"))
        assert await admin.fetchval("select count(*) from note") == 2
        assert len(diary.lines) == 2 * 5
    async with database.transaction(ANON, read_only=True) as transaction:
        assert (await transaction.fetch(SEEN))[0][0].strip() in ("anon", "anon nothing")


@pytest.mark.parametrize("setting", [("log_min_duration_statement", "0"), ("work_mem", "much")])
async def test_settings_that_are_refused_are_left_out(database: Database, setting: tuple[str, str]) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        diary.settings = (setting,)
        async with database.transaction(ANON, read_only=True) as transaction:
            assert len(await transaction.fetch("select 1")) == 1
        async with database.read(ANON) as session:
            assert await session.scalar(text("select 1")) == 1
        assert len(diary.lines) == 8


async def test_a_cancellation_while_it_looks_leaves_nothing_open(database: Database) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        diary.failing, diary.fault = "stated", "select pg_sleep(60)"
        for work in (_in_transaction, _in_session):
            task = asyncio.create_task(work(database))
            async with asyncio.timeout(60):
                await diary.fails.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            diary.fails.clear()
        assert checked_out(database) == 0


async def _in_transaction(database: Database) -> None:
    async with database.transaction(ANON, read_only=True) as transaction:
        await transaction.fetch("select 1")


async def _in_session(database: Database) -> None:
    async with database.read(ANON) as session:
        await session.execute(text("select 1"))


async def test_its_looking_is_told_as_such(database: Database) -> None:
    with attending(Diary(("app.seen", "it"))) as diary:
        recording, listening = listen()
        await _in_transaction(database)
        unlisten(listening)
        points = [span.facts["point"] for span in recording.spans if span.stage is Stage.TRACE]
        assert points[1:] == [line.split()[0] for line in diary.lines] == ["opened", "stated", "ending", "ended"]
        assert points[0] == "settings"


async def test_what_is_set_for_it_is_not_told_as_the_sessions_own(database: Database) -> None:
    for work in (_in_transaction, _in_session):
        recording, listening = listen()
        await work(database)
        alone = len([span for span in recording.spans if span.stage is Stage.SESSION])
        unlisten(listening)
        with attending(Diary(("app.seen", "it"))):
            recording, listening = listen()
            await work(database)
            assert len([span for span in recording.spans if span.stage is Stage.SESSION]) == alone
            unlisten(listening)
