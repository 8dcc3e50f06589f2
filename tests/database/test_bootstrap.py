"""Readying a database: whole with full rights, as far as it goes with fewer, in one line where it cannot be reached."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from urllib.parse import quote

import asyncpg
import pytest
from msgspec.structs import replace

from pellucid.database.bootstrap import bootstrap
from pellucid.database.caller import ACCOUNTS, Caller
from pellucid.database.capabilities import Capabilities, Feature
from pellucid.database.core import Database
from pellucid.database.migrations import REVISIONS
from pellucid.database.migrations.upgrade import scripts
from pellucid.database.options import DatabaseOptions
from pellucid.errors import FeatureOff, StartupError
from pellucid.postgres.cluster import Cluster
from pellucid.postgres.temporary import temporary_cluster
from tests.conftest import OPTIONS, Clone, run, within
from tests.ground import ground

NEW = "shop"
LOOKING = {Feature.STATISTICS, Feature.WAL_INSPECTION, Feature.PAGES, Feature.FREE_SPACE, Feature.PLANS}
"""What only a superuser can set up: extensions that show what is inside, and the right to be sent plans."""
PASSWORD = "a s3cret/with:odd@signs"


@pytest.fixture
async def bare() -> AsyncIterator[Cluster]:
    """A cluster of its own that nothing was done to: roles belong to a whole cluster. It listens on TCP, with passwords."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with temporary_cluster(replace(OPTIONS, port=port), ground()) as cluster:
        await run(
            cluster.admin_dsn, "alter system set fsync = off", "select pg_reload_conf()", f"create database {NEW}"
        )
        yield cluster


def admin_dsn(cluster: Cluster) -> str:
    return within(cluster.admin_dsn, NEW)


def login(cluster: Cluster, role: str) -> str:
    return f"postgresql://{role}:{quote(PASSWORD, safe='')}@127.0.0.1:{cluster.options.port}/{NEW}"


async def limited(cluster: Cluster, rights: str = "", *statements: str) -> str:
    """A role with a password and these rights; returns its DSN."""
    await run(admin_dsn(cluster), f"create role owner login password '{PASSWORD}' {rights}", *statements)
    return login(cluster, "owner")


def off(capabilities: Capabilities) -> set[Feature]:
    return {missing.off for missing in capabilities.missing}


async def administer(cluster: Cluster, capabilities: Capabilities) -> None:
    """Do what the capabilities tell an administrator to do."""
    for sql in dict.fromkeys(missing.needs for missing in capabilities.missing):
        if not sql.startswith("--"):
            await run(admin_dsn(cluster), sql)


async def test_with_all_rights_everything_is_there_and_nothing_is_done_twice(bare: Cluster) -> None:
    first = await bootstrap(admin_dsn(bare))
    assert first.missing == ()
    assert first.server_version >= 150000
    assert (first.data_api, first.accounts) == (None, None)
    connection = await asyncpg.connect(admin_dsn(bare))
    await connection.execute("alter role anon set statement_timeout = '7s'; revoke usage on schema public from anon")
    assert await bootstrap(admin_dsn(bare)) == first
    settings = await connection.fetchval("select array_agg(setconfig::text) from pg_db_role_setting")
    assert "statement_timeout=7s" in str(settings)
    assert "anon=U" not in await connection.fetchval("select nspacl::text from pg_namespace where nspname = 'public'")
    await connection.close()


async def test_nodes_that_start_at_once_are_safe(bare: Cluster) -> None:
    code = "import asyncio, sys; from pellucid.database.bootstrap import bootstrap; assert not asyncio.run(bootstrap(sys.argv[1])).missing"
    await run(admin_dsn(bare), "create database second")
    databases = [admin_dsn(bare), admin_dsn(bare), within(bare.admin_dsn, "second")]
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, dsn, env={**os.environ, "PYTHONWARNINGS": "error"}
        )
        for dsn in databases
    ]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    connection = await asyncpg.connect(admin_dsn(bare))
    assert await connection.fetchval("select version_num from pellucid.alembic_version") == REVISIONS[-1]
    await connection.close()


