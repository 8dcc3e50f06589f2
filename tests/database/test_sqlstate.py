"""PostgreSQL's errors, translated: the class, PostgREST's status, PostgreSQL's own words and the plain ones."""

import asyncpg
import pytest

from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.database.sqlstate import translate
from pellucid.errors import (
    BrokenCheck,
    BrokenReference,
    Contention,
    DatabaseError,
    Denied,
    Duplicate,
    InvalidValue,
    MissingValue,
    PellucidError,
    RaisedBadly,
    StatementRefused,
    Unavailable,
)

SCHEMA = """
create domain percent as int check (value between 0 and 100);
create type mood as enum ('glad', 'sad');
create table maker (id int primary key, name text not null);
create table item (
  id uuid primary key default gen_random_uuid(),
  name text not null,
  "odd, (name)" int unique,
  age int constraint age_is_sane check (age between 0 and 150),
  share percent,
  mood mood,
  short varchar(3),
  small smallint,
  born date,
  span int4range,
  maker int references maker,
  maker_restrict int references maker on delete restrict,
  unique (name, age),
  exclude using gist (span with &&)
);
create unique index item_lower on item (lower(name));
create table secret (id int primary key, maker int references maker);
create view adults as select * from item where age >= 18 with cascaded check option;
grant all on maker, item, adults to anon, authenticated, service_role;
grant select (id) on secret to anon;
create function fail(message text, code text, detail text default null, hint text default null) returns void language plpgsql as $$
begin
  if detail is null then raise exception using message = message, errcode = code; end if;
  raise exception using message = message, errcode = code, detail = detail, hint = hint;
end $$;
"""
ROW = "insert into item (name, age) values ('a', 20)"

Case = tuple[str, str, type[PellucidError], int, tuple[str, ...], str]

