"""Plans from the run itself: of statements, of what runs inside of them, with policies and locks; and nothing is done twice."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text

from pellucid.database.caller import ACCOUNTS, Caller
from pellucid.database.core import Database
from pellucid.trace.document import Statement
from pellucid.trace.plans import nodes_of
from pellucid.trace.witness import Lookout
from tests.trace.looking import ANON, SHOP, looked_at, lookout_at, request

CANARY = "c4n4ry"
INSERT = "insert into item (customer, what, price) values ($1, $2, $3) returning id"
READ = "select * from item where price < $1"


@pytest.fixture
async def shop(admin: asyncpg.Connection, database: Database) -> Database:
    await admin.execute(SHOP)
    await database.refresh()
    return database


@pytest.fixture
async def lookout(shop: Database) -> AsyncIterator[Lookout]:
    async with lookout_at(shop) as lookout:
        yield lookout


def calls(statement: Statement, words: str) -> int:
    """How often something ran inside of a statement."""
    return sum(each.calls for each in statement.nested if words in each.sql)


async def test_a_write_is_explained_without_being_done_twice(
    shop: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    async with looked_at(lookout) as watcher:
        await request(shop, (INSERT, 7, "a lamp", 30))
    (statement,) = watcher.statements
    assert (
        await admin.fetchval("select count(*) from item"),
        await admin.fetchval("select count(*) from journal"),
    ) == (1, 1)
    assert await admin.fetchval("select last_value from item_id_seq") == 1
    assert statement.plan is not None
    top = statement.plan["Plan"]
    assert (top["Node Type"], top["Operation"], top["Actual Rows"], statement.rows) == ("ModifyTable", "Insert", 1, 1)
    assert top["Shared Hit Blocks"] > 0
    assert top["WAL Records"] > 0
    assert "noted" in [trigger.get("Trigger Name") for trigger in statement.plan["Triggers"]]
    assert statement.parameters == ("7", "a lamp", "30")
    assert statement.execution == statement.seconds > 0
    assert statement.replanned
    assert not statement.estimated
    assert watcher.missing == ()


async def test_triggers_foreign_keys_and_functions_are_seen_inside(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher:
        await request(shop, (INSERT, 7, "a lamp", 30))
    (statement,) = watcher.statements
    assert calls(statement, "insert into journal") == 1
    assert calls(statement, "FOR KEY SHARE") == 1
    assert calls(statement, "from customer where") >= 1
    journal = next(each for each in statement.nested if "journal" in each.sql)
    assert journal.plan is not None
    assert journal.plan["Plan"]["Node Type"] == "ModifyTable"


async def test_a_deferred_check_is_told_with_the_commit(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher:
        await request(shop, ("set constraints all deferred",), (INSERT, 7, "a lamp", 30))
    assert watcher.statements[-1].sql == "COMMIT"
    assert calls(watcher.statements[-1], "FOR KEY SHARE") == 1


async def test_a_policy_that_asks_for_each_row_is_counted(
    shop: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    await admin.execute(
        "insert into item (customer, what, price) select 1 + i % 9, 'x', i from generate_series(1, 120) as i"
    )
    async with looked_at(lookout) as watcher:
        await request(shop, (READ, 101))
    (statement,) = watcher.statements
    assert statement.rows == 100
    assert calls(statement, "from customer where") == 100
    assert len(statement.nested) == 1
    assert statement.policies == (
        "public.item: mine (permissive): using public.visible(customer), with check (price >= 0)",
        "public.item: cheap (restrictive): using (price < 1000)",
    )
    assert [node.filter for node in nodes_of(statement.plan)] == [
        "((item.price < 1000) AND (item.price < 101) AND visible(item.customer))"
    ]


async def test_roles_that_pass_row_level_security_have_no_policies(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher:
        await request(shop, (READ, 101), caller=Caller("service_role"))
    assert watcher.statements[0].policies == ()


async def test_locks_are_told_where_they_were_taken(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher:
        await request(shop, (READ, 5), (INSERT, 7, "a lamp", 30), (READ, 6))
    taken = [{(lock.relation, lock.mode) for lock in statement.locks} for statement in watcher.statements]
    assert ("public.item", "AccessShareLock") in taken[0]
    assert {("public.item", "RowExclusiveLock"), ("public.journal", "RowExclusiveLock")} <= taken[1]
    assert taken[2] == set()


async def test_statements_of_sessions_are_seen_as_well(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher, shop.write(ANON) as session:
        await session.execute(text(INSERT.replace("$1, $2, $3", ":a, :b, :c")), {"a": 1, "b": "x", "c": 2})
    (statement,) = watcher.statements
    assert statement.plan is not None
    assert statement.plan["Plan"]["Operation"] == "Insert"
    assert statement.parameters == ("1", "x", "2")


async def test_nothing_stays_behind_in_the_session(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout):
        await request(shop, (READ, 5))
    async with shop.transaction(ANON, read_only=True) as transaction:
        left = await transaction.fetch("select current_setting('auto_explain.log_min_duration') as set")
    assert left[0]["set"] == "-1"


async def test_a_transaction_that_fails_is_looked_at_up_to_there(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher:
        with pytest.raises(Exception, match="row-level security"):
            await request(shop, (READ, 5), (INSERT, 7, "a lamp", -1))
        await request(shop, (READ, 6))
    assert [statement.parameters for statement in watcher.statements] == [("5",), ("7", "a lamp", "-1"), ("6",)]
    assert [statement.failed for statement in watcher.statements] == ["", "insufficient privilege (42501)", ""]
    assert watcher.commits == ()


async def test_a_statement_of_a_session_that_fails_is_told_too(shop: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher:
        with pytest.raises(Exception, match="row-level security"):
            async with shop.write(ANON) as session:
                await session.execute(
                    text(INSERT.replace("$1, $2, $3", ":a, :b, :c")), {"a": 7, "b": "a lamp", "c": -1}
                )
    (statement,) = watcher.statements
    assert (statement.failed, statement.parameters) == ("insufficient privilege (42501)", ("7", "a lamp", "-1"))


LIMIT = "select current_setting('statement_timeout') as limit"


@pytest.mark.parametrize(("limit", "longer"), [("2s", "20s"), ("0", "0"), ("20d", "2147483647ms")])
async def test_a_statement_that_is_looked_at_may_take_longer(
    shop: Database, lookout: Lookout, limit: str, longer: str
) -> None:
    caller = Caller("anon", settings=(("statement_timeout", limit),))
    async with looked_at(lookout), shop.transaction(caller, read_only=True) as transaction:
        (during,) = await transaction.fetch(LIMIT)
    async with shop.transaction(caller, read_only=True) as transaction:
        (after,) = await transaction.fetch(LIMIT)
    assert (during["limit"], after["limit"]) == (longer, limit)


async def test_thousands_of_statements_inside_of_one_do_not_make_it_fail(
    shop: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    """Each is told with its plan, which takes far longer than to run it."""
    await admin.execute(
        "insert into item (customer, what, price) select 1, 'x', i % 900 from generate_series(1, 10000) as i"
    )
    caller = Caller("anon", settings=(("statement_timeout", "1500ms"),))
    async with looked_at(lookout) as watcher:
        await request(shop, (READ, 1000), caller=caller)
    assert calls(watcher.statements[0], "from customer where") == 10_000


async def test_a_statement_that_fails_meanwhile_is_told(
    shop: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    await admin.execute("insert into item (customer, what, price) values (1, 'x', 7)")
    async with looked_at(lookout) as watcher:
        with pytest.raises(Exception, match="zero"):
            await request(shop, ("select 1 / (price - $1) from item", 7))
    assert [missing.what for missing in watcher.missing] == ["the plan of the statement that failed"]


async def test_no_secret_is_in_it(shop: Database, lookout: Lookout, admin: asyncpg.Connection) -> None:
    await admin.execute("""
        create function remember(who int, word text) returns void language plpgsql as $$ begin
          update customer set password = word where id = who;
          execute format('update customer set password = %L where id = %s', word, who);
          execute format('select id, %L, $1 from customer where name = %L and id = 4711', word, word) using who;
          perform 1 from customer where customer.password = word; end $$""")
    body = f'[{{"id": 9001, "name": "{CANARY}", "password": "{CANARY}"}}]'
    async with looked_at(lookout) as watcher:
        await request(
            shop,
            ("update customer set password = $1 where id = $2", CANARY, 1),
            ("select id from customer where password = $1", CANARY),
            ("select remember($1, $2)", 1, CANARY),
            (
                "insert into customer select * from json_to_recordset($1::json) as b (id int, name text, password text)",
                body,
            ),
            (f"select id from customer where password = '{CANARY}'",),
            (f"select '{CANARY}' as word",),
            (f"select id from customer where name = '$2b$12${CANARY}'",),
        )
        await request(shop, ("select count(*) from auth.users where email = $1", CANARY), caller=ACCOUNTS)
    assert len(watcher.statements) == 8
    assert len(watcher.statements[2].nested) == 4
    assert "4711" not in repr(watcher.statements[2].nested)
    assert CANARY not in repr((watcher.statements, watcher.commits, watcher.missing))
