"""A `Read` as one SELECT, embedded tables included.

The table of the nth embed is ``tn``, its junction ``jn``; ``rn`` is what is read of them, and ``en`` what that is joined as.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pellucid.database.catalog.model import Relationship
from pellucid.rest.compile.conditions import ROOT, Scope, aggregated, inside, operand, order_by, output, written
from pellucid.rest.compile.writer import Parameters, identifier, relation
from pellucid.rest.grammar.ranges import ALL, Range
from pellucid.rest.plan.model import Embed, Output, Presence, Read, Sort


def select(read: Read, parameters: Parameters, source: str | None = None) -> str:
    """The rows that are read, as a SELECT without parentheses.

    Args:
        read: what to read.
        parameters: collects the values.
        source: the name of a CTE to read from instead of the table; it has columns of the table's names (`needed` tells which).
    """
    return _rows(read, _source(read, source), [], _scope(read, source), parameters)


def count(read: Read, parameters: Parameters, source: str | None = None) -> str:
    """How many rows there are in all, whatever the range: a SELECT of one number."""
    if read.grouped:
        return f"SELECT count(*) FROM ({select(replace(read, order=(), range=ALL), parameters, source)}) AS c"
    return f"SELECT count(*) FROM {_source(read, source)}{_clause(_kept(read, _scope(read, source), parameters))}"


def _source(read: Read, source: str | None) -> str:
    if source is not None:
        return f"{identifier(source)} AS t"
    if read.table is None:
        raise ValueError("a read without a table needs a source")
    return f"{relation(read.table.name)} AS t"


def _scope(read: Read, source: str | None) -> Scope:
    """What the root is called. A row of a CTE has no type that a function takes until it is given the table's."""
    if source is None or read.table is None:
        return ROOT
    columns = ", ".join(f"t.{identifier(name)}" for name in read.table.columns)
    return Scope(row=f"ROW({columns})::{relation(read.table.name)}")


class _Item(Struct, frozen=True):
    """One item of a select list; ``group`` is what it is grouped by where that is not the item itself."""

    text: str
    name: str
    aggregate: bool = False
    group: str | None = None


class _Part(Struct, frozen=True):
    """What an embedded table adds to a SELECT. ``presence`` is the condition that a row has some of it, ``absence`` that it has none."""

    number: int
    items: Sequence[_Item] = ()
    join: str = ""
    presence: str = ""
    absence: str = ""


def _rows(read: Read, source: str, ties: list[str], scope: Scope, parameters: Parameters) -> str:
    """The SELECT of a read, whose rows belong to a row of another table by the conditions ``ties``."""
    if not read.embeds and not read.grouped:
        listed, groups = _listed(read, parameters, scope), ""
    else:
        parts = [_part(embed, scope, parameters) for embed in read.embeds]
        items = [_item(each, parameters, scope) for each in read.outputs]
        items += [item for part in parts for item in part.items]
        source += "".join(part.join for part in parts)
        scope = _joined(read, parts, scope, parameters)
        listed = ",".join(f" {item.text} AS {identifier(item.name)}" for item in items)
        groups = _groups(items) if read.grouped else ""
    conditions = _clause(ties + written(read.where, parameters, scope))
    order = order_by(read.order, parameters, scope)
    return f"SELECT{listed} FROM {source}{conditions}{groups}{order}{_span(read.range, parameters)}"


def _listed(read: Read, parameters: Parameters, scope: Scope) -> str:
    """The select list of columns alone, which most reads have."""
    if read.table is None:
        return " t.*"
    return ",".join([f" {output(each, parameters, scope)} AS {identifier(each.name)}" for each in read.outputs])


def _joined(read: Read, parts: Sequence[_Part], scope: Scope, parameters: Parameters) -> Scope:
    """The scope in which the embedded tables are there too."""
    return replace(
        scope,
        presence=lambda asked: parts[asked.embed].presence if asked.negated else parts[asked.embed].absence,
        related=lambda sort: _related(sort, read, parts, scope, parameters),
    )


def _related(sort: Sort, read: Read, parts: Sequence[_Part], scope: Scope, parameters: Parameters) -> str:
    place = sort.embed or 0
    if sort.output is not None:
        text = f"e{parts[place].number}.{identifier(sort.output)}"
        return inside(text, sort.operand, parameters) if sort.operand.path else text
    embed = read.embeds[place]
    number = parameters.number()
    source, ties = _from(embed.relationship, scope, number)
    there = _table(number)
    conditions = _clause(ties + _kept(embed.read, there, parameters))
    return f"(SELECT {operand(sort.operand, parameters, there)} FROM {source}{conditions} LIMIT 1)"


def _item(each: Output, parameters: Parameters, scope: Scope) -> _Item:
    """Rows that differ in a column are told apart even where its cast or its representation makes them look alike."""
    item = each.operand
    group = None
    if item and not item.path and (item.column.representation or (each.cast and each.name == item.column.name)):
        group = operand(item, parameters, scope)
    return _Item(output(each, parameters, scope), each.name, each.aggregate is not None, group)


def _groups(items: Sequence[_Item]) -> str:
    terms = [item.group or str(place) for place, item in enumerate(items, 1) if not item.aggregate]
    return f" GROUP BY {', '.join(terms)}" if terms else ""


