"""The data path: one transaction on the driver's own connection."""

import asyncio

import asyncpg
import pytest

from pellucid.database.caller import Caller
from pellucid.database.catalog.model import EMPTY, Catalog
from pellucid.database.change import Change
from pellucid.database.core import Database
from pellucid.database.driver import Connection, connect
from pellucid.database.opening import Beginning, opening
from pellucid.database.options import DatabaseOptions
from pellucid.errors import (
    BrokenReference,
    DatabaseError,
    Denied,
    Duplicate,
    FeatureOff,
    Interrupted,
    InvalidValue,
    ReadOnly,
    StatementRefused,
    Unavailable,
)
from pellucid.observe import Stage, listen, unlisten
from tests.conftest import Clone
from tests.database.conftest import checked_out, quiet

pytestmark = pytest.mark.usefixtures("notes")
ANON = Caller("anon")
WHO = "select current_user, current_setting('request.jwt.claims', true), current_setting('statement_timeout')"


async def one(database: Database, sql: str, *args: object, caller: Caller = ANON, read_only: bool = False) -> object:
    async with database.transaction(caller, read_only=read_only) as transaction:
        rows = await transaction.fetch(sql, *args)
    return rows[0][0] if rows else None


async def test_it_opens_with_role_claims_settings_and_the_time_limits_of_the_role(database: Database) -> None:
    caller = Caller("authenticated", '{"sub":"1","text":"a \'quoted\' \\\\ word"}', (("request.path", "/note"),))
    async with database.transaction(caller, read_only=True) as transaction:
        row = (await transaction.fetch(WHO + ", current_setting('request.path'), current_setting('lock_timeout')"))[0]
    assert tuple(row) == ("authenticated", caller.claims, "8s", "/note", "4s")


async def test_leaving_the_block_commits(database: Database, admin: asyncpg.Connection) -> None:
    await one(database, "insert into note values ($1, $2)", 1, "one")
    assert await admin.fetchval("select text from note") == "one"


