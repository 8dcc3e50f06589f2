"""How the rows of a read are counted, those outside its range too."""

from pellucid.rest.compile.read import count
from pellucid.rest.compile.writer import Parameters, Statement
from pellucid.rest.grammar.preferences import Count
from pellucid.rest.grammar.ranges import ALL
from pellucid.rest.plan.model import Read, Reading

_COUNT = "SELECT count(*)"


def total(plan: Reading, parameters: Parameters) -> str:
    """The expression that counts in the statement itself: exactly, or as far as an estimate has to know exactly."""
    match plan.count:
        case Count.EXACT | Count.ESTIMATED if plan.read.range == ALL:
            return "count(*)"  # the answer has all of them
        case Count.EXACT:
            return f"({count(plan.read, parameters)})"
        case Count.ESTIMATED if plan.enough is not None:
            limit = parameters.bind(plan.enough + 1, "int8")
            return f"(SELECT count(*) FROM ({_rows(plan.read, parameters)} LIMIT {limit}) AS c)"
        case Count.ESTIMATED:
            return f"({count(plan.read, parameters)})"
        case _:
            return "NULL::int8"


def guess(read: Read) -> Statement:
    """The statement that asks the planner how many rows it expects."""
    parameters = Parameters()
    rows = _rows(read, parameters)
    return Statement(f"EXPLAIN (FORMAT JSON) {rows}", tuple(parameters.values))


def _rows(read: Read, parameters: Parameters) -> str:
    """The rows themselves, of which nothing but their number matters."""
    return f"SELECT 1{count(read, parameters).removeprefix(_COUNT)}"