CASES: list[Case] = [
    ("23505", f"{ROW}; {ROW}", Duplicate, 409, ("name", "age"), "another"),
    ("23505", 'insert into item (name, "odd, (name)") values (\'a\', 1), (\'b\', 1)', Duplicate, 409, ("odd, (name)",), "another"),
    ("23505", "insert into item (name) values ('a'), ('A')", Duplicate, 409, ("name",), "another"),
    ("23503", "insert into item (name, maker) values ('a', 7)", BrokenReference, 409, ("maker",), "maker"),
    ("23503", "insert into maker values (1, 'm'); insert into item (name, maker) values ('a', 1); delete from maker", BrokenReference,
     409, ("",), "still point"),
    ("23001", "insert into maker values (1, 'm'); insert into item (name, maker_restrict) values ('a', 1); delete from maker",
     BrokenReference, 400, ("",), "still point"),
    ("23502", "insert into item (age) values (1)", MissingValue, 400, ("name",), "must have a value"),
    ("23514", "insert into item (name, age) values ('a', -1)", BrokenCheck, 400, ("age",), "age_is_sane"),
    ("23514", "insert into item (name, share) values ('a', 101)", BrokenCheck, 400, ("",), "percent_check"),
    ("23P01", "insert into item (name, span) values ('a', '[1,3)'), ('b', '[2,4)')", BrokenCheck, 400, ("span",), "collides"),
    ("44000", "insert into adults (name, age) values ('a', 3)", BrokenCheck, 400, ("",), "view"),
    ("22P02", "select 'abc'::int", InvalidValue, 400, ("",), '"abc" is not a valid integer'),
    ("22P02", "select 'abc'::uuid", InvalidValue, 400, ("",), "not a valid uuid"),
    ("22P02", "select 'angry'::mood", InvalidValue, 400, ("",), "not a valid mood"),
    ("22P02", "select '{'::jsonb", InvalidValue, 400, ("",), "json"),
    ("22001", "insert into item (name, short) values ('a', 'long')", InvalidValue, 400, ("",), "too long"),
    ("22003", "insert into item (name, small) values ('a', 99999)", InvalidValue, 400, ("",), "out of range"),
    ("22007", "select 'yesterweek'::date", InvalidValue, 400, ("",), "not a valid date"),
    ("22008", "select '2031-02-31'::date", InvalidValue, 400, ("",), "out of range"),
    ("22012", "select 1 / 0", InvalidValue, 400, ("",), "zero"),
    ("2201B", "select 'a' ~ '('", InvalidValue, 400, ("",), "regular expression"),
    ("42501", "select * from secret", Denied, 401, ("",), "permission denied"),
    ("42501", "insert into secret values (1)", Denied, 401, ("",), "permission denied"),
    ("42P01", "select * from nothing", StatementRefused, 404, ("",), "does not exist"),
    ("42883", "select nothing()", StatementRefused, 404, ("",), "does not exist"),
    ("42883", "select xmlagg(1)", StatementRefused, 406, ("",), "does not exist"),
    ("42703", "select nothing from item", StatementRefused, 400, ("",), "does not exist"),
    ("42804", "select case when true then 1 else now() end", InvalidValue, 400, ("",), "cannot be matched"),
    ("21000", "select (select generate_series(1, 2))", StatementRefused, 500, ("",), "more than one row"),
    ("P0001", "select fail('Too hot', 'P0001')", StatementRefused, 400, ("",), "Too hot."),
    ("P0001", "select fail('Too hot', 'P0001', 'It is 40', 'Wait')", StatementRefused, 400, ("",), "Too hot."),
    ("PT402", "select fail('Pay first', 'PT402')", StatementRefused, 402, ("",), "Pay first."),
    ("PTABC", "select fail('Pay first', 'PTABC')", StatementRefused, 500, ("",), "Pay first."),
    ("40001", "select fail('serialize', '40001')", Contention, 500, ("",), "Serialize."),
    ("40P01", "select fail('deadlock', '40P01')", Contention, 500, ("",), "Deadlock."),
    ("55P03", "select fail('lock', '55P03')", Contention, 500, ("",), "Lock."),
    ("0A000", "select fail('no', '0A000')", StatementRefused, 400, ("",), "No."),
    ("XX000", "select fail('cache lookup failed for relation 1234', 'XX000')", DatabaseError, 500, ("",), "The database refused."),
    ("38000", "select fail('internal', '38000')", DatabaseError, 500, ("",), "The database refused."),
    ("42P17", "select fail('infinite recursion', '42P17')", StatementRefused, 500, ("",), "Infinite recursion."),
]  # fmt: skip


async def refusal(admin: asyncpg.Connection, script: str) -> asyncpg.PostgresError:
    """What PostgreSQL says to anon, who sends these statements."""
    *before, last = [part for part in script.split("; ") if part]
    with pytest.raises(asyncpg.PostgresError) as caught:  # noqa: PT012 - the last one raises, in the role of anon
        async with admin.transaction():
            await admin.execute("set local role anon")
            for statement in before:
                await admin.execute(statement)
            await admin.execute(last)
    return caught.value


@pytest.fixture
async def stage(admin: asyncpg.Connection, database: Database) -> Database:
    await admin.execute(SCHEMA)
    await database.refresh()
    return database


@pytest.mark.parametrize(
    ("sqlstate", "script", "family", "status", "fields", "says"), CASES, ids=[f"{c[0]} {c[1][:40]}" for c in CASES]
)
async def test_each_error_has_its_class_its_status_its_fields_and_a_way_out(
    stage: Database,
    admin: asyncpg.Connection,
    sqlstate: str,
    script: str,
    family: type[PellucidError],
    status: int,
    fields: tuple[str, ...],
    says: str,
) -> None:
    if sqlstate == "23001" and admin.get_server_version().major < 18:  # RESTRICT has a state of its own since then
        sqlstate, status = "23503", 409
    fault = await refusal(admin, script)
    error = translate(fault, anonymous=True, catalog=stage.catalog)
    assert isinstance(error, DatabaseError)
    assert type(error) is family
    assert error.sqlstate == sqlstate
    assert error.status_in_postgrest == status
    assert (error.message, error.details, error.hint) == (fault.message, fault.detail, fault.hint)
    assert tuple(each.field for each in error.faults) == fields
    assert all(says.lower() in each.message.lower() and each.hint for each in error.faults), error.faults
    assert "fail(" not in str([error.faults, error.hint, error.headers])


