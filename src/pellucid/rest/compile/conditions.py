"""Conditions, operands, outputs and orders as SQL. ``t`` is the table in every statement."""

from pellucid.rest.compile.writer import Parameters, identifier
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.plan.model import Comparison, Condition, Junction, Operand, Output, Presence, Sort

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
}
_PATTERNS = {Operator.LIKE, Operator.ILIKE, Operator.MATCH, Operator.IMATCH}
_IS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}


def where(conditions: tuple[Condition, ...], parameters: Parameters) -> str:
    """A WHERE clause with all conditions, or nothing."""
    return " WHERE " + " AND ".join(_condition(condition, parameters) for condition in conditions) if conditions else ""


def order_by(order: tuple[Sort, ...], parameters: Parameters) -> str:
    """An ORDER BY clause, or nothing."""
    return " ORDER BY " + ", ".join(_sort(sort, parameters) for sort in order) if order else ""


def outputs(items: tuple[Output, ...], parameters: Parameters) -> str:
    """A select list."""
    return ", ".join(f"{_output(item, parameters)} AS {identifier(item.name)}" for item in items)


def operand(item: Operand, parameters: Parameters) -> str:
    """A column, or a place in its JSON."""
    column = f"t.{identifier(item.column.name)}"
    if not item.path:
        return column
    base = column if item.column.base in ("json", "jsonb") and not item.column.array else f"to_jsonb({column})"
    steps = (f"{'->>' if step.as_text else '->'} {_key(step.key, parameters)}" for step in item.path)
    return f"({base} {' '.join(steps)})"


def _key(key: str | int, parameters: Parameters) -> str:
    # An index beyond int4 exists in no array; the largest stands for it.
    return (
        parameters.bind(max(min(key, 2**31 - 1), -(2**31)), "int4")
        if isinstance(key, int)
        else parameters.bind(key, "text")
    )


def _condition(condition: Condition, parameters: Parameters) -> str:
    match condition:
        case Comparison():
            text = _comparison(condition, parameters)
        case Junction(junction, members):
            text = f" {junction.upper()} ".join(_condition(member, parameters) for member in members)
        case Presence():
            raise NotImplementedError
    return f"NOT ({text})" if condition.negated else f"({text})"


def _comparison(comparison: Comparison, parameters: Parameters) -> str:
    left = operand(comparison.operand, parameters)
    cast = _cast(comparison.operand)
    match comparison.operator:
        case Operator.IS:
            return f"{left} IS {_IS[comparison.values[0]]}"
        case Operator.IN if comparison.operand.column.array and not comparison.operand.path:
            values = [f"{parameters.bind(value, 'text')}::{cast}" for value in comparison.values]
            return f"{left} IN ({', '.join(values)})" if values else "false"
        case Operator.IN:
            return f"{left} = ANY ({parameters.bind(list(comparison.values), 'text[]')}::{cast}[])"
        case operator if operator in _PATTERNS:
            return f"{left} {_SYMBOLS[operator]} {parameters.bind(comparison.values[0], 'text')}"
        case operator:
            return f"{left} {_SYMBOLS[operator]} {parameters.bind(comparison.values[0], 'text')}::{cast}"


def _cast(item: Operand) -> str:
    """The type that a value is read as: the column's, or text or jsonb at the end of a path."""
    if not item.path:
        return item.column.cast
    return "pg_catalog.text" if item.path[-1].as_text else "pg_catalog.jsonb"


def _output(item: Output, parameters: Parameters) -> str:
    text = operand(item.operand, parameters) if item.operand else "count(*)"
    return f"{text}::{item.cast}" if item.cast else text


def _sort(sort: Sort, parameters: Parameters) -> str:
    nulls = {None: "", True: " NULLS FIRST", False: " NULLS LAST"}[sort.nulls_first]
    return f"{operand(sort.operand, parameters)}{' DESC' if sort.descending else ' ASC'}{nulls}"
