"""Conditions, operands, outputs and orders as SQL. ``t`` is the table in every statement, ``t1``, ``t2``… those embedded in it."""

from collections.abc import Callable
from functools import lru_cache

from msgspec import Struct

from pellucid.database.catalog.model import Column, TableName
from pellucid.rest.compile.writer import Parameters, identifier, relation
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.plan.model import Comparison, Condition, Junction, Lifted, Operand, Output, Presence, Sort

_SYMBOLS = {
    Operator.EQ: "=",
    Operator.NEQ: "<>",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.LIKE: "LIKE",
    Operator.ILIKE: "ILIKE",
    Operator.MATCH: "~",
    Operator.IMATCH: "~*",
    Operator.ISDISTINCT: "IS DISTINCT FROM",
    Operator.CS: "@>",
    Operator.CD: "<@",
    Operator.OV: "&&",
    Operator.SL: "<<",
    Operator.SR: ">>",
    Operator.NXR: "&<",
    Operator.NXL: "&>",
    Operator.ADJ: "-|-",
}
_PATTERNS = {Operator.LIKE, Operator.ILIKE, Operator.MATCH, Operator.IMATCH}
_SEARCHES = {
    Operator.FTS: "to_tsquery",
    Operator.PLFTS: "plainto_tsquery",
    Operator.PHFTS: "phraseto_tsquery",
    Operator.WFTS: "websearch_to_tsquery",
}
_IS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}
_NULLS = {None: "", True: " NULLS FIRST", False: " NULLS LAST"}
_BUILT_IN = frozenset(
    {
        *(
            "bool",
            "int2",
            "int4",
            "int8",
            "float4",
            "float8",
            "numeric",
            "money",
            "oid",
            "text",
            "varchar",
            "bpchar",
            "name",
        ),
        *("bytea", "bit", "varbit", "uuid", "json", "jsonb", "xml", "tsvector", "tsquery", "inet", "cidr", "macaddr"),
        *("date", "time", "timetz", "timestamp", "timestamptz", "interval"),
        *("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"),
    }
)
_JSON = 'pg_catalog."json"'
_TEXTUAL = {"text", "varchar", "bpchar", "name"}


def _no_presence(condition: Presence) -> str:
    raise ValueError(f"nothing is embedded at place {condition.embed}")


def _no_related(sort: Sort) -> str:
    raise ValueError(f"nothing is embedded at place {sort.embed}")


class Scope(Struct, frozen=True):
    """How the columns of one table are written.

    ``alias`` is the table's name in the statement, ``row`` its whole row, as a function takes it. ``presence`` writes the condition that a
    row has rows in an embedded table, or has none; ``related`` writes what an order takes from one.
    """

    alias: str = "t"
    row: str = "t.*"
    presence: Callable[[Presence], str] = _no_presence
    related: Callable[[Sort], str] = _no_related


ROOT = Scope()


def where(conditions: tuple[Condition, ...], parameters: Parameters, scope: Scope = ROOT) -> str:
    """A WHERE clause with all conditions, or nothing."""
    return " WHERE " + " AND ".join(written(conditions, parameters, scope)) if conditions else ""


def written(conditions: tuple[Condition, ...], parameters: Parameters, scope: Scope) -> list[str]:
    """Each of the conditions."""
    return [_condition(condition, parameters, scope) for condition in conditions]


def order_by(order: tuple[Sort, ...], parameters: Parameters, scope: Scope = ROOT) -> str:
    """An ORDER BY clause, or nothing."""
    return " ORDER BY " + ", ".join(_sort(sort, parameters, scope) for sort in order) if order else ""


def output(item: Output, parameters: Parameters, scope: Scope = ROOT) -> str:
    """One output of a select list, without its name."""
    if item.operand is None:
        return aggregated("*" if item.aggregate else "1", item)
    text = operand(item.operand, parameters, scope)
    shown = item.operand.column.representation
    if shown and shown.to_json and not item.operand.path and not item.aggregate:
        text = f"{relation(shown.to_json)}({text})"
    if item.cast:
        text = f"{text}::{item.cast}"
    return aggregated(text, item) if item.aggregate else text


def aggregated(text: str, item: Output | Lifted) -> str:
    """What is made of the values of all rows; the value itself where nothing is."""
    if item.aggregate is None:
        return text
    made = f"{item.aggregate.value}({text})"
    return f"{made}::{item.aggregate_cast}" if item.aggregate_cast else made


def operand(item: Operand, parameters: Parameters, scope: Scope = ROOT) -> str:
    """A column, or a place in its JSON."""
    column = item.column
    made = column.function
    text = f"{relation(made)}({scope.row})" if made else f"{scope.alias}.{identifier(column.name)}"
    return inside(text, item, parameters) if item.path else text


def inside(text: str, item: Operand, parameters: Parameters) -> str:
    """A place in the JSON that ``text`` is, or is made of. There is none inside a text, and PostgreSQL says so."""
    base = text if item.column.base in ("json", "jsonb") and not item.column.array else f"to_jsonb({text})"
    steps = []
    for place, step in enumerate(item.path):
        nowhere = place > 0 and item.path[place - 1].as_text and isinstance(step.key, str)
        key = "NULL" if nowhere else _key(step.key, parameters)
        steps.append(f"{'->>' if step.as_text else '->'} {key}")
    return f"({base} {' '.join(steps)})"


def _key(key: str | int, parameters: Parameters) -> str:
    # An index beyond int4 exists in no array; the largest stands for it.
    return (
        parameters.bind(max(min(key, 2**31 - 1), -(2**31)), "int4")
        if isinstance(key, int)
        else parameters.bind(key, "text")
    )


