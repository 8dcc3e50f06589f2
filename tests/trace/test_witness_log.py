"""What a commit wrote: records of the write-ahead log in words, and the page on which the row now lies."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pellucid.database.core import Database
from pellucid.trace.document import Commit
from pellucid.trace.witness import Lookout
from pellucid.trace.witness.log import Block, blocks_of
from pellucid.trace.witness.pages import Item, Page, picture
from pellucid.trace.witness.words import in_words, lines_of
from tests.trace.looking import ANON, looked_at, lookout_at, request

TABLE = """
create table note (id int primary key, text text);
create table other (id int);
insert into note select i, 'note ' || i from generate_series(1, 10) as i;
grant all on note, other to anon;
create function careful() returns void language plpgsql as $$ begin
  begin insert into note values (77, 'inside'); exception when others then null; end; end $$
"""


@pytest.fixture
async def lookout(admin: asyncpg.Connection, database: Database) -> AsyncIterator[Lookout]:
    await admin.execute(TABLE)
    await database.refresh()
    async with lookout_at(database) as lookout:
        yield lookout


async def commit_of(database: Database, lookout: Lookout, sql: str, *args: object) -> Commit:
    async with looked_at(lookout) as watcher:
        await request(database, (sql, *args))
    assert watcher.missing == ()
    (commit,) = watcher.commits
    return commit


def kinds(commit: Commit) -> list[str]:
    """The records about tables, indexes and the transaction itself; what a checkpoint or a sweep adds is left out."""
    return [
        f"{record.manager} {record.kind.removesuffix('+INIT')}"
        for record in commit.records
        if record.kind[:5] != "PRUNE"
    ]


async def where(admin: asyncpg.Connection, key: int) -> tuple[int, int]:
    """Page and line of a row, as PostgreSQL says itself."""
    place = await admin.fetchval("select ctid::text from note where id = $1", key)
    page, line = place.strip("()").split(",")
    return int(page), int(line)


async def test_an_insert(database: Database, lookout: Lookout, admin: asyncpg.Connection) -> None:
    commit = await commit_of(database, lookout, "insert into note values ($1, $2)", 11, "new")
    assert kinds(commit) == ["Heap INSERT", "Btree INSERT_LEAF", "Transaction COMMIT"]
    assert [record.meaning.partition(",")[0] for record in commit.records] == [
        "a row put into public.note",
        "an entry put into the index public.note_pkey",
        "the transaction committed",
    ]
    (place,) = commit.places
    assert (place.page, place.line) == await where(admin, 11)
    assert place.file == await admin.fetchval("select pg_relation_filepath('note')")
    assert (place.table, place.rows) == ("public.note", 11)
    size = int(await admin.fetchval("show block_size"))
    assert 0 < place.free < size
    assert len(place.picture) == size // 128
    assert place.picture.startswith("h")
    assert "*" in place.picture
    assert commit.size == sum(record.length for record in commit.records)
    assert commit.flushed is not None
    assert await admin.fetchval("select $1::text::pg_lsn < $2::text::pg_lsn", commit.before, commit.after)
    assert commit.xid == await admin.fetchval("select xmin::text from note where id = 11")


async def test_an_update_on_its_own_page(database: Database, lookout: Lookout, admin: asyncpg.Connection) -> None:
    commit = await commit_of(database, lookout, "update note set text = $1 where id = 3", "changed")
    assert kinds(commit) == ["Heap HOT_UPDATE", "Transaction COMMIT"]
    assert "no index had to change" in commit.records[0].meaning
    (place,) = commit.places
    assert (place.page, place.line) == await where(admin, 3)


async def test_an_update_of_the_key(database: Database, lookout: Lookout, admin: asyncpg.Connection) -> None:
    commit = await commit_of(database, lookout, "update note set id = $1 where id = 3", 33)
    assert kinds(commit) == ["Heap UPDATE", "Btree INSERT_LEAF", "Transaction COMMIT"]
    assert [(place.page, place.line) for place in commit.places] == [await where(admin, 33)]


async def test_a_delete(database: Database, lookout: Lookout) -> None:
    commit = await commit_of(database, lookout, "delete from note where id = $1", 5)
    assert kinds(commit) == ["Heap DELETE", "Transaction COMMIT"]
    assert commit.records[0].meaning.startswith("a row of public.note marked as deleted, page 0, line 5")
    assert commit.places == ()


async def test_rows_written_in_a_block_of_their_own_are_found(
    database: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    commit = await commit_of(database, lookout, "select careful()")
    assert "Heap INSERT" in kinds(commit)
    assert [(place.page, place.line) for place in commit.places] == [await where(admin, 77)]


async def test_what_others_write_meanwhile_is_left_out(
    database: Database, lookout: Lookout, admin: asyncpg.Connection
) -> None:
    async with looked_at(lookout) as watcher, database.transaction(ANON, read_only=False) as transaction:
        await transaction.fetch("insert into note values (12, 'ours')")
        await admin.execute("insert into other values (1)")
    assert "other" not in " ".join(record.meaning for record in watcher.commits[0].records)


async def test_reading_commits_nothing_and_a_rollback_neither(database: Database, lookout: Lookout) -> None:
    async with looked_at(lookout) as watcher:
        await request(database, ("select * from note",))
        async with database.transaction(ANON, read_only=False) as transaction:
            await transaction.fetch("insert into note values (12, 'ours')")
            transaction.rollback_only()
    assert watcher.commits == ()


# -- without a database -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("manager", "kind", "description", "lines"),
    [
        ("Heap", "INSERT", "off: 3, flags: 0x08", (3,)),
        ("Heap", "INSERT+INIT", "off 1 flags 0x00", (1,)),
        ("Heap", "HOT_UPDATE", "old_xmax: 8, old_off: 2, old_infobits: [], flags: 0x10, new_xmax: 0, new_off: 4", (4,)),
        ("Heap", "UPDATE", "off 1 xmax 742 flags 0x60 ; new off 2 xmax 0", (2,)),
        ("Heap2", "MULTI_INSERT", "ntuples: 3, flags: 0x02, offsets: [5, 6, 7]", (5, 6, 7)),
        ("Heap2", "MULTI_INSERT+INIT", "3 tuples flags 0x02", (1, 2, 3)),
        ("Heap", "DELETE", "xmax: 8, off: 5, infobits: [], flags: 0x00", ()),
        ("Btree", "INSERT_LEAF", "off: 2", ()),
    ],
)
def test_lines_are_read_in_the_words_of_every_version(
    manager: str, kind: str, description: str, lines: tuple[int, ...]
) -> None:
    assert lines_of(manager, kind, description) == lines


def test_pages_are_read_in_the_words_of_every_version() -> None:
    text = "blkref #0: rel 1663/5/16976 fork main blk 7 (FPW); hole: offset: 60, length: 20; blkref #1: rel 1663/5/16976 forknum 0 blk 9"
    assert blocks_of(text) == [Block(1663, 5, 16976, 7), Block(1663, 5, 16976, 9)]
    assert blocks_of("blkref #0: rel 1663/5/16976 fork vm blk 0") == []


def test_unknown_records_are_told_in_postgresqls_own_words() -> None:
    assert in_words("Gin", "VACUUM_PAGE", "", page=None, relation=None) == "Gin vacuum page"
    assert (
        in_words("Heap", "INSERT", "", page=None, relation=None)
        == "a row put into a relation that is gone, page ?, line ?"
    )


def test_a_page_as_a_picture() -> None:
    page = Page(lower=24 + 4 * 30, upper=1024 - 256, size=1024, items=(Item(1, 896, 128), Item(2, 768, 128)))
    assert picture(page, 2) == "hl....*r"
    assert picture(page, 1) == "hl....r*"
