"""Each preset, proven: everybody against everybody's rows, by every kind of statement."""

from itertools import product

import asyncpg
import pytest

from pellucid.database.catalog.model import Privilege
from pellucid.policy.presets import Preset, Wish, propose
from pellucid.policy.refusal import Refusal
from pellucid.policy.targets import read_via
from tests.policy.conftest import found
from tests.policy.people import ADA, ANYBODY, BOB, CYD, PEOPLE, SERVICE, account, rule

DENIED = "42501"

NOTES = f"""
create table public.notes (id int primary key, owner uuid, text text not null);
insert into public.notes select n, (array['{ADA}', '{BOB}', '{CYD}'])[1 + n % 3]::uuid, 'note ' || n from generate_series(0, 8) as n;
insert into public.notes values (9, null, 'of nobody');
"""

TENANTS = f"""
create table public.tenants (id int primary key, name text);
create table public.members (tenant_id int references public.tenants, user_id uuid, primary key (tenant_id, user_id));
create table public.papers (id int primary key, tenant_id int references public.tenants, text text not null);
insert into public.tenants select n, 'tenant ' || n from generate_series(1, 3) as n;
insert into public.members values (1, '{ADA}'), (1, '{BOB}'), (2, '{BOB}');
insert into public.papers select n, 1 + n % 3, 'paper ' || n from generate_series(0, 8) as n;
"""
MEMBERSHIPS = {ADA: {1}, BOB: {1, 2}, CYD: set[int]()}


def mine(number: int) -> str:
    """Whose note it is."""
    return PEOPLE[number % 3]


