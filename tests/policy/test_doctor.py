"""Each check finds what it is for, and its SQL mends it."""

from dataclasses import dataclass

import asyncpg
import pytest

from pellucid.errors import StartupError
from pellucid.policy.doctor import CHECKS, SEVERITIES, examine
from pellucid.policy.facts import Scope
from pellucid.policy.findings import Finding, Severity
from pellucid.policy.presets import Preset, Wish
from pellucid.policy.targets import read_via
from tests.policy.conftest import SCOPE, found
from tests.policy.people import rule

ERROR, WARNING, INFO = Severity


@dataclass(frozen=True, slots=True)
class Case:
    """A check, the SQL that brings it about, and what is found."""

    check: str
    setup: str
    severity: Severity
    object: str
    message: str = ""
    mended: bool = True


TABLE = "create table public.t (id int primary key, a text, b text); alter table public.t enable row level security;"
HIDDEN = f"{TABLE} create policy p on public.t for select using (id > 0);"
OPEN_FUNCTION = "create function public.f() returns int language plpgsql {} as 'begin return 1; end'"

CASES = [
    Case(
        "table-without-rls",
        "create table public.t (id int); grant select on public.t to anon",
        ERROR,
        "public.t",
        "anon may reach every row",
    ),
    Case(
        "table-without-rls",
        "create table public.t (id int); create policy p on public.t using (true); grant select on public.t to anon",
        ERROR,
        "public.t",
        "Without effect: p.",
    ),
    Case(
        "table-without-rls",
        "create table public.t (id int)",
        WARNING,
        "public.t",
        "service_role may reach every row; production does not serve it",
    ),
    Case(
        "open-writes",
        f"{TABLE} create policy p on public.t using (true); grant select, update on public.t to anon, authenticated",
        ERROR,
        "public.t",
        'The policy "p" is always true: anon and authenticated may update any row.',
    ),
    Case(
        "open-writes",
        f"{TABLE} create policy p on public.t for insert to authenticated with check (true); grant insert (a) on public.t to authenticated",
        WARNING,
        "public.t",
        "authenticated may insert any row",
    ),
    Case(
        "open-writes",
        f'{TABLE} create policy "development: everybody may do everything" on public.t using (true); grant all on public.t to anon',
        ERROR,
        "public.t",
        "Development mode left it open",
    ),
    Case(
        "open-writes",
        f"{TABLE} create policy p on public.t for update using (true) with check (a = 'mine'); grant update on public.t to authenticated",
        WARNING,
        "public.t",
        "authenticated may update any row",
    ),
    Case(
        "open-writes",
        f"{TABLE} create policy p on public.t using (a = 'mine') with check (true); grant all on public.t to authenticated",
        WARNING,
        "public.t",
        "authenticated may insert any row",
    ),
    Case(
        "unforced-owner",
        f"{TABLE} grant create on schema public to authenticated; alter table public.t owner to authenticated; "
        "revoke create on schema public from authenticated",
        ERROR,
        "public.t",
        "authenticated, which owns the table",
    ),
    Case(
        "rls-without-policy",
        f"{TABLE} grant select on public.t to anon",
        INFO,
        "public.t",
        "the grants of anon show and change nothing",
        mended=False,
    ),
    Case(
        "view-with-owners-rights",
        f"{HIDDEN} create view public.w as select * from public.t; create view public.v as select * from public.w; "
        "grant select on public.v to anon",
        ERROR,
        "public.v",
        "It reads public.t with the rights of postgres, for anon",
    ),
    Case(
        "view-with-owners-rights",
        "create view public.v as select 1 as one; grant select on public.v to anon",
        WARNING,
        "public.v",
        "It reads data",
    ),
    Case(
        "unguarded-copy",
        f"{HIDDEN} create materialized view public.m as select * from public.t; grant select on public.m to authenticated",
        ERROR,
        "public.m",
        "A materialized view knows no row level security, and authenticated may read it",
    ),
    Case(
        "unguarded-copy",
        "create materialized view public.m as select 1 as one; grant select on public.m to anon",
        WARNING,
        "public.m",
    ),
    Case(
        "open-search-path",
        OPEN_FUNCTION.format("security definer"),
        ERROR,
        "public.f()",
        "act as postgres",
    ),
    Case(
        "open-search-path",
        "create schema s; create function s.g() returns trigger language plpgsql security definer as 'begin return new; end'",
        ERROR,
        "s.g()",
    ),
    Case("open-search-path", OPEN_FUNCTION.format(""), INFO, "public.f()", "up to the caller"),
    Case(
        "open-search-path",
        OPEN_FUNCTION.format("""set search_path = "$user", public"""),
        INFO,
        "public.f()",
    ),
    Case(
        "definer-function",
        OPEN_FUNCTION.format("security definer set search_path = ''"),
        WARNING,
        "public.f()",
        "anon and authenticated may call it",
    ),
    Case(
        "columns-in-vain",
        f"{HIDDEN} grant select (id, a), select on public.t to anon",
        WARNING,
        "public.t",
        "anon is granted select on id and a, which limits nothing: anon has it on the whole table",
    ),
    Case(
        "columns-in-vain",
        f"{HIDDEN} grant select (id) on public.t to anon; grant select on public.t to public",
        WARNING,
        "public.t",
        "public has it",
    ),
    Case(
        "writable-sequence",
        "create sequence public.s; grant all on public.s to anon",
        WARNING,
        "public.s",
        "anon may set the sequence",
    ),
    Case(
        "unusable-sequence",
        f"{TABLE} alter table public.t add n serial; grant insert on public.t to authenticated",
        WARNING,
        "public.t_n_seq",
        "authenticated may insert into public.t, but not draw its n",
    ),
    Case(
        "future-tables",
        "alter default privileges in schema public grant select on tables to anon",
        WARNING,
        "public",
        "Tables that postgres will make are open to anon",
    ),
    Case(
        "future-tables",
        "alter default privileges grant insert on tables to public",
        WARNING,
        "every schema",
        "open to public",
    ),
    Case(
        "bypassing-role",
        "alter role authenticated bypassrls",
        ERROR,
        "authenticated",
    ),
    Case(
        "powerful-role",
        "alter role authenticated inherit; grant pg_read_all_data to authenticated",
        ERROR,
        "authenticated",
        "the rights of pg_read_all_data",
    ),
    Case(
        "powerful-login",
        "alter role authenticator bypassrls",
        WARNING,
        "authenticator",
        "which is BYPASSRLS",
    ),
    Case(
        "writable-schema",
        "grant create on schema public to anon",
        ERROR,
        "public",
        "anon may make tables and functions",
    ),
    Case("exposed-extension", "create extension citext schema public", WARNING, "citext", "lives in public"),
    Case(
        "foreign-key-without-index",
        f"{HIDDEN} create table public.u (t int references public.t)",
        INFO,
        "public.u",
        '"u_t_fkey" has no index',
    ),
    Case(
        "asked-each-row",
        f"{TABLE} create policy p on public.t using (a = auth.uid()::text and b = (select auth.email())) with check (a = auth.email())",
        INFO,
        "public.t",
        '"p" asks for each row',
    ),
]