def _clause(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _span(span: Range, parameters: Parameters) -> str:
    limit = "" if span.limit is None else f" LIMIT {parameters.bind(span.limit, 'int8')}"
    return f"{limit} OFFSET {parameters.bind(span.offset, 'int8')}" if span.offset else limit


# -- embedded tables --------------------------------------------------------------------------------------------------


def _part(embed: Embed, scope: Scope, parameters: Parameters) -> _Part:
    number = parameters.number()
    if embed.hidden and not embed.inner and not embed.asked:
        return _Part(number)
    source, ties = _from(embed.relationship, scope, number)
    rows = _rows(embed.read, source, ties, _table(number), parameters)
    if embed.relationship.to_one:
        return _one(embed, number, rows)
    return _lists(embed, number, rows) if embed.spread else _many(embed, number, rows)


def _one(embed: Embed, number: int, rows: str) -> _Part:
    """At most one row: an object, or its columns among the row's own."""
    row = f"e{number}"
    items = [_Item(f"to_jsonb({row}.*)", embed.name)]
    if embed.spread:
        items = [
            _Item(aggregated(f"{row}.{identifier(each.source)}", each), each.name, each.aggregate is not None)
            for each in embed.lifted
        ]
    return _Part(
        number,
        () if embed.hidden else items,
        _join(embed, number, rows, "TRUE"),
        f"{row}.* IS DISTINCT FROM NULL",
        f"{row}.* IS NOT DISTINCT FROM NULL",
    )


def _many(embed: Embed, number: int, rows: str) -> _Part:
    """Any number of rows: a list of objects. It is joined only where rows are kept by it, for a join comes before the limit."""
    if embed.hidden:
        some = f"SELECT 1 AS some FROM ({rows}) AS r{number} LIMIT 1"
        return _Part(number, (), _join(embed, number, some, "TRUE"), *_known(f"e{number}.some"))
    listed = f"SELECT jsonb_agg(r{number}.*) AS list FROM ({rows}) AS r{number}"
    if not embed.inner and not embed.asked:
        return _Part(number, [_Item(f"coalesce(({listed}), '[]')", embed.name)])
    item = _Item(f"coalesce(e{number}.list, '[]')", embed.name)
    join = _join(embed, number, listed, f"e{number}.list IS NOT NULL" if embed.inner else "TRUE")
    return _Part(number, [item], join, *_known(f"e{number}.list"))


def _lists(embed: Embed, number: int, rows: str) -> _Part:
    """Any number of rows spread: a list for each column. ``@some`` is no name that a column is given."""
    row, some = f"e{number}", identifier("@some")
    lists = [
        f"coalesce(jsonb_agg(r{number}.{identifier(each.source)}), '[]') AS {identifier(each.name)}"
        for each in embed.lifted
    ]
    listed = f"SELECT {', '.join(lists)}, count(*) > 0 AS {some} FROM ({rows}) AS r{number}"
    join = _join(embed, number, listed, f"{row}.{some}" if embed.inner else "TRUE")
    items = [_Item(f"{row}.{identifier(each.name)}", each.name) for each in embed.lifted]
    return _Part(number, items, join, f"{row}.{some}", f"NOT {row}.{some}")


def _known(value: str) -> tuple[str, str]:
    return f"{value} IS NOT NULL", f"{value} IS NULL"


def _join(embed: Embed, number: int, rows: str, condition: str) -> str:
    return f" {'INNER' if embed.inner else 'LEFT'} JOIN LATERAL ({rows}) AS e{number} ON {condition}"


def _table(number: int) -> Scope:
    return Scope(f"t{number}", f"t{number}.*")


def _from(way: Relationship, scope: Scope, number: int) -> tuple[str, list[str]]:
    """What an embedded table is read from, and the conditions that tie it to a row of the scope."""
    table = f"t{number}"
    if way.function is not None:
        return f"{relation(way.function)}({scope.row}) AS {table}", []
    source = f"{relation(way.target)} AS {table}"
    if way.junction is None:
        return source, _ties(scope.alias, table, way.columns)
    between = f"j{number}"
    ties = _ties(between, table, way.junction.far) + _ties(scope.alias, between, way.junction.near)
    return f"{source}, {relation(way.junction.table)} AS {between}", ties


def _ties(near: str, far: str, columns: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{near}.{identifier(one)} = {far}.{identifier(other)}" for one, other in columns]


# -- which rows there are, without what is answered of them -----------------------------------------------------------


def _kept(read: Read, scope: Scope, parameters: Parameters) -> list[str]:
    """The conditions that a row of the read satisfies, those of embedded tables included."""
    if not read.embeds:
        return written(read.where, parameters, scope)

    def presence(asked: Presence) -> str:
        return f"{'' if asked.negated else 'NOT '}{_exists(read.embeds[asked.embed], scope, parameters)}"

    inner = [_exists(embed, scope, parameters) for embed in read.embeds if embed.inner]
    return written(read.where, parameters, replace(scope, presence=presence)) + inner


def _exists(embed: Embed, scope: Scope, parameters: Parameters) -> str:
    number = parameters.number()
    source, ties = _from(embed.relationship, scope, number)
    there = _table(number)
    if embed.read.grouped or embed.read.range.offset or embed.read.range.limit == 0:
        return f"EXISTS ({_rows(embed.read, source, ties, there, parameters)})"
    return f"EXISTS (SELECT 1 FROM {source}{_clause(ties + _kept(embed.read, there, parameters))})"
