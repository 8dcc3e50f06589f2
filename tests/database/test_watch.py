"""Schema changes are noticed, whoever makes them, and nothing else is."""

import asyncio
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from pellucid.database.catalog.model import Catalog, Privilege, TableName
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.errors import PellucidError
from pellucid.postgres.cluster import Cluster
from tests.conftest import Clone, run, within

BASE = """
create table item (id int primary key, name text);
create function double(x int) returns int language sql return x * 2;
"""
ITEM = TableName("public", "item")
See = Callable[[Catalog], object]


def privileges(catalog: Catalog) -> frozenset[Privilege]:
    table = catalog.table("public", "item")
    return table.privileges.get("anon", frozenset()) if table else frozenset()


def item(attribute: str) -> See:
    return lambda catalog: getattr(catalog.table("public", "item"), attribute)


CHANGES: dict[str, tuple[str, See]] = {
    "a new table": ("create table fresh (id int)", lambda catalog: catalog.table("public", "fresh")),
    "a table made from a query": (
        "create table fresh as select 1 as one",
        lambda catalog: catalog.table("public", "fresh"),
    ),
    "a new column": (
        "alter table item add extra int",
        lambda catalog: "extra" in catalog.tables[ITEM].columns,
    ),
    "a dropped table": ("drop table item", lambda catalog: not catalog.tables),
    "a renamed table": ("alter table item rename to thing", lambda catalog: catalog.table("public", "thing")),
    "a grant": ("grant select on item to anon", privileges),
    "a grant on a column": ("grant update (name) on item to anon", privileges),
    "a comment": ("comment on table item is 'Things'", item("comment")),
    "row level security": ("alter table item enable row level security", item("row_security")),
    "a policy": ("create policy all_in on item using (true)", item("policies")),
    "a view": ("create view v as select * from item", lambda catalog: catalog.table("public", "v")),
    "a unique index": ("create unique index on item (name)", item("unique")),
    "a foreign key": ("alter table item add foreign key (id) references item", item("foreign_keys")),
    "a function": (
        "create function f() returns int language sql return 1",
        lambda catalog: len(catalog.functions) == 2,
    ),
    "a dropped function": ("drop function double", lambda catalog: not catalog.functions),
    "a revoked right to call": (
        "revoke execute on function double from public",
        lambda catalog: "anon" not in next(iter(catalog.functions.values()))[0].executable_by,
    ),
    "an enum": (
        "create type mood as enum ('glad'); alter table item add mood mood",
        lambda catalog: "mood" in str(catalog),
    ),
    "a domain's rule": (
        "create domain d as text; alter table item add d d; alter domain d set not null",
        lambda catalog: "d" in catalog.tables[ITEM].columns and not catalog.tables[ITEM].columns["d"].nullable,
    ),
    "a time limit of a role": (
        "alter role anon in database {name} set statement_timeout = '1234ms'",
        lambda catalog: ("statement_timeout", "1234ms") in catalog.role_settings["anon"],
    ),
    "a new role": (
        "create role {name}; grant {name} to authenticator",
        lambda catalog: any(role.startswith("test_") for role in catalog.roles),
    ),
}


async def seen(database: Database, what: See) -> None:
    """Wait until the catalog shows it, without asking for a new one."""
    async with asyncio.timeout(60):
        while not what(database.catalog):
            await database.ping()


@pytest.fixture
async def watched(admin: asyncpg.Connection, clone: Clone) -> AsyncIterator[Database]:
    await admin.execute(BASE)
    async with Database(DatabaseOptions(clone.dsn)) as database:
        yield database
    await run(clone.admin_dsn, f"drop role if exists {clone.name}")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_noticed(watched: Database, admin: asyncpg.Connection, clone: Clone, change: str) -> None:
    sql, what = CHANGES[change]
    assert not what(watched.catalog)
    await admin.execute(sql.format(name=clone.name))
    await seen(watched, what)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_noticed_where_there_are_no_event_triggers(
    watched: Database, admin: asyncpg.Connection, clone: Clone, change: str
) -> None:
    await admin.execute("drop event trigger pellucid_ddl; drop event trigger pellucid_drop")
    sql, what = CHANGES[change]
    await admin.execute(sql.format(name=clone.name))
    await seen(watched, what)


