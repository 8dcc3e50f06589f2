"""What is named and does not fit is refused with the way out."""

import asyncpg
import pytest

from pellucid.policy.presets import Preset, Wish, propose
from pellucid.policy.refusal import Refusal
from pellucid.policy.targets import read_via
from tests.policy.conftest import found

STAGE = """
create table public.notes (id int primary key, owner text, reader uuid, tenant_id int);
create table public.plain (id int primary key, body text);
create table public.shared (id int, author_id uuid references auth.users, editor uuid references auth.users);
create table public.twice (id int, one uuid references auth.users, other uuid references auth.users);
create table public.members (tenant_id int, user_id uuid, team text);
create view public.seen as select * from public.notes;
create materialized view public.kept as select * from public.notes;
"""

REFUSALS = [
    (Wish("note", Preset.OWNER), "there is no table note in public", "did you mean notes?"),
    (Wish("auth.users", Preset.OWNER), r"there is no table auth\.users", "pellucid policy list"),
    (Wish("seen", Preset.OWNER), r"public\.seen is a view", "alter view public.seen set (security_invoker = true)"),
    (Wish("kept", Preset.NOBODY), "materialized view", "revoke all on public.kept"),
    (Wish("notes", Preset.OWNER), r"owner is text, and the id of an account is a uuid", "type uuid using owner::uuid"),
    (Wish("notes", Preset.OWNER, column="id"), "id is integer", "--column"),
    (Wish("notes", Preset.OWNER, column="raeder"), "no column raeder", "did you mean reader?"),
    (Wish("plain", Preset.OWNER), r"not clear which column of public\.plain holds the owner", "add column owner uuid"),
    (Wish("twice", Preset.OWNER), "not clear which column", "one, other"),
    (Wish("plain", Preset.TENANT), "holds the tenant", "add column tenant_id uuid"),
    (Wish("notes", Preset.TENANT), "no table was found that says who is a member", "--via 'members"),
    (Wish("notes", Preset.TENANT, via=read_via("membres")), "no table membres", "did you mean members?"),
    (
        Wish("notes", Preset.TENANT, via=read_via("members(team,user_id)")),
        r"is integer, and members\.team is text",
        "same",
    ),
    (Wish("notes", Preset.TENANT, via=read_via("members(tenant_id,team)")), "team is text", "uuid"),
    (Wish("members", Preset.TENANT, via=read_via("members")), "would never end", "members owner --may select"),
    (Wish("notes", Preset.PUBLIC_READ, to=("authentcated",)), "role authentcated", "did you mean authenticated?"),
    (Wish("notes", Preset.PUBLIC_READ, to=("postgres",)), "no request can take the role postgres", "anon"),
    (Wish("notes", Preset.NOBODY, to=("anon",)), "no --to", "another preset"),
]


async def test_refusals_name_the_way_out(ruler: asyncpg.Connection) -> None:
    await ruler.execute(STAGE)
    facts = await found(ruler)
    for wish, message, hint in REFUSALS:
        with pytest.raises(Refusal, match=message) as caught:
            propose(facts, wish)
        assert hint in (caught.value.hint or ""), wish


async def test_the_likeliest_reference_is_taken(ruler: asyncpg.Connection) -> None:
    await ruler.execute(STAGE)
    proposal = propose(await found(ruler), Wish("shared", Preset.OWNER))
    assert any("using (author_id = " in each for each in proposal.statements)


async def test_integers_of_all_sizes_compare(ruler: asyncpg.Connection) -> None:
    await ruler.execute(STAGE)
    await ruler.execute("alter table public.members alter column tenant_id type bigint")
    assert propose(await found(ruler), Wish("notes", Preset.TENANT, via=read_via("members")))


async def test_without_accounts_nothing_can_ask_for_them(ruler: asyncpg.Connection) -> None:
    await ruler.execute(STAGE)
    await ruler.execute("drop schema auth cascade")
    with pytest.raises(Refusal, match=r"no function auth\.uid"):
        propose(await found(ruler), Wish("notes", Preset.OWNER, column="reader"))


@pytest.mark.parametrize("text", ["", "members(tenant_id)", "members(a,b,c)", "members(a,b", "(a,b)"])
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(Refusal, match="cannot be read"):
        read_via(text)