async def test_a_role_that_may_do_nothing_gets_a_database_that_is_off_and_a_list(bare: Cluster) -> None:
    dsn = await limited(bare)
    found = await bootstrap(dsn)
    assert {Feature.DATA_API, Feature.ACCOUNTS, Feature.INSTANT_RELOAD} <= off(found)
    assert "create role anon nologin noinherit" in str(found.missing[0])
    assert PASSWORD not in str(found)
    async with Database(DatabaseOptions(dsn), found) as database:
        for caller in (Caller("anon"), Caller("owner"), ACCOUNTS):
            with pytest.raises(FeatureOff) as caught:
                database.transaction(caller, read_only=True)
            assert "off, because the database lacks" in caught.value.message


async def test_what_an_administrator_then_does_turns_everything_on(bare: Cluster) -> None:
    dsn = await limited(bare)
    for _ in range(3):
        await administer(bare, found := await bootstrap(dsn))
    assert (await bootstrap(dsn)).missing == (), found
    await check_serving(dsn)


@pytest.mark.parametrize("barred", ["", "revoke usage on schema pellucid from public"])
async def test_a_database_that_was_prepared_tells_a_role_that_may_do_nothing_what_it_lacks(
    bare: Cluster, barred: str
) -> None:
    await bootstrap(admin_dsn(bare))
    dsn = await limited(bare, "", *filter(None, [barred]))
    found = await bootstrap(dsn)
    assert {Feature.DATA_API, Feature.ACCOUNTS} <= off(found) <= {Feature.DATA_API, Feature.ACCOUNTS, Feature.PLANS}
    await administer(bare, found)
    if barred:
        await administer(bare, await bootstrap(dsn))
    assert (await bootstrap(dsn)).missing == ()
    await check_serving(dsn)


async def test_a_role_that_may_not_see_the_version_has_the_data_api(bare: Cluster) -> None:
    await bootstrap(admin_dsn(bare))
    dsn = await limited(bare, "", "grant anon, authenticated, service_role, pellucid_accounts to owner")
    found = await bootstrap(dsn)
    assert found.data_api is None
    assert [missing.needs for missing in found.missing if missing.off is Feature.ACCOUNTS] == [
        "grant select on pellucid.alembic_version to owner"
    ]
    async with Database(DatabaseOptions(dsn), found) as database:
        async with database.transaction(Caller("anon"), read_only=True) as transaction:
            assert (await transaction.fetch("select current_user"))[0][0] == "anon"
        with pytest.raises(FeatureOff, match="leave to see the version"):
            database.write(ACCOUNTS)
    await administer(bare, found)
    assert (await bootstrap(dsn)).missing == ()
    await check_serving(dsn)


async def test_a_role_that_may_not_migrate_says_who_may(bare: Cluster) -> None:
    """An administrator starts the newest Pellucid once; until then the data API goes on."""
    await bootstrap(admin_dsn(bare))
    dsn = await limited(
        bare,
        "",
        "grant anon, authenticated, service_role, pellucid_accounts to owner",
        "grant select on pellucid.alembic_version to owner",
    )
    await run(
        admin_dsn(bare),
        f"update pellucid.alembic_version set version_num = '{REVISIONS[-2]}'",
        "drop function pellucid.share_mixed",
    )
    found = await bootstrap(dsn)
    assert found.data_api is None
    (lacking,) = [missing for missing in found.missing if missing.off is Feature.ACCOUNTS]
    assert lacking.what == "the newest version of Pellucid's schemas"
    assert "start Pellucid once with the URL of an administrator, for owner may not" in lacking.needs
    await bootstrap(admin_dsn(bare))
    assert (await bootstrap(dsn)).accounts is None
    await check_serving(dsn)


async def test_a_role_that_may_create_roles_and_schemas_gets_data_api_and_accounts(bare: Cluster) -> None:
    dsn = await limited(bare, "createrole noinherit", f"grant create on database {NEW} to owner")
    found = await bootstrap(dsn)
    assert off(found) == {Feature.INSTANT_RELOAD, Feature.BYPASS, *LOOKING}
    await check_serving(dsn, found)


async def test_a_role_that_owns_the_database_but_may_create_no_roles(bare: Cluster) -> None:
    dsn = await limited(bare, "", f"alter database {NEW} owner to owner")
    found = await bootstrap(dsn)
    assert {Feature.DATA_API, Feature.ACCOUNTS} <= off(found)
    await run(admin_dsn(bare), "create role anon; create role authenticated; create role service_role bypassrls")
    await run(admin_dsn(bare), "grant anon, authenticated, service_role to owner")
    found = await bootstrap(dsn)
    assert (found.data_api is None, found.accounts is None) == (True, False)
    async with Database(DatabaseOptions(dsn), found) as database:
        async with database.transaction(Caller("anon"), read_only=True) as transaction:
            assert (await transaction.fetch("select current_user"))[0][0] == "anon"
        with pytest.raises(FeatureOff):
            database.write(ACCOUNTS)


