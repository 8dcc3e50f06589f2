"""``pellucid top`` as it is typed, on a real database with somebody who waits for somebody."""

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from itertools import count
from typing import Any

import asyncpg
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from pellucid.cli.dashboard import as_lines, as_tables, headline
from pellucid.cli.main import app
from pellucid.database.driver import connect
from pellucid.postgres.cluster import Cluster
from pellucid.trace.activity import Looking
from pellucid.trace.overview import Blocked, Overview, Vitals
from tests.conftest import TEMPLATE, run, within

CANARY = "c4n4ry"
HEEDING = """import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from pellucid.cli.main import main
main()"""
"""The command line, heeding Ctrl-C also where the tests run in the background and ignore it."""

numbers = count(1)


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """A database, and no event loop around: the command brings its own."""
    name = f"top_{next(numbers)}"
    asyncio.run(run(cluster.admin_dsn, f"create database {name} template {TEMPLATE}"))
    yield within(cluster.admin_dsn, name)
    asyncio.run(run(cluster.admin_dsn, f"drop database {name} with (force)"))


def top(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["top", "--interval", "0.2", *arguments])


def as_data(url: str) -> dict[str, Any]:
    result = top("--db", url, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_in_a_pipe_it_is_lines_and_ends(url: str) -> None:
    asyncio.run(run(url, f"select '{CANARY}' as word, 4711 as number"))
    result = top("--db", url, "--limit", "50")
    assert result.exit_code == 0, result.output
    assert "transactions/s" in result.stdout.splitlines()[0]
    assert "select $1 as word, $2 as number" in result.stdout
    assert "\tpellucid top\t" in result.stdout
    assert CANARY not in result.stdout
    assert "cannot be seen" not in result.stdout


def test_as_json_with_who_waits_for_whom(url: str) -> None:
    asyncio.run(run(url, "create table note (id int primary key, text text)", "insert into note values (1, 'x')"))
    found = asyncio.run(_while_somebody_waits(url))
    holder, waiter = found["blocked"]
    assert (holder["blockers"], waiter["blockers"]) == ([], [holder["process"]])
    assert waiter["application"] == "waiter"
    assert waiter["lock"] == "ShareLock on transactionid"
    assert CANARY not in json.dumps(found)
    assert [each["application"] for each in found["longest"]] == ["holder", "waiter"]
    assert {"holder", "waiter", "pellucid top"} <= {each["application"] for each in found["connections"]}


async def _while_somebody_waits(url: str) -> dict[str, Any]:
    holder = await connect(url, application_name="holder", within=10, session=())
    waiter = await connect(url, application_name="waiter", within=10, session=())
    admin = await asyncpg.connect(url)
    holding = holder.transaction()
    await holding.start()
    await holder.execute(f"update note set text = '{CANARY}'")
    waiting = asyncio.create_task(waiter.execute("update note set text = 'y'"))
    async with asyncio.timeout(60):
        while not await admin.fetchval("select count(*) from pg_locks where not granted"):
            await admin.execute("select pg_sleep(0.01)")
    found = await asyncio.to_thread(as_data, url)
    await holding.rollback()
    await waiting
    for connection in (holder, waiter, admin):
        await connection.close()
    return found


def test_replication_slots_and_dead_rows(url: str) -> None:
    asyncio.run(
        run(
            url,
            "create table note (id int, text text) with (autovacuum_enabled = false)",
            "insert into note select i, 'x' from generate_series(1, 3000) as i",
            "delete from note where id <= 2000",
            "select pg_stat_force_next_flush()",
            "select pg_create_physical_replication_slot('kept', true)",
        )
    )
    try:
        found = as_data(url)
    finally:
        asyncio.run(run(url, "select pg_drop_replication_slot('kept')"))
    assert [(each["name"], each["kind"]) for each in found["replicas"]] == [("kept", "physical slot")]
    assert found["replicas"][0]["behind"] is not None
    assert [(each["table"], each["dead"], each["live"]) for each in found["bloated"]] == [("public.note", 2000, 1000)]


def test_what_is_missing_is_told_with_its_remedy(url: str) -> None:
    asyncio.run(run(url, "drop extension pg_stat_statements"))
    limited = url.replace("//postgres@", "//authenticator@")
    found = {each["what"]: each for each in as_data(limited)["missing"]}
    assert found["statements"]["why"] == "the database lacks the extension pg_stat_statements"
    assert "shared_preload_libraries" in found["statements"]["remedy"]
    assert found["what other roles do"]["remedy"] == "grant pg_read_all_stats to authenticator;"
    result = top("--db", limited)
    assert "cannot be seen" in result.stdout


def test_without_a_history_the_rest_is_there(url: str) -> None:
    asyncio.run(run(url, "drop table pellucid.statement_history"))
    found = as_data(url)
    assert [each["what"] for each in found["missing"]] == ["the history of statements"]
    assert found["statements"]


def test_a_database_that_is_not_there(url: str) -> None:
    result = top("--db", "postgresql://nobody@/nowhere?host=/nonexistent")
    assert result.exit_code == 1


def test_rates_are_there_from_the_second_look_on(url: str) -> None:
    async def look() -> tuple[Overview, Overview]:
        connection = await asyncpg.connect(url)
        looking = Looking(connection)
        first = await looking.look()
        for _ in range(5):
            await connection.execute("select 1 as once_more")
        await connection.execute("select pg_stat_force_next_flush()")
        second = await looking.look()
        await connection.close()
        return first, second

    first, second = asyncio.run(look())
    assert first.vitals.transactions is None
    assert second.vitals.transactions is not None
    assert second.vitals.transactions >= 0
    assert all(each.rate is None for each in first.statements)


def test_on_a_terminal_it_looks_until_it_is_interrupted(url: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", HEEDING, "top", "--db", url, "--interval", "0.2"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "60"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    seen = b""
    while seen.count(b"who waits for whom") < 2:
        seen += os.read(ours, 65536)
    process.send_signal(signal.SIGINT)
    with suppress(OSError):  # the end of a terminal that nobody holds any more
        while data := os.read(ours, 65536):
            seen += data
    assert process.wait() == 0
    assert b"Traceback" not in seen
    assert seen.endswith(b"\x1b[?1049l")
    os.close(ours)


# -- the drawing ------------------------------------------------------------------------------------------------------

VITALS = Vitals("shop", "18.1", "postgres", 3 << 20, 7, 200, standby=False, hit=0.995, transactions=12.5, log=2048.0)
WAITING = (
    Blocked(1, "holder", "idle in transaction", "", 9.0, "update a"),
    Blocked(2, "next", "active", "ShareLock on transactionid", 5.0, "update b", (1,)),
    Blocked(3, "last", "active", "ExclusiveLock on a", 4.0, "update \x1b[2J c", (2,)),
)


def test_a_tree_of_those_who_wait() -> None:
    lines = list(as_lines(Overview(0.0, VITALS, blocked=WAITING)))
    start = lines.index("who waits for whom")
    assert [each.partition("\t")[0] for each in lines[start + 2 : start + 5]] == [
        "1 holder",
        "  └ 2 next",
        "    └ 3 last",
    ]


def test_a_circle_ends() -> None:
    circle = (Blocked(1, "a", "active", "x", 1.0, "", (2,)), Blocked(2, "b", "active", "x", 1.0, "", (1,)))
    assert len(list(as_lines(Overview(0.0, VITALS, blocked=circle)))) < 60


def test_a_terminal_gets_tables_and_nothing_commands_it() -> None:
    console = Console(width=100, record=True, file=StringIO())
    console.print(as_tables(Overview(0.0, VITALS, blocked=WAITING)))
    text = console.export_text()
    assert "\x1b[2J" not in text
    assert "nobody waits" not in text
    assert "no replicas and no slots" in text
    assert headline(VITALS) == (
        "shop on PostgreSQL 18.1 · 3.0 MiB · 7 of 200 connections · 99.5 % of pages in memory · 12.5 transactions/s · 2.0 KiB/s of log"
    )
