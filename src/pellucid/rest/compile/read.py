"""A `Read` as one SELECT, embedded tables included."""

from pellucid.rest.compile.conditions import order_by, outputs, where
from pellucid.rest.compile.writer import Parameters, identifier, relation
from pellucid.rest.plan.model import Read


def select(read: Read, parameters: Parameters, source: str | None = None) -> str:
    """The rows that are read, as a SELECT without parentheses.

    Args:
        read: what to read.
        parameters: collects the values.
        source: the name of a CTE to read from instead of the table; it has columns of the table's names (`needed` tells which).
    """
    items = outputs(read.outputs, parameters) if read.table else "t.*"
    condition = where(read.where, parameters)
    order = order_by(read.order, parameters)
    limit = "" if read.range.limit is None else f" LIMIT {parameters.bind(read.range.limit, 'int8')}"
    offset = f" OFFSET {parameters.bind(read.range.offset, 'int8')}" if read.range.offset else ""
    return f"SELECT {items} FROM {_source(read, source)}{condition}{order}{limit}{offset}"


def count(read: Read, parameters: Parameters, source: str | None = None) -> str:
    """How many rows there are in all, whatever the range: a SELECT of one number."""
    return f"SELECT count(*) FROM {_source(read, source)}{where(read.where, parameters)}"


def _source(read: Read, source: str | None) -> str:
    if source is not None:
        return f"{identifier(source)} AS t"
    if read.table is None:
        raise ValueError("a read without a table needs a source")
    return f"{relation(read.table.name)} AS t"
