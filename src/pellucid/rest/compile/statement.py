"""One statement for each kind of plan. Every one answers with one record of the same shape, whatever the table.

``body`` is what the response's body is made of, null where nothing is to come back; ``rows`` how many rows are in it, or were touched;
``total`` how many there are outside the range too, where they are counted; ``keys`` the primary key of the one new row, as a JSON array
of texts; ``replaced`` how many rows of an upsert were there before; ``status`` and ``headers`` what functions have set for the response.
"""

from pellucid.rest.compile.conditions import order_by, outputs, where
from pellucid.rest.compile.write import Written, delete, insert, update
from pellucid.rest.compile.writer import Parameters, Statement, relation
from pellucid.rest.plan.model import Call, Delete, Insert, Plan, Read, Reading, Update

_STATUS = "nullif(current_setting('response.status', true), '')"
_HEADERS = "nullif(current_setting('response.headers', true), '')"


def compile_plan(plan: Plan) -> Statement:
    """Write a plan as one SQL statement."""
    parameters = Parameters()
    match plan:
        case Reading():
            sql = _reading(plan, parameters)
        case Insert():
            sql = _writing(insert(plan, parameters), plan.answer, parameters)
        case Update():
            sql = _writing(update(plan, parameters), plan.answer, parameters)
        case Delete():
            sql = _writing(delete(plan, parameters), plan.answer, parameters)
        case Call():
            raise NotImplementedError
    return Statement(sql, tuple(parameters.values))


def _record(body: str, rows: str, total: str = "NULL::int8", keys: str = "NULL::text", replaced: str = "0::int8") -> str:
    """The one record. The settings are read where the rows have been counted, so after all has been done."""
    return (
        f"SELECT {body} AS body, count(*) AS rows, {total} AS total, {keys} AS keys, {replaced} AS replaced,"
        f" {_STATUS} AS status, {_HEADERS} AS headers FROM {rows} AS r"
    )


def _body() -> str:
    return "coalesce(json_agg(r.*), '[]')::text"


def _reading(plan: Reading, parameters: Parameters) -> str:
    rows = select(plan.read, parameters)
    total = f"({count(plan.read, parameters)})" if plan.count is not None else "NULL::int8"
    return _record(_body(), f"({rows})", total)


def _writing(written: Written, answer: Read | None, parameters: Parameters) -> str:
    if answer is None:
        body, rows = "NULL::text", "w"
    else:
        body, rows = _body(), f"({select(answer, parameters, 'w')})"
    return f"WITH {written.ctes} {_record(body, rows, keys=written.keys, replaced=written.replaced)}"


def select(read: Read, parameters: Parameters, source: str | None = None) -> str:
    """The rows of a read."""
    table = f"{relation(read.table.name)}" if source is None and read.table else source
    rows = f"SELECT {outputs(read.outputs, parameters)} FROM {table} AS t"
    condition = where(read.where, parameters)
    order = order_by(read.order, parameters)
    limit = "" if read.range.limit is None else f" LIMIT {parameters.bind(read.range.limit, 'int8')}"
    offset = f" OFFSET {parameters.bind(read.range.offset, 'int8')}" if read.range.offset else ""
    return f"{rows}{condition}{order}{limit}{offset}"


def count(read: Read, parameters: Parameters) -> str:
    """How many rows there are in all."""
    table = f"{relation(read.table.name)}" if read.table else ""
    return f"SELECT count(*) FROM {table} AS t{where(read.where, parameters)}"
