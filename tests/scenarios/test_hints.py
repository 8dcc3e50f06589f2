"""No error, and no hint in it, names what the caller may not see: tables, columns, functions, parameters, foreign keys, schemas."""

import pytest

from tests.scenarios.conftest import Playhouse
from tests.scenarios.isolation import ADA, Ask
from tests.scenarios.test_isolation import serving

pytestmark = pytest.mark.anyio
WORLD = """
create schema cellar;
create table cellar.barrel (id int primary key, wine text);
create table public.book (id int primary key, title text);
create table public.treasure (id int primary key, jewel text not null check (jewel <> ''),
  book int references book, other int references book);
create table public.hoard (id int primary key, pearl text, cellar int references cellar.barrel);
create table public.loan (book int references book, treasure int references treasure, primary key (book, treasure));
alter table book add constraint its_place foreign key (id) references treasure deferrable initially deferred not valid;
create function public.unearth(spade text) returns int stable language sql as $$ select 1 $$;
create function public.unearth(lantern int) returns int stable language sql as $$ select 1 $$;
create function public.melt(crucible text) returns int stable language sql as $$ select 1 $$;
create function cellar.decant(bottle text) returns int stable language sql as $$ select 1 $$;
create function public.glitter(book) returns setof treasure stable language sql as $$ select * from treasure $$;
revoke execute on all functions in schema public from public;
alter table book enable row level security; alter table treasure enable row level security; alter table hoard enable row level security;
create policy everybody on book using (true) with check (true);
grant select, insert, update, delete on book to authenticated;
insert into treasure values (1, 'ruby', null, null);
insert into book values (1, 'x');
"""
SECRETS = """
treasure jewel ruby hoard pearl barrel wine unearth spade lantern
melt crucible decant bottle glitter treasure_book_fkey treasure_other_fkey loan_book_fkey loan_treasure_fkey
""".split()  # noqa: SIM905 - a list of names
PROBES = (
    *(
        Ask(f"/{name}")
        for name in (
            "treasur",
            "treasures",
            "hoards",
            "barrels",
            "barrel",
            "cellar.barrel",
            "loans",
            "treasure",
            "hoard",
        )
    ),
    *(
        Ask(f"/treasure?{query}")
        for query in ("select=jewels", "jewl=eq.1", "order=jewels", "select=jewel,book(*)", "select=book(titles)")
    ),
    *(
        Ask(f"/book?select=*,{embed}")
        for embed in (
            "treasure(*)",
            "treasures(*)",
            "treasur!other(*)",
            "hoard(*)",
            "loan(*)",
            "glitters(*)",
            "glitter(*)",
        )
    ),
    *(
        Ask(f"/book?select=*,treasure!{hint}(*)")
        for hint in ("x", "book", "other", "loan", "treasure_book", "treasure_book_fkey")
    ),
    *(Ask(f"/book?select=*,treasure!book(*)&treasure.{query}") for query in ("jewels=eq.1", "order=jewels")),
    *(
        Ask(f"/rpc/{name}")
        for name in (
            "unearth",
            "unearths",
            "unearth?x=1",
            "unearth?spad=1",
            "melt",
            "melts",
            "melt?crucibles=1",
            "decant",
            "melt?x=1",
        )
    ),
    *(Ask(f"/rpc/{name}", "POST", {"x": 1}) for name in ("unearth", "unearths", "melt", "decant", "decants")),
    *(Ask("/treasure", method, {"jewels": 1}) for method in ("POST", "PATCH")),
    Ask("/treasure?columns=jewels", "POST", {"jewels": 1}),
    Ask("/treasure?on_conflict=jewels", "POST", {"id": 1}, {"Prefer": "resolution=merge-duplicates"}),
    Ask("/treasure", "POST", {"id": "x", "jewel": None}),
    Ask("/treasure?id=eq.1", "DELETE"),
    Ask("/book?id=eq.1", "DELETE"),
    Ask("/book", "POST", {"id": 7}),
    Ask("/barrel", headers={"Accept-Profile": "cellar"}),
    Ask("/barrel", "POST", {"wine": "x"}, {"Content-Profile": "cellar"}),
    Ask("/book?select=id::barrel"),
    Ask("/book?select=id::treasure"),
    Ask("/book?select=title::regclass"),
    Ask("/book?title=fts(treasure).x"),
)


@pytest.mark.parametrize("production", [False, True], ids=["development", "production"])
async def test_errors_name_nothing_that_one_may_not_see(stage: Playhouse, production: bool) -> None:
    told = []
    async with serving(stage, WORLD, production=production) as house:
        for ask in PROBES:
            for person in (ADA, None):
                for prefix in ("", "/rest/v1"):
                    answer = await house.send(person, ask, prefix)
                    sent = f"{ask.target} {ask.json}"
                    seen = f"{answer.text} {answer.headers}"
                    names = [name for name in SECRETS if name in seen and name not in sent]
                    if names or answer.status_code >= 500:
                        told.append(f"{names} {ask.method} {prefix}{ask.target}: {answer.status_code} {answer.text}")
    assert not told, "\n".join(told)
