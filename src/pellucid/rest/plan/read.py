"""What is to be read: columns, conditions, order and embedded tables."""

from pellucid.database.catalog.model import Column, Table
from pellucid.errors import NotImplementedYet, StatementRefused, UnknownColumn
from pellucid.rest.grammar import filters
from pellucid.rest.grammar.select import Everything, Item, Related
from pellucid.rest.plan.embed import Embedder, arranged, completed
from pellucid.rest.plan.model import Condition, Embed, Junction, Operand, Presence, Read
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.parts import Names
from pellucid.rest.plan.relate import find_relationship
from pellucid.rest.request import RestRequest


def plan_read(asked: RestRequest, table: Table | None, context: Context) -> Read:
    """Judge what a request reads from a table, or from what a write or a call hands on.

    The conditions and the range of the table itself are those of a read or a call; a write has its own.

    Args:
        asked: the request.
        table: the columns that are there; None where nobody knows them (a scalar, a bare ``record``).
        context: for whom and against what it is judged.

    Raises:
        SchemaError, RequestError: it names what is not there, or asks for what cannot be.
    """
    if table is None:
        return _unknown(asked, context)
    query = asked.query
    reads = asked.reads or asked.call
    embeds: tuple[Embed, ...] = ()
    if query.embedded or any(not isinstance(item, Item | Everything) for item in query.select):
        said = arranged(query.select, query.embedded, context)
        embeds = Embedder(context, ranged=reads, handed=asked.call).embeds(query.select, table, said)
    names = Names(table, context, embeds, handed=asked.call)
    outputs = names.outputs(query.select)
    order = names.order(query.order) if query.order else ()
    if not reads:
        return Read(table, outputs, order=order, embeds=embeds)
    where = names.key(asked.key) + names.conditions(query.conditions)
    return completed(Read(table, outputs, where, order, asked.range, embeds))


def _unknown(asked: RestRequest, context: Context) -> Read:
    """A read of values, or of rows that nobody knows: they have no columns to ask for."""
    named = [_field(condition) for condition in asked.query.conditions]
    named += [term.field.name for term in asked.query.order]
    for item in asked.query.select:
        if isinstance(item, Related):
            find_relationship(Table(asked.name, "composite", {}), item, context)
        elif isinstance(item, Item) and item.field:
            named.append(item.field.name)
    if named and context.profile.validates:
        raise UnknownColumn(
            f"What {asked.name.name} answers with has no columns that are known before the call: not {named[0]} either.",
            hint="Leave out select, filters and orders.",
        )
    if named:
        raise StatementRefused(f"column {asked.name.name}.{named[0]} does not exist", sqlstate="42703")
    return Read(None, (), range=asked.range)


def _field(condition: filters.Condition) -> str:
    return condition.field.name if isinstance(condition, filters.Filter) else _field(condition.members[0])


def needed(read: Read) -> tuple[Column, ...]:
    """The columns that a read of a write's or a call's rows works with: what they must hand on, in the table's order.

    Computed columns and relationships are made of the whole row.

    Raises:
        NotImplementedYet: nobody knows the columns.
    """
    if read.table is None:
        raise NotImplementedYet("Nobody knows the columns.")
    wanted: set[str] = set()
    whole = any(embed.relationship.function for embed in read.embeds)
    for operand in _operands(read):
        wanted.add(operand.column.name)
        whole = whole or operand.column.function is not None
    for embed in read.embeds:
        way = embed.relationship
        wanted.update(near for near, _ in (way.junction.near if way.junction else way.columns))
    return tuple(column for column in read.table.columns.values() if whole or column.name in wanted)


def _operands(read: Read) -> list[Operand]:
    return [
        *(output.operand for output in read.outputs if output.operand),
        *(sort.operand for sort in read.order if sort.embed is None),
        *_compared(read.where),
    ]


def _compared(conditions: tuple[Condition, ...]) -> list[Operand]:
    operands: list[Operand] = []
    for condition in conditions:
        match condition:
            case Junction(_, members):
                operands += _compared(members)
            case Presence():
                pass
            case _:
                operands.append(condition.operand)
    return operands