async def matching(ruler: asyncpg.Connection, case: Case) -> list[Finding]:
    """What is found now of what the case is about."""
    findings = examine(await found(ruler))
    return [each for each in findings if (each.check, each.object) == (case.check, case.object)]


async def test_each_is_found_and_mended(ruler: asyncpg.Connection) -> None:
    """Each case is played in a transaction that is rolled back, roles of the cluster included."""
    for case in CASES:
        played = ruler.transaction(isolation="repeatable_read")
        await played.start()
        await ruler.execute(case.setup)
        (finding,) = await matching(ruler, case)
        assert finding.severity is case.severity, case
        assert case.message in finding.message, case
        assert finding.docs.endswith(f"#{case.check}")
        assert (finding.sql is None, finding.hint is None) == (not case.mended, case.mended), case
        if finding.sql is not None:
            await ruler.execute(finding.sql)
            assert not await matching(ruler, case), case
        await played.rollback()


def test_each_check_is_proven() -> None:
    elsewhere = {("private-schema", ERROR)}
    proven = {(case.check, case.severity) for case in CASES} | elsewhere
    assert proven == {(check, severity) for check in CHECKS for severity in SEVERITIES[check]}


async def test_a_new_database_is_in_order(ruler: asyncpg.Connection) -> None:
    assert examine(await found(ruler)) == []


async def test_a_schema_that_is_not_there_is_no_good_news(ruler: asyncpg.Connection) -> None:
    with pytest.raises(StartupError, match='no schema "apl"'):
        await found(ruler, Scope(("apl",), "authenticator"))


async def test_a_private_schema(ruler: asyncpg.Connection) -> None:
    findings = examine(await found(ruler, Scope(("public", "auth"), "authenticator")))
    assert [each.object for each in findings if each.check == "private-schema"] == ["auth"]


async def test_a_schema_that_is_searched_behind_the_exposed_ones(ruler: asyncpg.Connection) -> None:
    await ruler.execute("create schema api; create schema tools; grant create on schema tools to public")
    findings = examine(await found(ruler, Scope(("api",), "authenticator", searched=("tools",))))
    assert [(each.check, each.object) for each in findings] == [("writable-schema", "tools")]


async def test_a_superuser_by_its_own_url(ruler: asyncpg.Connection) -> None:
    (finding,) = examine(await found(ruler, Scope()))
    assert (finding.check, finding.sql) == ("powerful-login", None)
    assert "external-database" in (finding.hint or "")


async def test_a_policy_narrowed_by_another_is_not_open(ruler: asyncpg.Connection) -> None:
    await ruler.execute(f"{TABLE} create policy p on public.t using (true); grant all on public.t to authenticated")
    await ruler.execute("create policy q on public.t as restrictive using (id = 1)")
    assert not [each for each in examine(await found(ruler)) if each.check == "open-writes"]


async def test_reading_stays_when_open_writing_is_mended(ruler: asyncpg.Connection) -> None:
    await ruler.execute(f"{TABLE} create policy p on public.t using (true); grant all on public.t to anon")
    (finding,) = [each for each in examine(await found(ruler)) if each.check == "open-writes"]
    assert finding.sql is not None
    await ruler.execute(finding.sql)
    assert await ruler.fetchval("select cmd from pg_policies where policyname = 'p'") == "SELECT"


async def test_presets_are_in_order(ruler: asyncpg.Connection) -> None:
    """What a preset writes gives a doctor nothing to say."""
    await ruler.execute("""
        create table public.members (tenant_id int, user_id uuid, primary key (tenant_id, user_id));
        create table public.papers (id serial primary key, tenant_id int, owner uuid)""")
    for preset in Preset:
        await rule(ruler, Wish("papers", preset, via=read_via("members")))
    findings = examine(await found(ruler, SCOPE))
    assert findings == []


async def test_the_worst_comes_first(ruler: asyncpg.Connection) -> None:
    await ruler.execute(f"{TABLE} create table public.u (t int references public.t); grant select on public.u to anon")
    severities = [each.severity for each in examine(await found(ruler))]
    assert severities == [ERROR, INFO]