async def test_a_schema_auth_that_is_somebody_elses_is_left_alone(bare: Cluster) -> None:
    await run(admin_dsn(bare), "create schema auth", "create table auth.users (id int)")
    found = await bootstrap(admin_dsn(bare))
    assert off(found) == {Feature.ACCOUNTS}
    connection = await asyncpg.connect(admin_dsn(bare))
    assert (
        await connection.fetchval(
            "select count(*) from pg_attribute where attrelid = 'auth.users'::regclass and attnum > 0"
        )
        == 1
    )
    await connection.close()


async def check_serving(dsn: str, capabilities: Capabilities | None = None) -> None:
    """Requests run under the callers' roles, accounts work, and changes are noticed."""
    async with Database(DatabaseOptions(dsn, dsn), capabilities) as database:
        async with database.write(ACCOUNTS) as session:
            connection = await session.connection()
            await connection.exec_driver_sql("insert into auth.users (email) values ('a@example.com')")
        async with database.transaction(Caller("service_role"), read_only=True) as transaction:
            assert (await transaction.fetch("select count(*), current_user from auth.users group by 2"))[0] == (
                1,
                "service_role",
            )


UNREACHABLE = [
    ("postgresql://postgres@/nowhere?host={sockets}&port={port}", 'has no database "nowhere"'),
    ("postgresql://postgres:" + "wrong%2Fone@127.0.0.1:{port}/shop", "refuses the role or its password"),
    ("postgresql://nobody:wrong%2Fone@127.0.0.1:{port}/shop", "refuses the role or its password"),
    ("postgresql://postgres:wrong%2Fone@127.0.0.1:1/shop", "cannot be reached at 127.0.0.1:1"),
    ("postgresql://postgres:wrong%2Fone@no-such-host.invalid/shop", "cannot be reached at no-such-host.invalid"),
    ("postgresql://postgres@/shop?host=/nowhere", "cannot be reached at /nowhere"),
    ("postgresql://postgres:wrong%2Fone@127.0.0.1:port/shop", "cannot be read"),
    ("mysql://postgres:wrong%2Fone@127.0.0.1/shop", "cannot be read"),
    ("nonsense", "cannot be read"),
]


async def test_a_database_that_cannot_be_reached_is_told_in_one_line(bare: Cluster) -> None:
    for dsn, says in UNREACHABLE:
        with pytest.raises(StartupError) as caught:
            await bootstrap(dsn.format(sockets=bare.placement.sockets, port=bare.options.port))
        assert says in caught.value.message
        assert caught.value.hint
        assert "wrong" not in f"{caught.value.message} {caught.value.hint}"
        assert "\n" not in caught.value.message


async def test_a_missing_schema_and_a_newer_pellucid_are_told(bare: Cluster) -> None:
    with pytest.raises(StartupError, match='no schema "shop"'):
        await bootstrap(admin_dsn(bare), schemas=("public", "shop"))
    await bootstrap(admin_dsn(bare))
    await run(admin_dsn(bare), "update pellucid.alembic_version set version_num = '9999'")
    with pytest.raises(StartupError, match="newer Pellucid"):
        await bootstrap(admin_dsn(bare))


def test_the_revisions_are_those_that_alembic_knows() -> None:
    assert tuple(reversed([script.revision for script in scripts().walk_revisions()])) == REVISIONS


async def test_no_function_of_somebody_else_is_run_for_one_of_postgresqls_own(clone: Clone) -> None:
    """One that fits better is taken before PostgreSQL's own, wherever its schema stands in the path."""
    await run(
        clone.admin_dsn,
        """create table trap (who text); create function array_agg_of(text[], text) returns text[] language plpgsql as
        $$ begin insert into trap values (session_user); return $1 || $2; end $$;
        create aggregate array_agg (text) (sfunc = array_agg_of, stype = text[], initcond = '{}')""",
    )
    await bootstrap(clone.admin_dsn)
    connection = await asyncpg.connect(clone.admin_dsn)
    assert await connection.fetchval("select count(*) from trap") == 0
    await connection.close()