async def test_an_exception_rolls_back(database: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(KeyError):  # noqa: PT012 - it is leaving the block that raises
        async with database.transaction(ANON, read_only=False) as transaction:
            await transaction.fetch("insert into note values (1)")
            raise KeyError
    assert await admin.fetchval("select count(*) from note") == 0
    assert await one(database, "select 1") == 1


async def test_rollback_only_keeps_nothing_and_still_checks_deferred_constraints(
    database: Database, admin: asyncpg.Connection
) -> None:
    async with database.transaction(ANON, read_only=False) as transaction:
        transaction.rollback_only()
        assert len(await transaction.fetch("insert into note values (1) returning id")) == 1
    with pytest.raises(BrokenReference):  # noqa: PT012 - it is leaving the block that raises
        async with database.transaction(ANON, read_only=False) as transaction:
            transaction.rollback_only()
            await transaction.fetch("insert into note values (1, 'one', 99)")
    assert await admin.fetchval("select count(*) from note") == 0
    await quiet(admin)
    assert checked_out(database) == 0


async def test_a_commit_that_fails_is_an_error(database: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(BrokenReference) as caught:
        await one(database, "insert into note values (1, 'one', 99)")
    assert caught.value.faults[0].field == "parent"
    assert await admin.fetchval("select count(*) from note") == 0


async def test_an_error_that_somebody_swallowed_is_no_commit(database: Database) -> None:
    with pytest.raises(DatabaseError) as caught:  # noqa: PT012 - it is leaving the block that raises
        async with database.transaction(ANON, read_only=False) as transaction:
            await transaction.fetch("insert into note values (1)")
            with pytest.raises(Duplicate):
                await transaction.fetch("insert into note values (1)")
    assert caught.value.sqlstate == "25P02"
    assert await one(database, "select count(*) from note") == 0


async def test_a_reader_cannot_write_whatever_it_tries(database: Database) -> None:
    with pytest.raises(ReadOnly):
        await one(database, "insert into note values (1)", read_only=True)
    for way in ("select set_config('transaction_read_only', 'off', true)", "set transaction read write"):
        with pytest.raises(DatabaseError):
            await one(database, way, read_only=True)


async def test_errors_are_translated_and_the_connection_serves_on(database: Database) -> None:
    await one(database, "insert into note values (1, 'one')")
    with pytest.raises(Duplicate):
        await one(database, "insert into note values (2, 'one')")
    with pytest.raises(InvalidValue):
        await one(database, "select $1::int", "seven")
    with pytest.raises(Denied):
        await one(database, "select * from auth.passwords")
    with pytest.raises(Interrupted):  # noqa: PT012 - it is leaving the block that raises
        await one(database, "select set_config('statement_timeout', '1ms', true), pg_sleep(0)")
        async with database.transaction(ANON, read_only=True) as transaction:
            await transaction.fetch("select set_config('statement_timeout', '1ms', true)")
            await transaction.fetch("select pg_sleep(250)")
    assert await one(database, "select count(*) from note") == 1
    assert checked_out(database) == 0


async def test_a_statement_prepared_before_a_change_of_the_schema_is_prepared_again(
    database: Database, admin: asyncpg.Connection
) -> None:
    await one(database, "insert into note values (1, '7')")
    reading, writing = (
        "select text from note where id = $1",
        "update note set text = text || '0' where id = $1 returning text",
    )
    assert await one(database, reading, 1) == "7"
    assert await one(database, writing, 1) == "70"
    await admin.execute("alter table note alter text type int using text::int")
    assert await one(database, reading, 1) == 70
    await admin.execute("alter table note alter text type text")
    assert await one(database, writing, 1) == "700"


async def test_a_type_that_was_made_anew_is_no_error(database: Database, admin: asyncpg.Connection) -> None:
    for labels in ("('a', 'b')", "('c', 'd')"):
        await admin.execute(f"drop table if exists t; drop type if exists mood; create type mood as enum {labels}")
        await admin.execute("create type pair as (x int, m mood)" if labels == "('a', 'b')" else "select 1")
        await admin.execute("create table t (m mood); grant select, insert on t to anon")
        await one(database, "insert into t values ($1::text::mood)", labels[2])
        assert await one(database, "select m from t") == labels[2]
        await admin.execute("drop type pair" if labels == "('a', 'b')" else "select 1")


@pytest.mark.parametrize("role", ["none", "authenticator", "postgres", "pg_read_all_data", "nobody", "", "anon\x00"])
async def test_a_role_that_no_request_may_take_is_refused(database: Database, role: str) -> None:
    with pytest.raises(Denied) as caught:
        database.transaction(Caller(role), read_only=True)
    assert caught.value.sqlstate == "22023"


async def test_a_commit_whose_answer_never_came_says_so(database: Database, admin: asyncpg.Connection) -> None:
    with pytest.raises(Unavailable) as caught:  # noqa: PT012 - it is leaving the block that raises
        async with database.transaction(ANON, read_only=False) as transaction:
            pid = (await transaction.fetch("select pg_backend_pid()"))[0][0]
            await admin.execute("select pg_terminate_backend($1, 5000)", pid)
    assert "committed" in caught.value.message
    assert await one(database, "select 1") == 1


async def test_each_stage_is_observed(database: Database) -> None:
    recording, token = listen()
    try:
        await one(database, "select 1")
    finally:
        unlisten(token)
    stages = [span.stage for span in recording.spans]
    assert stages == [Stage.POOL, Stage.SESSION, Stage.EXECUTE, Stage.COMMIT]
    assert all(span.ended for span in recording.spans)


async def test_production_changes_no_schema(database: Database) -> None:
    async with database.change(
        Beginning(ANON), Change(("create table public.made (id int)", "grant select on public.made to anon"))
    ) as transaction:
        assert await transaction.fetch("select * from public.made") == []
    assert (await database.refresh()).table("public", "made")
    with pytest.raises(DatabaseError):
        async with database.change(
            Beginning(ANON), Change(("create table public.second (id int)", "create table public.made (id int)"))
        ):
            pass
    assert not (await database.refresh()).table("public", "second")
    sealed = Database(type(database.options)(database.options.dsn))
    with pytest.raises(FeatureOff):
        sealed.change(Beginning(ANON), Change(("select 1",)))


async def test_json_goes_to_and_fro_as_text(database: Database) -> None:
    for kind in ("json", "jsonb"):
        assert await one(database, f"select $1::text::{kind}::text", '{"a": 1}') == '{"a": 1}'


async def test_after_a_statement_that_timed_out_nothing_is_committed(
    database: Database, admin: asyncpg.Connection
) -> None:
    with pytest.raises(Unavailable):  # noqa: PT012 - it is leaving the block that raises
        async with database.transaction(ANON, read_only=False) as transaction:
            await transaction.fetch("insert into note values (1)")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await transaction.fetch("select pg_sleep(250)")
    assert await admin.fetchval("select count(*) from note") == 0
    await quiet(admin)
    assert checked_out(database) == 0


async def test_what_a_caller_leaves_in_the_session_is_gone_though_the_next_transaction_rolls_back(clone: Clone) -> None:
    async with Database(DatabaseOptions(clone.dsn, pool_size=1)) as database:
        async with database.transaction(Caller("anon"), read_only=False) as transaction:
            await transaction.fetch(
                "select set_config('default_transaction_read_only', 'on', false), pg_advisory_lock(1)"
            )
        with pytest.raises(StatementRefused):
            async with database.transaction(Caller("anon"), read_only=True) as transaction:
                await transaction.fetch("select nothing")
        async with database.transaction(Caller("anon"), read_only=False) as transaction:
            [row] = await transaction.fetch(
                "select current_setting('transaction_read_only') as only,"
                " (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks"
            )
    assert (row["only"], row["locks"]) == ("off", 0)


async def test_it_begins_as_it_is_wanted(database: Database, admin: asyncpg.Connection) -> None:
    caller = Caller("anon", settings=(("request.method", "GET"),), search_path='"public", "auth"')
    first = "select set_config('test.first', current_user, true)"
    seen = (
        "select current_setting('transaction_isolation'), current_setting('search_path'), current_setting('test.first')"
    )
    async with database.begin(Beginning(caller, isolation="repeatable read", first=first)) as transaction:
        row = (await transaction.fetch(seen))[0]
    assert tuple(row) == ("repeatable read", '"public", "auth"', "anon")
    async with database.begin(Beginning(ANON, commits=False)) as transaction:
        await transaction.fetch("insert into note values (1, 'one')")
    assert await admin.fetchval("select count(*) from note") == 0


async def test_an_isolation_level_is_one_of_postgresqls() -> None:
    role = Catalog((), {}, {}, frozenset(), {"anon": (("default_transaction_isolation", "Serializable"),)})
    assert begun(Beginning(ANON), role) == "BEGIN ISOLATION LEVEL SERIALIZABLE"
    chosen = Beginning(ANON, read_only=True, isolation="read committed")
    assert begun(chosen, role) == "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"
    assert begun(Beginning(ANON, isolation="none; drop"), EMPTY) == "BEGIN"


def begun(beginning: Beginning, catalog: Catalog) -> str:
    """The statement that begins a transaction, without its settings."""
    return opening(beginning, catalog, anonymous=True).begin.partition(";")[0]


@pytest.mark.parametrize(
    "text", ["it's", "back\\slash", "\\' or 1=1 --", "E'", "\n\t", "'; drop table note; --", "\\\\''", "é\u2028"]
)
@pytest.mark.parametrize("conforming", ["on", "off"])
async def test_a_setting_is_taken_as_it_stands(
    database: Database, admin: asyncpg.Connection, text: str, conforming: str
) -> None:
    await admin.execute(
        f"alter database {await admin.fetchval('select current_database()')} set standard_conforming_strings = {conforming}"
    )
    async with Database(database.options) as fresh:
        caller = Caller("anon", settings=(("app.text", text),))
        assert await one(fresh, "select current_setting('app.text')", caller=caller) == text


async def test_a_setting_with_a_nul_is_refused(database: Database) -> None:
    with pytest.raises(InvalidValue):
        await one(database, "select 1", caller=Caller("anon", settings=(("app.text", "a\0b"),)))


async def test_the_drivers_own_time_limit_holds_for_the_end_as_well(admin: asyncpg.Connection, clone: Clone) -> None:
    await admin.execute("""create table late (id int); create function wait() returns trigger language plpgsql as $$
      begin perform pg_sleep(60); return null; end $$;
      create constraint trigger waits after insert on late deferrable initially deferred for each row execute function wait()""")
    driver = await connect(clone.admin_dsn, application_name="late", within=60, kind=Connection, session=())
    await driver.execute("BEGIN")
    await driver.execute("insert into late values (1)")
    async with asyncio.timeout(50):
        with pytest.raises(TimeoutError):
            await driver.execute("COMMIT", timeout=0.1)
        await driver.close()
    assert await admin.fetchval("select count(*) from late") == 0
