"""What the tests of the witness share: a lookout at a database, a request that is looked at, and a small shop to look at."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pellucid.database.caller import Caller
from pellucid.database.core import Database
from pellucid.database.witness import witness
from pellucid.trace.witness import Lookout, Watcher

ANON = Caller("anon", '{"role": "anon"}')

SHOP = """
create table customer (id int primary key, name text, password text);
create table item (id serial primary key, customer int references customer deferrable initially immediate, what text, price int);
create table journal (id serial primary key, line text);
create function noted() returns trigger language plpgsql as $$
  begin insert into journal (line) values (new.what); return new; end $$;
create trigger noted after insert on item for each row execute function noted();
create function visible(who int) returns bool language plpgsql stable as $$
  begin return exists (select from customer where customer.id = who); end $$;
alter table item enable row level security;
create policy mine on item using (visible(customer)) with check (price >= 0);
create policy cheap on item as restrictive for select using (price < 1000);
insert into customer select i, 'name ' || i, 'pw' from generate_series(1, 5000) as i;
grant all on all tables in schema public to anon;
grant usage on all sequences in schema public to anon;
analyze
"""


@asynccontextmanager
async def lookout_at(database: Database) -> AsyncIterator[Lookout]:
    """A place to look from, with all rights."""
    lookout = Lookout(database.options, database.options.admin_dsn, database.capabilities, patience=60)
    try:
        yield lookout
    finally:
        await lookout.close()


@asynccontextmanager
async def looked_at(lookout: Lookout) -> AsyncIterator[Watcher]:
    """Whatever runs in the block is one request."""
    watcher = Watcher(lookout)
    token = witness.set(watcher)
    try:
        yield watcher
    finally:
        witness.reset(token)
        await watcher.close()


async def request(database: Database, *statements: tuple[Any, ...], caller: Caller = ANON) -> None:
    """One transaction with these statements, each with its arguments."""
    async with database.transaction(caller, read_only=False) as transaction:
        for sql, *args in statements:
            await transaction.fetch(sql, *args)
