"""What the migrations put into the database: ids that sort by time, and what policies ask of the request."""

import time
from uuid import UUID

import asyncpg
import pytest

SUBJECT = "018f3c5e-7d2a-7c4e-9b1a-2f6d8e0c4b7a"
WHO = "select auth.uid(), auth.role(), auth.email(), auth.jwt()::text"


async def as_request(admin: asyncpg.Connection, role: str, claims: str | None) -> asyncpg.Record:
    async with admin.transaction():
        if claims is not None:
            await admin.execute("select set_config('request.jwt.claims', $1, true)", claims)
        await admin.execute(f"set local role {role}")
        return await admin.fetchrow(WHO)


@pytest.mark.parametrize("claims", [None, "", "{}"])
async def test_without_claims_nobody_is_signed_in(admin: asyncpg.Connection, claims: str | None) -> None:
    assert tuple(await as_request(admin, "anon", claims)) == (None, "anon", None, "{}")


async def test_with_claims_they_are_told(admin: asyncpg.Connection) -> None:
    claims = f'{{"sub": "{SUBJECT}", "role": "authenticated", "email": "a@example.com"}}'
    row = await as_request(admin, "authenticated", claims)
    assert tuple(row)[:3] == (UUID(SUBJECT), "authenticated", "a@example.com")


@pytest.mark.parametrize("subject", ['"somebody"', "7", "null", '""', f'"{SUBJECT}x"', '{"a": 1}'])
async def test_a_subject_that_is_no_uuid_is_nobody(admin: asyncpg.Connection, subject: str) -> None:
    assert (await as_request(admin, "authenticated", f'{{"sub": {subject}}}'))[0] is None


async def test_a_subject_that_only_looks_like_a_uuid_is_an_error(admin: asyncpg.Connection) -> None:
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await as_request(admin, "authenticated", f'{{"sub": "{SUBJECT[:-1]}x"}}')


async def test_no_search_path_changes_what_the_functions_do(admin: asyncpg.Connection) -> None:
    await admin.execute(
        'create schema evil; create function evil.current_setting(text, boolean) returns text language sql return \'{"sub": "x"}\'; '
        'create function evil.jwt() returns jsonb language sql return \'{"role": "service_role"}\'::jsonb; '
        "set search_path = evil, auth, pg_catalog; grant usage on schema evil to anon"
    )
    assert tuple(await as_request(admin, "anon", None)) == (None, "anon", None, "{}")


async def test_uuid_v7_sorts_by_the_moment_it_was_made(admin: asyncpg.Connection) -> None:
    before = time.time_ns() // 1_000_000
    made = []
    for _ in range(20):
        made.append(await admin.fetchval("select pellucid.uuid_v7()"))
        await admin.execute("select pg_sleep(0.001)")
    after = time.time_ns() // 1_000_000
    assert all((each.version, each.variant) == (7, "specified in RFC 4122") for each in made)
    assert made == sorted(made, key=lambda each: each.int >> 80)
    assert all(before - 1 <= each.int >> 80 <= after + 1 for each in made)
    assert len(set(made)) == 20


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
async def test_every_request_may_make_ids(admin: asyncpg.Connection, role: str) -> None:
    async with admin.transaction():
        await admin.execute(f"set local role {role}")
        assert await admin.fetchval("select pellucid.uuid_v7()")


async def test_addresses_are_unique_whatever_their_case(admin: asyncpg.Connection) -> None:
    await admin.execute("insert into auth.users (email) values ('a@example.com')")
    with pytest.raises(asyncpg.UniqueViolationError):
        await admin.execute("insert into auth.users (email) values ('A@EXAMPLE.com')")


async def test_an_account_that_goes_takes_its_password_along(admin: asyncpg.Connection) -> None:
    await admin.execute("insert into auth.users (email) values ('a@example.com')")
    await admin.execute(
        "insert into auth.passwords (user_id, hash) select id, 'x' from auth.users; delete from auth.users"
    )
    assert await admin.fetchval("select count(*) from auth.passwords") == 0


async def test_every_function_is_pinned(admin: asyncpg.Connection) -> None:
    """A body of the SQL standard is bound to what it names; any other must set its search path."""
    loose = await admin.fetch(
        "select oid::regprocedure::text from pg_proc where pronamespace in ('auth'::regnamespace, 'pellucid'::regnamespace) "
        "and prosqlbody is null and coalesce(proconfig::text, '') not like '%search_path=%' "
        "and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')"
    )
    assert not loose


async def test_nobody_has_more_rights_than_meant(admin: asyncpg.Connection) -> None:
    rows = await admin.fetch(
        "select grantee, table_name, privilege_type from information_schema.role_table_grants where table_schema in ('auth', 'pellucid') "
        "and grantee in ('PUBLIC', 'anon', 'authenticated', 'service_role', 'authenticator') and table_name not like 'pg_%'"
    )
    assert not rows
    columns = await admin.fetch(
        "select distinct grantee, table_name, privilege_type from information_schema.column_privileges "
        "where table_schema in ('auth', 'pellucid') and grantee in ('PUBLIC', 'anon', 'authenticated', 'service_role') "
        "and table_name not like 'pg_%' order by 1"
    )
    own = ("api_keys", "factors", "identities", "sessions", "users", "webauthn_credentials")
    assert {tuple(row) for row in columns} == {
        *((role, table, "SELECT") for role in ("authenticated", "service_role") for table in own),
        ("service_role", "audit_log", "SELECT"),
    }


async def test_a_new_table_is_nobodys_but_the_services(admin: asyncpg.Connection) -> None:
    await admin.execute("create table fresh (id int)")
    rights = "select has_table_privilege($1, 'fresh', 'select,insert,update,delete')"
    assert [await admin.fetchval(rights, role) for role in ("anon", "authenticated", "service_role")] == [
        False,
        False,
        True,
    ]