@pytest.mark.parametrize(("channel", "payload"), [("pellucid", ""), ("pgrst", ""), ("pgrst", "reload schema")])
async def test_a_notification_has_the_catalog_read(
    watched: Database, admin: asyncpg.Connection, channel: str, payload: str
) -> None:
    await admin.execute(
        "set session_replication_role = replica; create table fresh (id int); reset session_replication_role"
    )
    assert not watched.catalog.table("public", "fresh")
    await admin.execute("select pg_notify($1, $2)", channel, payload)
    await seen(watched, lambda catalog: catalog.table("public", "fresh"))


async def test_what_changes_no_schema_is_not_told(watched: Database, admin: asyncpg.Connection) -> None:
    told: list[str] = []
    await admin.add_listener("pellucid", lambda *heard: told.append(str(heard)))
    await admin.execute(
        "create temp table t (id int primary key, x text default 'a'); create index on t (x); drop table t"
    )
    await admin.execute("create temp table u as select 1 as one; insert into item values (1); analyze item")
    await admin.execute("vacuum item")
    await admin.execute("create table real (id int)")
    await admin.execute("select 1")
    assert len(told) == 1


async def test_the_catalog_stays_the_same_value_when_nothing_changed(
    watched: Database, admin: asyncpg.Connection
) -> None:
    before = watched.catalog
    assert await watched.refresh() is before
    await admin.execute("alter table item add extra int")
    after = await watched.refresh()
    assert after.version == before.version + 1


async def test_a_refresh_holds_what_was_committed_before_it(watched: Database, admin: asyncpg.Connection) -> None:
    async def ask(number: int) -> None:
        catalog = await watched.refresh()
        assert all(catalog.table("public", f"t{made}") for made in range(number))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(ask(number))
            await admin.execute(f"create table t{number} (id int)")


async def test_refreshing_together_costs_one_reading(watched: Database, admin: asyncpg.Connection) -> None:
    await admin.execute("create table fresh (id int)")
    catalogs = await asyncio.gather(*(watched.refresh() for _ in range(50)))
    assert len({id(catalog) for catalog in catalogs}) == 1
    assert catalogs[0].table("public", "fresh")


async def test_a_caller_who_gives_up_stops_nobody_elses_refresh(watched: Database, admin: asyncpg.Connection) -> None:
    await admin.execute("create table fresh (id int)")
    first, second = asyncio.create_task(watched.refresh()), asyncio.create_task(watched.refresh())
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).table("public", "fresh")


async def test_it_goes_on_after_its_connection_was_cut(watched: Database, admin: asyncpg.Connection) -> None:
    for number in range(3):
        await admin.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where application_name = 'pellucid catalog' and datname = current_database()"
        )
        await admin.execute(f"create table t{number} (id int)")
        await seen_again(watched, f"t{number}")


async def test_it_goes_on_after_a_restart(watched: Database, cluster: Cluster, clone: Clone) -> None:
    await asyncio.to_thread(cluster.stop)
    await asyncio.to_thread(cluster.start)
    await run(clone.admin_dsn, "create table fresh (id int)")
    await seen_again(watched, "fresh")


async def seen_again(database: Database, table: str) -> None:
    async with asyncio.timeout(60):
        while not database.catalog.table("public", table):  # noqa: ASYNC110 - it must come by itself, and a ping would help
            await asyncio.sleep(0.01)


async def test_a_database_that_is_not_there_is_an_error_at_the_start(cluster: Cluster) -> None:
    database = Database(DatabaseOptions(within(cluster.dsn, "nowhere")))
    with pytest.raises(PellucidError):
        await database.start()