async def test_row_level_security_hides_values_and_the_fields_are_named_all_the_same(
    stage: Database, admin: asyncpg.Connection
) -> None:
    await admin.execute("alter table item enable row level security; create policy p on item using (true)")
    fault = await refusal(admin, f"{ROW}; {ROW}")
    assert fault.detail is None
    faults = translate(fault, catalog=stage.catalog).faults
    assert [each.field for each in faults] == ["name", "age"]


async def test_the_anonymous_are_asked_to_sign_in_and_others_are_refused(stage: Database) -> None:
    for caller, status in ((Caller("anon"), 401), (Caller("authenticated"), 403)):
        with pytest.raises(Denied) as caught:
            async with stage.transaction(caller, read_only=True) as transaction:
                await transaction.fetch("select * from secret")
        assert caught.value.status_in_postgrest == caught.value.status == status
        assert caught.value.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


async def test_a_policy_that_says_no_is_a_denial(stage: Database, admin: asyncpg.Connection) -> None:
    await admin.execute("alter table maker enable row level security")
    error = translate(await refusal(admin, "insert into maker values (1, 'm')"))
    assert isinstance(error, Denied)
    assert "row level security" in error.faults[0].message.lower()


async def test_a_function_may_word_the_whole_response(stage: Database, admin: asyncpg.Connection) -> None:
    said = '{"code":"E1","message":"No","details":"d","hint":"h"}'
    how = '{"status":418,"headers":{"X-Tea":"yes"}}'
    error = translate(await refusal(admin, f"select fail('{said}', 'PGRST', '{how}', 'h')"))
    assert isinstance(error, DatabaseError)
    assert (error.sqlstate, error.message, error.details, error.hint) == ("E1", "No", "d", "h")
    assert (error.status, error.status_in_postgrest, dict(error.headers)) == (418, 418, {"X-Tea": "yes"})


@pytest.mark.parametrize(
    ("message", "detail", "told"),
    [
        ("no json", "{}", "Invalid JSON value for MESSAGE: 'no json'"),
        ("[]", "{}", "Invalid JSON value for MESSAGE: '[]'"),
        ('{"code":1,"message":"No"}', "{}", 'Invalid JSON value for MESSAGE: \'{"code":1,"message":"No"}\''),
        ('{"code":"1","message":"No"}', None, "DETAIL is missing in the RAISE statement"),
        ('{"code":"1","message":"No"}', "x", "Invalid JSON value for DETAIL: 'x'"),
        ('{"code":"1","message":"No"}', '{"status":1}', "Invalid JSON value for DETAIL: '{\"status\":1}'"),
    ],
)
def test_a_response_that_cannot_be_read_is_an_error_of_the_server(message: str, detail: str | None, told: str) -> None:
    fault = asyncpg.RaiseError(message)
    fault.sqlstate, fault.message, fault.detail = "PGRST", message, detail
    error = translate(fault)
    assert isinstance(error, RaisedBadly)
    assert (error.status, error.postgrest_code, error.details) == (500, "PGRST121", told)


@pytest.mark.parametrize("sqlstate", ["53100", "53300", "57P01", "57P03", "08006"])
async def test_what_passes_by_itself_says_when_to_come_again(
    stage: Database, admin: asyncpg.Connection, sqlstate: str
) -> None:
    error = translate(await refusal(admin, f"select fail('full', '{sqlstate}')"))
    assert isinstance(error, Unavailable)
    assert (error.status, error.postgrest_code, error.headers["Retry-After"]) == (503, sqlstate, "1")


async def test_a_value_that_the_driver_cannot_send_is_an_invalid_value(stage: Database) -> None:
    with pytest.raises(InvalidValue) as caught:
        async with stage.transaction(Caller("anon"), read_only=True) as transaction:
            await transaction.fetch("select $1::int", "seven")
    assert "integer" in caught.value.faults[0].message
    assert "$1" not in caught.value.message
