"""Where a right or an extension is missing the rest is seen all the same, and what is missing is told with its remedy."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pellucid.database.bootstrap import bootstrap
from pellucid.database.capabilities import Feature
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.database.provisions import PLANS
from pellucid.trace.witness import Lookout, Watcher
from tests.conftest import Clone, run
from tests.trace.looking import looked_at, lookout_at, request

TABLE = "create table note (id int primary key, text text); grant all on note to anon"
INSERT = ("insert into note values ($1, $2)", 1, "x")


GRANTED = f"set on parameter {', '.join(PLANS)}"


@pytest.fixture
async def limited(clone: Clone, admin: asyncpg.Connection) -> AsyncIterator[Database]:
    """A database that is somebody else's: the one role that there is may act as anon, and no more."""
    await admin.execute(
        f"revoke {GRANTED} from authenticator; grant select on pellucid.alembic_version to authenticator"
    )
    await admin.execute(TABLE)
    try:
        async with Database(DatabaseOptions(clone.dsn), await bootstrap(clone.dsn)) as database:
            yield database
    finally:
        await admin.execute(f"grant {GRANTED} to authenticator")


def told(watcher: Watcher) -> dict[str, tuple[str, str]]:
    return {missing.what: (missing.why, missing.remedy) for missing in watcher.missing}


async def test_a_role_without_rights(limited: Database) -> None:
    assert limited.capabilities.lacking(Feature.PLANS) is not None
    async with lookout_at(limited) as lookout, looked_at(lookout) as watcher:
        await request(limited, INSERT)
    (statement,) = watcher.statements
    assert statement.estimated
    assert statement.plan is not None
    assert statement.plan["Plan"]["Operation"] == "Insert"
    assert statement.planning is not None
    assert ("public.note", "RowExclusiveLock") in {(lock.relation, lock.mode) for lock in statement.locks}
    missing = told(watcher)
    why, remedy = missing["plans of statements as they ran"]
    assert why == "the database lacks leave for authenticator to ask for plans"
    assert remedy.startswith("grant set on parameter auto_explain.log_min_duration")
    assert missing["records of the write-ahead log"][0].startswith(
        "permission denied for function pg_get_wal_records_info"
    )
    remedy = "grant execute on function pellucid.pg_get_wal_records_info to authenticator;"
    assert missing["records of the write-ahead log"][1] == remedy
    (commit,) = watcher.commits
    assert commit.records == ()
    assert commit.xid is not None


async def test_the_remedies_help(limited: Database, clone: Clone, admin: asyncpg.Connection) -> None:
    for missing in limited.capabilities.missing:
        if missing.off is Feature.PLANS:
            await admin.execute(missing.needs)
    await admin.execute("grant execute on function pellucid.pg_get_wal_records_info to authenticator")
    capabilities = await bootstrap(limited.options.dsn)
    assert capabilities.lacking(Feature.PLANS) is None
    async with (
        Database(limited.options, capabilities) as database,
        lookout_at(database) as lookout,
        looked_at(lookout) as watcher,
    ):
        await request(database, INSERT)
    assert not watcher.statements[0].estimated
    assert [record.kind.removesuffix("+INIT") for record in watcher.commits[0].records][:1] == ["INSERT"]
    assert set(told(watcher)) == {"pages"}
    assert told(watcher)["pages"][0] == "must be superuser to use raw page functions"


async def test_a_database_without_the_extensions(clone: Clone, admin: asyncpg.Connection) -> None:
    await run(clone.admin_dsn, TABLE)
    await admin.execute("drop extension pageinspect; drop extension pg_freespacemap")
    async with Database(DatabaseOptions(clone.dsn, clone.admin_dsn)) as database, lookout_at(database) as lookout:
        async with looked_at(lookout) as watcher:
            await request(database, INSERT)
        assert told(watcher)["pages"] == (
            "the database lacks the extension pageinspect",
            "create extension pageinspect;",
        )
        (place,) = watcher.commits[0].places
        assert (place.table, place.page, place.picture) == ("public.note", 0, "")
        await admin.execute("drop extension pg_walinspect")
    async with Database(DatabaseOptions(clone.dsn, clone.admin_dsn)) as database, lookout_at(database) as lookout:
        async with looked_at(lookout) as watcher:
            await request(database, ("insert into note values (2, 'y')",))
        assert set(told(watcher)) == {"records of the write-ahead log"}
        assert watcher.commits[0].places == ()


async def test_a_lookout_that_cannot_connect_disturbs_nobody(
    database: Database, clone: Clone, admin: asyncpg.Connection
) -> None:
    await run(clone.admin_dsn, TABLE)
    await database.refresh()
    lookout = Lookout(database.options, clone.admin_dsn.replace("//postgres@", "//nobody@"), database.capabilities)
    async with looked_at(lookout) as watcher:
        await request(database, INSERT)
    assert await admin.fetchval("select count(*) from note") == 1
    assert watcher.statements[0].plan is not None
    assert {"locks", "policies", "the position in the write-ahead log"} <= set(told(watcher))
    assert watcher.commits == ()
    await lookout.close()


async def test_whatever_is_not_there_is_missed_once(
    database: Database, clone: Clone, admin: asyncpg.Connection
) -> None:
    await run(clone.admin_dsn, TABLE)
    await admin.execute("drop extension pg_walinspect")
    async with lookout_at(database) as lookout, looked_at(lookout) as watcher:
        await request(database, INSERT)
        await request(database, ("insert into note values (2, 'y')",))
    assert [missing.what for missing in watcher.missing] == ["records of the write-ahead log"]


async def test_plans_that_do_not_come_are_missed(limited: Database) -> None:
    """Nobody knew at the start that the settings would be refused."""
    async with Database(limited.options) as database, lookout_at(database) as lookout, looked_at(lookout) as watcher:
        await request(database, INSERT)
    assert watcher.statements[0].estimated
    assert told(watcher)["plans of statements as they ran"] == (
        "PostgreSQL sent none",
        "see that session_preload_libraries has auto_explain in it, and start again",
    )


async def test_nothing_is_looked_up_where_others_may_make_things(database: Database) -> None:
    async with lookout_at(database) as lookout:
        assert (await lookout.ask("show search_path"))[0][0] == "pg_catalog, pg_temp"