class TestOwner:
    async def test_everybody_against_everybodys_rows(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.OWNER))
        for person, number in product(PEOPLE, range(9)):
            who, own = account(person), person == mine(number)
            shown = [number] if own else []
            where = f"where id = {number} returning id"
            assert await who.asks(ruler, f"select id from public.notes where id = {number}") == shown
            assert await who.asks(ruler, f"update public.notes set text = 'x' {where}") == shown
            assert await who.asks(ruler, f"delete from public.notes {where}") == shown
            added = f"insert into public.notes values ({100 + number}, '{mine(number)}', 'x') returning id"
            assert await who.asks(ruler, added) == ([100 + number] if own else DENIED)

    async def test_nobody_gives_rows_away_or_takes_the_rows_of_nobody(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.OWNER))
        ada = account(ADA)
        assert await ada.asks(ruler, f"update public.notes set owner = '{BOB}' returning id") == DENIED
        assert await ada.asks(ruler, "update public.notes set owner = null where id = 0") == DENIED
        assert await ada.asks(ruler, f"update public.notes set owner = '{ADA}' where id = 9 returning id") == []
        upsert = (
            f"insert into public.notes values (1, '{ADA}', 'x') on conflict (id) do update set text = 'x' returning id"
        )
        assert await ada.asks(ruler, upsert) == DENIED
        assert await ada.asks(ruler, "select count(*) from public.notes") == [3]

    async def test_a_new_row_belongs_to_whoever_adds_it(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.OWNER))
        added = "insert into public.notes (id, text) values (100, 'x') returning owner::text"
        assert await account(ADA).asks(ruler, added) == [ADA]
        assert await ANYBODY.asks(ruler, added) == DENIED

    async def test_others_get_nothing_and_the_service_gets_all(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.OWNER))
        assert await ANYBODY.asks(ruler, "select id from public.notes") == DENIED
        assert await SERVICE.asks(ruler, "select count(*) from public.notes") == [10]

    async def test_only_what_it_may(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.OWNER, may=(Privilege.SELECT, Privilege.INSERT)))
        ada = account(ADA)
        assert await ada.asks(ruler, "select count(*) from public.notes") == [3]
        assert await ada.asks(ruler, "insert into public.notes (id, text) values (100, 'x') returning id") == [100]
        assert await ada.asks(ruler, "update public.notes set text = 'x' where id = 0") == DENIED
        assert await ada.asks(ruler, "delete from public.notes where id = 0") == DENIED

    async def test_the_column_is_found_by_its_reference(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute("create table public.profiles (id uuid primary key references auth.users, owner uuid)")
        proposal = propose(await found(ruler), Wish("profiles", Preset.OWNER))
        assert any("using (id = (select auth.uid()))" in each for each in proposal.statements)

    async def test_serials_can_be_used(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute("create table public.logs (id serial primary key, owner uuid)")
        await rule(ruler, Wish("public.logs", Preset.OWNER))
        assert await account(ADA).asks(ruler, "insert into public.logs default values returning id") == [1]


class TestTenant:
    @pytest.mark.parametrize("via", ["members(tenant_id,user_id)", "members", None])
    async def test_everybody_against_every_tenants_rows(self, ruler: asyncpg.Connection, via: str | None) -> None:
        await ruler.execute(TENANTS)
        if via is None:
            await ruler.execute("alter table public.members drop constraint members_pkey")
            await ruler.execute("alter table public.members add foreign key (user_id) references auth.users not valid")
        await rule(ruler, Wish("papers", Preset.TENANT, via=read_via(via) if via else None))
        for person, number in product(PEOPLE, range(9)):
            who, tenant = account(person), 1 + number % 3
            shown = [number] if tenant in MEMBERSHIPS[person] else []
            where = f"where id = {number} returning id"
            assert await who.asks(ruler, f"select id from public.papers where id = {number}") == shown
            assert await who.asks(ruler, f"update public.papers set text = 'x' {where}") == shown
            assert await who.asks(ruler, f"delete from public.papers {where}") == shown
            added = f"insert into public.papers values ({100 + number}, {tenant}, 'x') returning id"
            assert await who.asks(ruler, added) == ([100 + number] if shown else DENIED)

    async def test_no_row_leaves_for_a_foreign_tenant(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await rule(ruler, Wish("papers", Preset.TENANT, via=read_via("members")))
        moved = "update public.papers set tenant_id = 2 where id = 0 returning id"
        assert await account(ADA).asks(ruler, moved) == DENIED
        assert await account(BOB).asks(ruler, moved) == [0]
        assert await ANYBODY.asks(ruler, "select id from public.papers") == DENIED

    async def test_nobody_joins_by_himself_or_sees_other_members(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await rule(ruler, Wish("papers", Preset.TENANT, via=read_via("members")))
        assert await account(ADA).asks(ruler, "select tenant_id from public.members") == [1]
        assert await account(CYD).asks(ruler, f"insert into public.members values (1, '{CYD}')") == DENIED
        assert await account(ADA).asks(ruler, "update public.members set tenant_id = 3") == DENIED

    async def test_the_tenants_themselves(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await rule(ruler, Wish("tenants", Preset.TENANT, column="id", via=read_via("members")))
        assert await account(BOB).asks(ruler, "select id from public.tenants order by id") == [1, 2]
        assert await account(CYD).asks(ruler, "select id from public.tenants") == []

    async def test_an_index_answers(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await rule(ruler, Wish("papers", Preset.TENANT, via=read_via("members")))
        await ruler.execute("set enable_seqscan = off")
        plan = await account(ADA).asks(ruler, "explain select id from public.papers")
        assert "papers_tenant_id_idx" in str(plan)
        assert "members_user_id_tenant_id_idx" in str(plan)
        assert "SubPlan" not in str(plan)

    async def test_memberships_in_a_schema_of_their_own(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await ruler.execute("create schema hidden; alter table public.members set schema hidden")
        wish = Wish("papers", Preset.TENANT, via=read_via("hidden.members(tenant_id, user_id)"))
        with pytest.raises(Refusal, match=r"no table hidden\.members"):
            await rule(ruler, wish)
        await rule(ruler, wish, beyond=("hidden",))
        assert await account(BOB).asks(ruler, "select count(*) from public.papers") == [6]

    async def test_policies_without_end_change_nothing(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await ruler.execute("create policy p on public.members using (exists (select from public.papers))")
        with pytest.raises(Refusal, match="infinite recursion") as caught:
            await rule(ruler, Wish("papers", Preset.TENANT, via=read_via("members")))
        assert "compare them" in (caught.value.hint or "")
        assert not await ruler.fetchval("select count(*) from pg_policy where polname like 'members:%'")

    async def test_who_may_write_memberships_is_told(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await ruler.execute("create policy join_in on public.members for insert with check (true)")
        await ruler.execute("grant insert on public.members to authenticated")
        proposal = await rule(ruler, Wish("papers", Preset.TENANT, via=read_via("members")))
        assert any("authenticated may insert public.members" in note for note in proposal.notes)
        assert any("switched on for public.members" in note for note in proposal.notes)


class TestOthers:
    @pytest.mark.parametrize("preset", [Preset.PUBLIC_READ, Preset.AUTHENTICATED])
    async def test_reading_is_for_all_and_writing_for_nobody(self, ruler: asyncpg.Connection, preset: Preset) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", preset))
        for who in (ANYBODY, account(ADA)):
            told = preset is Preset.PUBLIC_READ or who is not ANYBODY
            assert await who.asks(ruler, "select count(*) from public.notes") == ([10] if told else DENIED)
            assert await who.asks(ruler, "insert into public.notes values (100, null, 'x')") == DENIED
            assert await who.asks(ruler, "update public.notes set text = 'x'") == DENIED
            assert await who.asks(ruler, "delete from public.notes") == DENIED

    async def test_presets_add_up(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.OWNER))
        proposal = await rule(ruler, Wish("notes", Preset.PUBLIC_READ))
        assert any('these stay: "owner: all"' in note for note in proposal.notes)
        ada = account(ADA)
        assert await ada.asks(ruler, "select count(*) from public.notes") == [10]
        assert await ada.asks(ruler, "update public.notes set text = 'x' returning id") == [0, 3, 6]

    async def test_nobody(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.PUBLIC_READ))
        await rule(ruler, Wish("notes", Preset.NOBODY))
        assert await ANYBODY.asks(ruler, "select id from public.notes") == DENIED
        assert await account(ADA).asks(ruler, "select id from public.notes") == DENIED
        assert await SERVICE.asks(ruler, "select count(*) from public.notes") == [10]

    async def test_what_development_opened_is_closed(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await ruler.execute("""
            alter table public.notes enable row level security;
            create policy "development: everybody may do everything" on public.notes using (true) with check (true);
            grant all on public.notes to anon, authenticated, service_role""")
        proposal = await rule(ruler, Wish("notes", Preset.PUBLIC_READ))
        assert any("development" in note for note in proposal.notes)
        assert await ANYBODY.asks(ruler, "select count(*) from public.notes") == [10]
        assert await ANYBODY.asks(ruler, "delete from public.notes") == DENIED

    async def test_replace_drops_the_others(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await rule(ruler, Wish("notes", Preset.PUBLIC_READ))
        await rule(ruler, Wish("notes", Preset.OWNER, replace=True))
        assert await ANYBODY.asks(ruler, "select id from public.notes") == DENIED
        assert await account(ADA).asks(ruler, "select count(*) from public.notes") == [3]

    async def test_an_owner_keeps_what_references_need(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await ruler.execute("create table public.marks (note int references public.notes)")
        await ruler.execute("grant create on schema public to authenticated")
        await ruler.execute("alter table public.notes owner to authenticated")
        proposal = await rule(ruler, Wish("notes", Preset.NOBODY))
        assert any("force row level security" in note for note in proposal.notes)
        await ruler.execute("insert into public.marks values (1)")

    async def test_rights_on_columns_are_not_widened(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await ruler.execute("grant select (id, owner) on public.notes to authenticated")
        proposal = await rule(ruler, Wish("notes", Preset.OWNER))
        assert any("id, owner alone" in note for note in proposal.notes)
        assert await account(ADA).asks(ruler, "select text from public.notes") == DENIED
        assert await account(ADA).asks(ruler, "select id from public.notes order by id") == [0, 3, 6]

    async def test_another_schema(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await ruler.execute("create schema api; alter table public.notes set schema api")
        for preset in (Preset.OWNER, Preset.PUBLIC_READ):
            await rule(ruler, Wish("notes", preset), schemas=("api",))
        for who in (ANYBODY, account(ADA), SERVICE):
            assert await who.asks(ruler, "select count(*) from api.notes") == [10]

    async def test_another_role(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(NOTES)
        await ruler.execute("revoke usage on schema public from public; create role policy_editor")
        await ruler.execute("grant policy_editor to authenticator")
        try:
            proposal = propose(await found(ruler), Wish("notes", Preset.OWNER, to=("policy_editor",)))
            assert "grant usage on schema public to policy_editor" in proposal.statements
        finally:
            await ruler.execute("drop role policy_editor")

    async def test_again_gives_the_same(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute(TENANTS)
        await ruler.execute("alter table public.papers add owner uuid")
        for preset in Preset:
            wish = Wish("papers", preset, via=read_via("members"))
            await rule(ruler, wish)
            first = await found(ruler)
            await rule(ruler, wish)
            again = await found(ruler)
            assert (again.guards, again.catalog.tables) == (first.guards, first.catalog.tables)

    async def test_strange_names_are_quoted(self, ruler: asyncpg.Connection) -> None:
        await ruler.execute('create table public."Wild ""x; drop" (id int, "order" uuid)')
        await rule(ruler, Wish('Wild "x; drop', Preset.OWNER, column="order"))
        assert await account(ADA).asks(ruler, 'select id from public."Wild ""x; drop"') == []
