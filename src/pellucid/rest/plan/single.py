"""Which requests touch one row at most and nothing else, so that they are quick and can travel with others."""

from collections.abc import Iterable

from pellucid.database.catalog.model import Table
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.plan.form import Form, Shape
from pellucid.rest.plan.model import Comparison, Condition, Delete, Insert, Plan, Read, Reading, Update
from pellucid.rest.request import RestRequest

_SHAPES = {Shape.JSON, Shape.OBJECT, Shape.NOTHING}
_KINDS = {"table", "partitioned"}


def is_single(asked: RestRequest, plan: Plan, form: Form) -> bool:
    """Whether a request reads, inserts, changes or removes one row at most, addressed by its whole key, of a plain table.

    What functions, triggers and rules do on the way is somebody else's work, and may be slow or look at its transaction; so is what
    views and related tables bring in.
    """
    if form.plan is not None or form.shape not in _SHAPES or asked.preferences.max_affected is not None:
        return False
    match plan:
        case Reading(read, count):
            return count is None and _is_plain(read) and read.table is not None and _is_one(read.table, read.where)
        case Insert(table, groups, conflict=None, where=()):
            one_row = len(groups) == 1 and groups[0].places is None and _sends_one(asked)
            return one_row and _is_written(table, plan.answer)
        case Update(table) | Delete(table):
            return _is_written(table, plan.answer) and _is_one(table, plan.where)
        case _:
            return False


def _sends_one(asked: RestRequest) -> bool:
    return asked.payload is not None and len(asked.payload.rows) == 1


def _is_written(table: Table, answer: Read | None) -> bool:
    return table.kind in _KINDS and not table.hooked and (answer is None or _is_plain(answer))


def _is_plain(read: Read) -> bool:
    """Whether nothing but the table's own columns is read."""
    return (
        read.table is not None
        and read.table.kind in _KINDS
        and not read.embeds
        and all(
            output.operand is not None and output.operand.column.function is None and output.aggregate is None
            for output in read.outputs
        )
    )


def _is_one(table: Table, where: Iterable[Condition]) -> bool:
    """Whether the conditions are plain equalities, with every column of the primary key among them."""
    named = set()
    for each in where:
        if not isinstance(each, Comparison) or each.operator is not Operator.EQ or each.negated or each.quantifier:
            return False
        if each.operand.path or each.operand.column.function is not None:
            return False
        named.add(each.operand.column.name)
    return bool(table.primary_key) and named.issuperset(table.primary_key)
