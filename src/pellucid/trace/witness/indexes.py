"""The index that a sequential scan lacks, and roughly what it would gain.

Nothing is tried. Whoever plans a statement runs users' code: functions are worked out while PostgreSQL plans, and one of them may undo a
SET ROLE. So nobody's statement is ever planned where an administrator has logged in; the gain is worked out from what the run itself told.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from pellucid.trace.conditions import columns_of
from pellucid.trace.document import Advice
from pellucid.trace.plans import Node, nodes_of
from pellucid.trace.witness.lookout import Lookout

REMOVED, SELECTIVE = 500, 9
"""A scan is worth an index where it threw away at least so many rows, and so many times the rows that it kept."""

PAGE, ROW = 4.0, 0.01
"""What PostgreSQL reckons for a page and a row (``random_page_cost``, ``cpu_tuple_cost``; 19.7.2), where nobody chose otherwise."""

DESCENT = 3
"""Pages from the root of an index to its leaf."""

_INDEXES = """select array(select quote_ident(a.attname) from unnest(i.indkey::int2[]) with ordinality as k(number, place)
  join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number order by k.place) as columns
from pg_index i where i.indrelid = $1::oid and i.indisvalid and i.indpred is null"""
_TABLE = """select c.oid, c.oid::regclass::text as name, greatest(c.relpages, 1) as pages, array(select quote_ident(attname)
  from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2 and c.relkind = 'r'"""


class Wanted(Struct, frozen=True):
    """An index that would serve a scan, on a table of so many pages."""

    table: str
    columns: tuple[str, ...]
    pages: int

    @property
    def sql(self) -> str:
        """The statement that makes it, without holding writers up."""
        return f"create index concurrently on {self.table} ({', '.join(self.columns)})"


async def advice(lookout: Lookout, plan: Mapping[str, Any]) -> tuple[Advice, ...]:
    """The indexes that would help a statement, with what they would roughly gain.

    Args:
        lookout: from where to look.
        plan: of the statement, as it ran.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database was not to be asked.
    """
    found: dict[Wanted, Advice] = {}
    for node in scans(plan):
        if (wanted := await _wanted(lookout, node)) is not None:
            found.setdefault(wanted, estimated(wanted, node, plan["Plan"]["Total Cost"]))
    return tuple(each for each in found.values() if each.before and each.after and each.after < 0.9 * each.before)


def estimated(wanted: Wanted, scan: Node, before: float) -> Advice:
    """What an index would gain, if it finds the rows that the scan kept.

    Args:
        wanted: the index.
        scan: the node of the plan that would use it.
        before: what PostgreSQL reckoned for the whole statement.
    """
    loops = scan.loops or 1.0
    kept, removed = (scan.rows or 0.0) / loops, scan.removed / loops
    cost = PAGE * (DESCENT + min(kept, wanted.pages)) + ROW * kept
    after = max(cost * loops, before - (scan.cost - cost) * loops)
    read = f"{kept:,.0f} of {kept + removed:,.0f} rows were wanted, and the table has {wanted.pages:,} pages"
    return Advice(wanted.table, wanted.sql, f"a rough estimate, nothing was tried: {read}", before, after)


def scans(plan: Mapping[str, Any]) -> Iterator[Node]:
    """The sequential scans that threw away most of what they read."""
    for node in nodes_of(plan):
        if node.kind == "Seq Scan" and node.removed >= max(REMOVED, SELECTIVE * (node.rows or 0.0)):
            yield node


async def _wanted(lookout: Lookout, node: Node) -> Wanted | None:
    """The index for a scan, unless there is one already that the planner did not want."""
    rows = await lookout.ask(_TABLE, node.raw["Schema"], node.raw["Relation Name"])
    columns = columns_of(node.filter)
    columns = tuple(column for column in columns if rows and column in rows[0]["columns"])
    if not columns:
        return None
    there = await lookout.ask(_INDEXES, rows[0]["oid"])
    if any(set(row["columns"][: len(columns)]) == set(columns) for row in there):
        return None
    return Wanted(rows[0]["name"], columns, rows[0]["pages"])