def _condition(condition: Condition, parameters: Parameters, scope: Scope) -> str:
    match condition:
        case Comparison():
            text = _comparison(condition, parameters, scope)
        case Junction(junction, members):
            text = f" {junction.upper()} ".join(_condition(member, parameters, scope) for member in members)
        case Presence():
            return scope.presence(condition)
    return f"NOT ({text})" if condition.negated else f"({text})"


def _comparison(comparison: Comparison, parameters: Parameters, scope: Scope) -> str:
    left = operand(comparison.operand, parameters, scope)
    match comparison.operator:
        case Operator.IS:
            return f"{left} IS {_IS[comparison.values[0]]}"
        case Operator.IN:
            return f"{left} {_among(comparison, parameters)}"
        case operator if operator in _SEARCHES:
            return _search(left, comparison, parameters)
        case operator if comparison.quantifier:
            return f"{left} {_SYMBOLS[operator]} {comparison.quantifier.upper()} ({_list(comparison, parameters)})"
        case operator:
            return f"{left} {_SYMBOLS[operator]} {_value(comparison, parameters)}"


def _value(comparison: Comparison, parameters: Parameters) -> str:
    """What is compared with. NULL has no type until it meets an operator: without one, PostgreSQL's error is as PostgREST shows it."""
    pattern = comparison.operator in _PATTERNS
    cast = _pattern_type(comparison) if pattern else _cast(comparison.operand)
    if not cast:
        return "NULL"
    value = parameters.bind(comparison.values[0], "text")
    parser = None if pattern else _parser(comparison)
    if parser:
        return f"{relation(parser)}({value})"
    return value if pattern and cast == "text" else f"{value}::{cast}"


def _among(comparison: Comparison, parameters: Parameters) -> str:
    """The comparison of ``in``; a list of nothing, or of one empty text, has no member."""
    values = [] if comparison.values == ("",) else list(comparison.values)
    cast, parser = _cast(comparison.operand) or _JSON, _parser(comparison)
    if parser:
        return f"= ANY (SELECT {relation(parser)}(u.v) FROM unnest({parameters.bind(values, 'text[]')}) AS u(v))"
    if cast.endswith("[]"):
        items = ", ".join(f"{parameters.bind(value, 'text')}::{cast}" for value in values)
        return f"IN ({items})" if items else "IN (NULL) IS TRUE"
    return f"= ANY ({parameters.bind(values, 'text[]')}::{cast}[])"


def _list(comparison: Comparison, parameters: Parameters) -> str:
    """An array that the client wrote as PostgreSQL does: ``{1,2}``."""
    if comparison.operator in _PATTERNS:
        cast = _pattern_type(comparison)
        return "NULL" if not cast else f"{parameters.bind(comparison.values[0], 'text')}::{cast}[]"
    value, parser = parameters.bind(comparison.values[0], "text"), _parser(comparison)
    if parser:
        return f"SELECT {relation(parser)}(u.v) FROM unnest({value}::text[]) AS u(v)"
    return f"{value}::{_cast(comparison.operand) or _JSON}[]"


def _search(left: str, comparison: Comparison, parameters: Parameters) -> str:
    """A text search. What is no ``tsvector`` is made one, with the same configuration as the query."""
    language = f"{parameters.bind(comparison.language, 'regconfig')}, " if comparison.language else ""
    item = comparison.operand
    vector = left if item.column.base == "tsvector" and not item.path else f"to_tsvector({language}{left})"
    query = parameters.bind(comparison.values[0], "text")
    return f"{vector} @@ {_SEARCHES[comparison.operator]}({language}{query})"


def _parser(comparison: Comparison) -> TableName | None:
    """The function that reads a text as the column's domain."""
    item = comparison.operand
    if item.path or item.column.representation is None or comparison.operator is Operator.ISDISTINCT:
        return None
    return item.column.representation.from_text


def _cast(item: Operand) -> str:
    """The type that a value is read as: the column's, or text or jsonb at the end of a path; none where there are no operators."""
    if not item.path:
        return "" if _incomparable(item.column) else _type(item.column.cast, item.column.base, item.column.array)
    if item.path[-1].as_text:
        return "pg_catalog.text"
    return "" if _incomparable(item.column) else "pg_catalog.jsonb"


def _incomparable(column: Column) -> bool:
    """Whether PostgreSQL has no operators for the type."""
    return column.base in ("json", "xml") and not column.array


def _pattern_type(comparison: Comparison) -> str:
    """The type of a pattern; none where the operand's type has no patterns."""
    item = comparison.operand
    column = item.column
    if item.path:
        return "text" if item.path[-1].as_text else ""
    if column.base == "ltree" and not column.array:
        return column.cast.replace("ltree", "lquery")
    if column.array or column.enum or column.base in _BUILT_IN - _TEXTUAL:
        return "bytea" if column.base == "bytea" and not column.array else ""
    return "text"


@lru_cache(maxsize=1024)
def _type(cast: str, base: str, array: bool) -> str:
    """A domain's own type is what lies under it: a value to compare with need not satisfy its rules."""
    known = base in _BUILT_IN and not cast.startswith("pg_catalog.")
    return f'pg_catalog."{base}"{"[]" if array else ""}' if known else cast


def _sort(sort: Sort, parameters: Parameters, scope: Scope) -> str:
    text = operand(sort.operand, parameters, scope) if sort.embed is None else scope.related(sort)
    return f"{text}{' DESC' if sort.descending else ' ASC'}{_NULLS[sort.nulls_first]}"
