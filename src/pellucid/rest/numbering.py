"""Keys that a sequence numbers, and rows that bring numbers of their own: nothing in PostgreSQL moves the sequence past these."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pellucid.database.catalog.model import Column, Fill, Table
from pellucid.database.opening import literal
from pellucid.errors import Duplicate, Fault
from pellucid.rest.compile.writer import identifier, relation
from pellucid.rest.plan.model import Insert, Plan

_WHOLE = re.compile(r"\+?[0-9]{1,19}")
FARTHEST = 2**62
"""A number beyond this one moves no sequence: there would be none left to give."""


def moved(table: Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """SQL that moves the numbering of a table's identities past the numbers that the rows bring."""
    for column in table.columns.values():
        if column.fill is Fill.IDENTITY and (highest := _highest(column, rows)):
            sequence = f"pg_get_serial_sequence({literal(relation(table.name))}, {literal(column.name)})::regclass"
            yield (
                f"SELECT setval(s.seqrelid, {highest}) FROM pg_sequence AS s WHERE s.seqrelid = {sequence}"
                f" AND coalesce(pg_sequence_last_value(s.seqrelid), s.seqstart - 1) < {highest} AND s.seqmax > {highest}"
            )


def _highest(column: Column, rows: Iterable[Mapping[str, Any]]) -> int:
    """The highest number that the rows bring; 0 where they bring none."""
    numbers = (_number(row.get(column.name)) for row in rows)
    return max((number for number in numbers if number <= FARTHEST), default=0)


def _number(value: Any) -> int:
    match value:
        case bool():
            return 0
        case int():
            return value
        case str() if _WHOLE.fullmatch(value):
            return int(value)
        case _:
            return 0


def explained(fault: Duplicate, plan: Plan) -> Duplicate:
    """The same error, with the cause where it is not the client's: it has sent no number, and the next one of the sequence is taken.

    It tells no more names than the error had already, and the table's, which the client has named.
    """
    if isinstance(plan, Insert) and plan.table.kind in ("table", "partitioned"):
        sent = {column.name for group in plan.groups for column in group.columns}
        behind = [each for each in plan.table.columns.values() if each.numbered and each.name not in sent]
        named = {each.field for each in fault.faults}
        fault.faults = (*(_behind(plan.table, each) for each in behind if each.name in named), *fault.faults)
    return fault


def _behind(table: Table, column: Column) -> Fault:
    name, owner = identifier(column.name), relation(table.name)
    sequence = f"pg_get_serial_sequence({literal(owner)}, {literal(column.name)})"
    return Fault(
        column.name,
        f"The numbering of {column.name} is behind its rows: the next number is taken already.",
        f"Move it on: select setval({sequence}, (select max({name}) from {owner}));",
    )
