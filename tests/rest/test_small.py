"""Which requests may travel with others, and which tables keep theirs from it."""

from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from pellucid.database.core import Database
from pellucid.rest.plan.build import make_plan
from pellucid.rest.plan.form import negotiate
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.small import is_small
from pellucid.rest.profile import NATIVE
from pellucid.rest.request import Method
from tests.rest.requests import ask
from tests.rest.world import CATALOG

HOOKS = """
create table parent (id int primary key);
create table child (id int primary key, parent int references parent on delete cascade);
create table ruled (id int primary key);
create table divided (id int primary key) partition by list (id);
create table part partition of divided default;
create table calm (id int primary key, parent int references parent deferrable initially deferred);
create function hook() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger hook before insert on child for each row execute function hook();
create trigger hook before insert on part for each row execute function hook();
create rule nothing as on delete to ruled do instead nothing;
"""


@pytest.mark.anyio
async def test_tables_tell_whether_a_write_runs_somebodys_triggers(
    admin: asyncpg.Connection, database: Database
) -> None:
    await admin.execute(HOOKS)
    catalog = await database.refresh()
    hooked = {name.name for name, table in catalog.tables.items() if table.hooked}
    assert hooked == {"parent", "child", "ruled", "divided"}


NAMED: dict[str, Any] = {"name": "Ada"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "expected"),
    [
        ("GET", "/people/1", None, {}, True),
        ("GET", "/people?id=eq.1&select=name,years:age", None, {}, True),
        ("GET", "/people?id=eq.1&age=eq.3", None, {}, True),
        ("GET", "/people?id=eq.1&select=age::text", None, {}, True),
        ("HEAD", "/people?id=eq.1", None, {}, True),
        ("GET", "/seats/a,1", None, {}, True),
        ("GET", "/seats?row=eq.a", None, {}, False),
        ("GET", "/people", None, {}, False),
        ("GET", "/people?id=gt.1", None, {}, False),
        ("GET", "/people?id=not.eq.1", None, {}, False),
        ("GET", "/people?id=eq(any).{1}", None, {}, False),
        ("GET", "/people?or=(id.eq.1,id.eq.2)", None, {}, False),
        ("GET", "/people?id=eq.1&name=match.a", None, {}, False),
        ("GET", "/people?id=eq.1", None, {"prefer": "count=exact"}, False),
        ("GET", "/people?id=eq.1", None, {"accept": "text/csv"}, False),
        ("POST", "/people", NAMED, {}, True),
        ("POST", "/people", [NAMED], {"prefer": "return=minimal"}, True),
        ("POST", "/people", [NAMED, NAMED], {}, False),
        ("POST", "/people", [], {}, False),
        ("POST", "/people", NAMED, {"prefer": "resolution=merge-duplicates"}, False),
        ("PATCH", "/people/1", NAMED, {}, True),
        ("PATCH", "/people?id=eq.1", NAMED, {"prefer": "max-affected=0"}, False),
        ("PATCH", "/people?age=eq.1", NAMED, {}, False),
        ("PUT", "/seats/a,1", {"taken": True}, {}, False),
        ("DELETE", "/people/1", None, {}, True),
        ("DELETE", "/people?id=lt.9", None, {}, False),
    ],
)
def test_who_travels(method: Method, path: str, body: Any, headers: dict[str, Any], expected: bool) -> None:
    asked = ask(method, path, body, **headers)
    table = CATALOG.tables[asked.name]
    for hooked in (False, True):
        context = Context(CATALOG, NATIVE, "anon")
        plan = make_plan(asked, replace(table, hooked=hooked), context)
        form = negotiate(asked, plan, CATALOG, plans=False)
        assert is_small(asked, plan, form) is (expected and not (hooked and method not in ("GET", "HEAD")))
