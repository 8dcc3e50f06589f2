"""Which requests are small enough to travel with others, and which of these leave nothing behind."""

from collections.abc import Iterable, Iterator

from pellucid.database.catalog.model import Table
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.plan.casts import is_own
from pellucid.rest.plan.form import Form, Shape
from pellucid.rest.plan.model import Comparison, Condition, Delete, Insert, Output, Plan, Read, Reading, Update
from pellucid.rest.request import RestRequest

MOST_ROWS = 100
"""How many rows a list may have that travels with others."""

_SHAPES = {Shape.JSON, Shape.OBJECT, Shape.NOTHING}
_KINDS = {"table", "partitioned"}


def is_small(asked: RestRequest, plan: Plan, form: Form) -> bool:
    """Whether a request reads, inserts, changes or removes one row at most, addressed by its whole key; or reads a short list.

    What functions, triggers and rules do on the way is somebody else's work, and may be slow or look at its transaction; so is what
    views bring in.
    """
    if form.plan is not None or form.shape not in _SHAPES or asked.preferences.max_affected is not None:
        return False
    match plan:
        case Reading(read, None):
            return _is_short(read) or _is_row(read)
        case Insert(table, groups, conflict=None, where=()):
            one_row = len(groups) == 1 and groups[0].places is None and _sends_one(asked)
            return one_row and _is_written(table, plan.answer)
        case Update(table) | Delete(table):
            return _is_written(table, plan.answer) and _is_one(table, plan.where)
        case _:
            return False


def is_quiet(plan: Plan) -> bool:
    """Whether a small request looks at nothing but its rows, the claims and the role, and leaves nothing behind in the session."""
    match plan:
        case Reading(read):
            return all(each.table is not None and each.table.quiet for each in _reads(read))
        case Insert(table) | Update(table) | Delete(table):
            return table.quiet
        case _:
            return False


def runs_own_code(plan: Plan) -> bool:
    """Whether a write, of however many rows, runs nothing but what PostgreSQL and Pellucid bring: no function of anybody else's."""
    match plan:
        case Insert(table) | Update(table) | Delete(table):
            return table.quiet and _is_written(table, plan.answer) and all(map(_is_bare, plan.where))
        case _:
            return False


def touches_one(plan: Plan) -> bool:
    """Whether a small request touches one row at most."""
    return not isinstance(plan, Reading) or _is_row(plan.read)


def _sends_one(asked: RestRequest) -> bool:
    return asked.payload is not None and len(asked.payload.rows) == 1


def _is_written(table: Table, answer: Read | None) -> bool:
    return table.kind in _KINDS and not table.hooked and (answer is None or _is_plain(answer))


def _is_plain(read: Read) -> bool:
    """Whether nothing but the table's own columns is read."""
    return not read.embeds and _is_its_own(read)


def _is_row(read: Read) -> bool:
    """Whether it is a row of a table, by its whole key."""
    return _is_plain(read) and read.table is not None and _is_one(read.table, read.where)


def _is_its_own(read: Read) -> bool:
    """Whether its columns, conditions and order are a plain table's own, and there is one row for each of the table's."""
    return (
        read.table is not None
        and read.table.kind in _KINDS
        and not read.grouped
        and all(map(_is_plainly_shown, read.outputs))
        and all(sort.operand.column.function is None for sort in read.order)
        and all(map(_is_bare, read.where))
    )


def _is_plainly_shown(output: Output) -> bool:
    bare = output.operand is not None and output.operand.column.function is None
    return bare and (output.cast is None or is_own(output.cast))


def _is_bare(condition: Condition) -> bool:
    """Whether it compares a column that is not computed."""
    return isinstance(condition, Comparison) and condition.operand.column.function is None


def _is_short(read: Read) -> bool:
    """Whether it is a list of a bounded length, with no more than one row of each related table in a row."""
    bounded = read.range.limit is not None and read.range.limit <= MOST_ROWS
    return (
        bounded and all(_is_its_own(each) for each in _reads(read)) and all(_is_single(each) for each in _reads(read))
    )


def _is_single(read: Read) -> bool:
    return all(embed.relationship.to_one and embed.relationship.function is None for embed in read.embeds)


def _reads(read: Read) -> Iterator[Read]:
    """The read and those within it."""
    yield read
    for embed in read.embeds:
        yield from _reads(embed.read)


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
