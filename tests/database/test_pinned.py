"""Nobody's function, operator or aggregate is taken for one of PostgreSQL's own on connections of ours: it would run with their rights."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pellucid.database.bootstrap import bootstrap
from pellucid.database.caller import Caller
from pellucid.database.change import Change
from pellucid.database.core import Database
from pellucid.database.login import cautions
from pellucid.database.opening import Beginning
from pellucid.database.options import DatabaseOptions
from pellucid.policy.facts import Scope
from pellucid.policy.survey import opened, survey
from pellucid.postgres.cluster import Cluster
from tests.conftest import Clone, run, within

NEW = "trapped"
SPRING = "language plpgsql as $$ begin raise 'a trap ran as %', current_user; end $$"
TRAPS = f"""
create function public.unnest(text[]) returns setof text {SPRING};
create function public.array_to_string(text[], text) returns text {SPRING};
create function public.joined(text[], text[]) returns text[] {SPRING};
create operator public.|| (leftarg = text[], rightarg = text[], function = public.joined);
create function public.equal(varchar, varchar) returns bool {SPRING};
create operator public.= (leftarg = varchar, rightarg = varchar, function = public.equal);
create function public.equal(name, varchar) returns bool {SPRING};
create operator public.= (leftarg = name, rightarg = varchar, function = public.equal);
create function public.gathered(text[], text) returns text[] {SPRING};
create aggregate public.array_agg (text) (sfunc = public.gathered, stype = text[], initcond = '{{}}');
create table public.thing (id int primary key, name text);
"""
"""Each fits better than what PostgreSQL has, which takes any type, or texts where these are names."""


@pytest.fixture
async def new(cluster: Cluster) -> AsyncIterator[str]:
    await run(cluster.admin_dsn, f"create database {NEW}")
    yield within(cluster.admin_dsn, NEW)
    await run(cluster.admin_dsn, f"drop database {NEW} with (force)")


@pytest.mark.parametrize(
    "statement", ["select unnest(array['a'])", "select 'a'::varchar = 'b'::varchar", "select array['a'] || array['b']"]
)
async def test_a_connection_that_is_not_pinned_is_caught(admin: asyncpg.Connection, statement: str) -> None:
    await admin.execute(TRAPS)
    with pytest.raises(asyncpg.RaiseError, match="a trap ran as postgres"):
        await admin.fetch(statement)


async def test_readying_a_database_and_migrating_it_runs_none(new: str) -> None:
    await run(new, TRAPS)
    assert (await bootstrap(new)).accounts is None


async def test_reading_the_catalog_runs_none(admin: asyncpg.Connection, clone: Clone) -> None:
    await admin.execute(TRAPS)
    await admin.execute("drop event trigger pellucid_ddl")  # so that the watch looks for itself
    async with Database(DatabaseOptions(clone.admin_dsn, clone.admin_dsn)) as database:
        assert (await database.refresh()).table("public", "thing")
        change = Change(("create table public.other (id int default length('x'))",))
        async with database.change(Beginning(Caller("anon")), change):
            pass


async def test_nor_does_whoever_asks_about_rights(admin: asyncpg.Connection, clone: Clone) -> None:
    await admin.execute(TRAPS)
    await admin.execute(f"alter role postgres in database {clone.name} set pgrst.db_schemas = 'x'")
    (told,) = await cautions(clone.admin_dsn, production=False)
    assert "pgrst.db_schemas" in told
    async with opened(clone.admin_dsn) as connection:
        assert (await survey(connection, Scope(("public",)))).tables
