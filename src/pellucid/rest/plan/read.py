"""What is to be read: columns, conditions, order and embedded tables."""

from pellucid.database.catalog.model import Column, Table
from pellucid.errors import NotImplementedYet
from pellucid.rest.plan.model import Read
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.parts import Names
from pellucid.rest.request import RestRequest


def plan_read(asked: RestRequest, table: Table | None, context: Context) -> Read:
    """Judge what a request reads from a table, or from what a write or a call hands on.

    The conditions, the order and the range of the table itself are those of a read or a call; a write has its own.

    Args:
        asked: the request.
        table: the columns that are there; None where nobody knows them (a scalar, a bare ``record``).
        context: for whom and against what it is judged.

    Raises:
        SchemaError, RequestError: it names what is not there, or asks for what cannot be.
    """
    if table is None:
        return Read(None, (), range=asked.range)
    names = Names(table, context)
    outputs = names.outputs(asked.query.select)
    if not (asked.reads or getattr(asked, "call", False)):
        return Read(table, outputs)
    where = names.key(asked.key) + names.conditions(asked.query.conditions)
    return Read(table, outputs, where, names.order(asked.query.order), asked.range)


def needed(read: Read) -> tuple[Column, ...]:
    """The columns of the table that a read of a write's or a call's rows works with: what they must hand on, in the table's order."""
    if read.table is None:
        raise NotImplementedYet("Nobody knows the columns.")
    wanted = {output.operand.column.name for output in read.outputs if output.operand}
    return tuple(column for column in read.table.columns.values() if column.name in wanted)
