"""What a transaction wrote to the write-ahead log, record by record (pg_walinspect, PostgreSQL F.37)."""

import re
from collections.abc import Iterable, Mapping

import asyncpg
from msgspec import Struct

from pellucid.trace.document import Record
from pellucid.trace.witness.lookout import Lookout
from pellucid.trace.witness.words import in_words, lines_of

WINDOW = 64 << 20
"""Bytes of log that are searched at most: on a busy server others write between our records."""

MOST = 200
"""Records that are kept of one transaction."""

CARRYING = ("LogicalMessage",)
"""Their descriptions hold what somebody wrote, not only where."""

_RECORDS = """select start_lsn::text as lsn, resource_manager as manager, record_type as kind, record_length as length, fpi_length as image,
  description, coalesce(block_ref, '') as blocks
from {schema}.pg_get_wal_records_info($1::text::pg_lsn, $2::text::pg_lsn) where xid::text = any($3::text[]) order by start_lsn"""
_RELATIONS = """select n.number, n.node, c.oid::regclass::text as name, c.relkind::text as kind, pg_relation_filepath(c.oid) as file,
  (select indrelid::regclass::text from pg_index where indexrelid = c.oid) as indexed
from unnest($1::int[], $2::oid[], $3::oid[]) as n(number, space, node)
join pg_class c on c.oid = pg_filenode_relation(n.space, n.node)"""
_DATABASE = "select oid from pg_database where datname = current_database()"

_BLOCK = re.compile(r"blkref #(\d+): rel (\d+)/(\d+)/(\d+) fork\w* (\w+) blk (\d+)")
_SUBTRANSACTIONS = re.compile(r"subxacts: ([\d ]+)")


class Block(Struct, frozen=True):
    """A page that a record is about: the relation's tablespace, database and file number, and the page's number."""

    space: int
    database: int
    node: int
    page: int


class Relation(Struct, frozen=True):
    """A table or an index, with the file that it lies in; ``indexed`` is the table of an index."""

    name: str
    kind: str
    file: str
    indexed: str | None = None


class Written(Struct, frozen=True):
    """Where a record put a row: line pointers on a page of a table."""

    relation: Relation
    page: int
    lines: tuple[int, ...]


class Log(Struct, frozen=True):
    """The records of one transaction, their bytes, where it put rows, and the end of its commit record."""

    records: tuple[Record, ...] = ()
    size: int = 0
    written: tuple[Written, ...] = ()


async def read_log(lookout: Lookout, xid: str, before: str, after: str) -> Log:
    """Read what a transaction wrote.

    Args:
        lookout: from where to look.
        xid: its number.
        before: a position before its first record.
        after: a position behind its commit, which has reached the disk.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: it cannot be read.
    """
    sql = _RECORDS.format(schema=lookout.seen.extensions["pg_walinspect"])
    rows = await lookout.ask(sql, before, after, [xid])
    if inner := _subtransactions(rows):
        rows = await lookout.ask(sql, before, after, [xid, *inner])
    relations = await _relations(lookout, rows)
    return Log(
        tuple(_record(row, relations) for row in rows[:MOST]),
        sum(row["length"] for row in rows),
        tuple(written for row in rows[:MOST] if (written := _written(row, relations))),
    )


def _subtransactions(rows: Iterable[asyncpg.Record]) -> list[str]:
    """The numbers of those inside of it (savepoints, blocks with exceptions): its commit record lists them."""
    found = (_SUBTRANSACTIONS.search(row["description"] or "") for row in rows if row["manager"] == "Transaction")
    return [number for match in found if match for number in match[1].split()]


def blocks_of(text: str) -> list[Block]:
    """The pages of tables and indexes that a record is about, the first one first."""
    found = _BLOCK.findall(text)
    return [
        Block(int(space), int(base), int(node), int(page))
        for _, space, base, node, fork, page in found
        if fork in ("main", "0")
    ]


async def _relations(lookout: Lookout, rows: Iterable[asyncpg.Record]) -> Mapping[int, Relation]:
    """What the files are, by their numbers."""
    blocks = {block.node: block for row in rows for block in blocks_of(row["blocks"])}
    here = (await lookout.ask(_DATABASE))[0]["oid"]
    ours = [block for block in blocks.values() if block.database == here]
    found = await lookout.ask(
        _RELATIONS, list(range(len(ours))), [block.space for block in ours], [block.node for block in ours]
    )
    return {row["node"]: Relation(row["name"], row["kind"], row["file"], row["indexed"]) for row in found}


def _record(row: asyncpg.Record, relations: Mapping[int, Relation]) -> Record:
    kind, description = row["kind"], row["description"] or ""
    if row["manager"] in CARRYING:
        description = ""
    blocks = blocks_of(row["blocks"])
    relation = relations.get(blocks[0].node) if blocks else None
    meaning = in_words(
        row["manager"],
        kind,
        description,
        page=blocks[0].page if blocks else None,
        relation=relation.name if relation else None,
    )
    if row["image"]:
        meaning += f", with the whole page ({row['image']} bytes): its first change since the last checkpoint"
    return Record(row["lsn"], row["manager"], kind, row["length"], description, row["blocks"], meaning)


def _written(row: asyncpg.Record, relations: Mapping[int, Relation]) -> Written | None:
    """Where a record put rows, if it is of that kind."""
    blocks = blocks_of(row["blocks"])
    relation = relations.get(blocks[0].node) if blocks else None
    lines = lines_of(row["manager"], row["kind"], row["description"] or "")
    return Written(relation, blocks[0].page, lines) if relation is not None and lines else None
