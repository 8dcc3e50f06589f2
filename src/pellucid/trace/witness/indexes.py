"""The index that a sequential scan lacks, tried: by hypopg, or as a real one in a transaction that is rolled back.

CREATE INDEX takes a SHARE lock: readers go on, writers of the table wait until the trial is over. So a real one is tried only where
that was allowed, on tables of a limited size, within a limited time, and not at all when the lock is not free at once: waiting for it
would hold up the writers behind. It is tried with the rights of the administrator, and planning may call functions of others: another
reason for leaving it to development. A hypothetical one is tried with the rights of requests.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from pellucid.trace.document import Advice
from pellucid.trace.witness.lookout import Lookout
from pellucid.trace.witness.nodes import Node, nodes

REMOVED, SELECTIVE = 500, 9
"""A scan is worth an index where it threw away at least so many rows, and so many times the rows that it kept."""

COLUMNS = 3
"""Columns of an index that is tried, at most."""

_COLUMN = r'(?:(?:"(?:[^"]|"")+"|\w+)\.)?("(?:[^"]|"")+"|\w+)'
_COMPARISON = re.compile(
    rf'(?:(?<![\w"])\({_COLUMN}\)::[\w ]+?(?:\(\d+\))?|(?<![\w".]){_COLUMN}) (=|<|>|<=|>=) (?!\(?"?\w+"?\.)'
)
"""A column, or one that is cast, compared with something that is no column."""

_INDEXES = """select array(select quote_ident(a.attname) from unnest(i.indkey::int2[]) with ordinality as k(number, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number order by k.place) as columns
from pg_index i where i.indrelid = $1::text::regclass and i.indisvalid and i.indpred is null"""
_TABLE = """select c.oid::regclass::text as name, pg_table_size(c.oid) as size, array(select quote_ident(attname) from pg_attribute
  where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2 and c.relkind = 'r'"""
_AS_CALLER = """select set_config('search_path', $1, true), set_config('request.jwt.claims', $2, true), set_config('role', $3, true)"""


@dataclass(frozen=True, slots=True)
class Trials:
    """How indexes may be tried. ``real`` allows a real one on tables of at most ``largest`` bytes, for ``milliseconds`` at most."""

    real: bool = False
    largest: int = 64 << 20
    milliseconds: int = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement as it was asked: by whom, with which claims, and where unqualified names are looked up."""

    sql: str
    args: Sequence[Any]
    role: str
    claims: str
    path: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """An index that would serve a scan."""

    table: str
    columns: tuple[str, ...]
    size: int

    @property
    def sql(self) -> str:
        """The statement that makes it for good, without holding writers up."""
        return f"create index concurrently on {self.table} ({', '.join(self.columns)})"

    @property
    def trial(self) -> str:
        """The statement that makes it in a transaction."""
        return f"create index on {self.table} ({', '.join(self.columns)})"


@dataclass(frozen=True, slots=True)
class _Trial:
    """How an index is tried: the statement that makes it, and what is said of it; ``low`` with the rights of requests."""

    wanted: Wanted
    make: str
    how: str
    trials: Trials
    low: bool = False


async def advice(lookout: Lookout, asked: Asked, plan: Mapping[str, Any], trials: Trials) -> tuple[Advice, ...]:
    """The indexes that would help a statement, with what they would gain.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database was not to be asked.
    """
    found = [wanted for node in scans(plan) if (wanted := await _wanted(lookout, node)) is not None]
    tried = [await _tried(lookout, asked, wanted, trials) for wanted in dict.fromkeys(found)]
    return tuple(each for each in tried if each.after is None or each.before is None or each.after < 0.9 * each.before)


def scans(plan: Mapping[str, Any]) -> Iterator[Node]:
    """The sequential scans that threw away most of what they read."""
    for node in nodes(plan):
        removed = node.get("Rows Removed by Filter", 0) * node.get("Actual Loops", 1)
        kept = node.get("Actual Rows", 0) * node.get("Actual Loops", 1)
        if node["Node Type"] == "Seq Scan" and removed >= REMOVED and removed >= SELECTIVE * kept:
            yield node


def columns_of(condition: str) -> tuple[str, ...]:
    """The columns that an index could serve, quoted where they must be: those compared for equality, then one that is compared otherwise.

    Of a condition with alternatives (OR) nothing is said.
    """
    if " OR " in condition or "NOT " in condition:
        return ()
    found = [(match[1] or match[2], match[3]) for match in _COMPARISON.finditer(condition)]
    equal = [column for column, operator in found if operator == "="]
    ranged = [column for column, operator in found if operator != "=" and column not in equal]
    return tuple(dict.fromkeys([*equal, *ranged[:1]]))[:COLUMNS]


async def _wanted(lookout: Lookout, node: Node) -> Wanted | None:
    """The index for a scan, unless there is one already that the planner did not want."""
    rows = await lookout.ask(_TABLE, node["Schema"], node["Relation Name"])
    columns = columns_of(node.get("Filter", ""))
    columns = tuple(column for column in columns if rows and column in rows[0]["columns"])
    if not columns:
        return None
    there = await lookout.ask(_INDEXES, rows[0]["name"])
    if any(set(row["columns"][: len(columns)]) == set(columns) for row in there):
        return None
    return Wanted(rows[0]["name"], columns, rows[0]["size"])


async def _tried(lookout: Lookout, asked: Asked, wanted: Wanted, trials: Trials) -> Advice:
    if "hypopg" in lookout.seen.extensions:
        make = f"select from {lookout.seen.extensions['hypopg']}.hypopg_create_index('{wanted.trial.replace(chr(39), chr(39) * 2)}')"
        return await _costs(
            lookout, asked, _Trial(wanted, make, "estimated with a hypothetical index (hypopg)", trials, low=True)
        )
    if not trials.real:
        return Advice(
            wanted.table,
            wanted.sql,
            "not tried: a trial on the real table would hold its writers up; hypopg tries without",
        )
    if wanted.size > trials.largest:
        sizes = f"{wanted.size / 2**20:.1f} MiB, and trials end at {trials.largest / 2**20:.1f}"
        return Advice(wanted.table, wanted.sql, f"not tried: the table has {sizes}")
    return await _costs(
        lookout, asked, _Trial(wanted, wanted.trial, "tried with a real index that was rolled back", trials)
    )


async def _costs(lookout: Lookout, asked: Asked, trial: _Trial) -> Advice:
    """The estimated costs before and after the index is made."""
    async with lookout.use_low() if trial.low else lookout.use() as connection:
        refusal: str | None = None
        await connection.execute("begin")
        try:
            before = await _cost(connection, asked)
            await connection.execute(f"set local statement_timeout = {trial.trials.milliseconds}")
            await connection.execute(trial.make)
            after = await _cost(connection, asked)
        except asyncpg.PostgresError as fault:
            refusal = str(fault).partition("\n")[0]
        await connection.execute(
            "rollback"
        )  # whatever else goes wrong ends the connection, and the transaction with it
        await _forget(connection, lookout)
    if refusal is not None:
        return Advice(trial.wanted.table, trial.wanted.sql, f"not tried: {refusal}")
    return Advice(trial.wanted.table, trial.wanted.sql, trial.how, before, after)


async def _cost(connection: asyncpg.Connection, asked: Asked) -> float:
    """What the planner expects the statement to cost, for its caller."""
    await connection.execute("savepoint look; select pg_catalog.set_config('search_path', 'pg_catalog', true)")
    await connection.fetch(_AS_CALLER, asked.path, asked.claims, asked.role)
    explain = await connection.prepare(f"explain (format json) {asked.sql}", name="")
    told = json.loads(await explain.fetchval(*asked.args))
    await connection.execute("rollback to savepoint look; release savepoint look")
    return float(told[0]["Plan"]["Total Cost"])


async def _forget(connection: asyncpg.Connection, lookout: Lookout) -> None:
    """Hypothetical indexes last as long as the session."""
    if "hypopg" in lookout.seen.extensions:
        await connection.execute(f"select {lookout.seen.extensions['hypopg']}.hypopg_reset()")
