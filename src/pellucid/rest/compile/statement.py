"""One statement for each kind of plan. Every one answers with one record of the same shape, whatever the table.

``body`` is what the response's body is made of, null where nothing is to come back; ``rows`` how many rows are in it, or were touched;
``total`` how many there are outside the range too, where they are counted; ``keys`` the primary key of the one new row, as a JSON array
of texts; ``replaced`` how many rows of an upsert were there before; ``status`` and ``headers`` what functions have set for the response.

Where the plan of the statement is asked for, it answers that instead: EXPLAIN's own rows.
"""

from enum import Enum

from msgspec.structs import replace

from pellucid.rest.compile.body import body, one_row
from pellucid.rest.compile.call import call
from pellucid.rest.compile.counting import total
from pellucid.rest.compile.read import count, select
from pellucid.rest.compile.write import Written, delete, insert, update
from pellucid.rest.compile.writer import Parameters, Statement
from pellucid.rest.grammar.media import PlanForm
from pellucid.rest.grammar.preferences import Count
from pellucid.rest.grammar.ranges import ALL
from pellucid.rest.plan.form import JSON_FORM, Form
from pellucid.rest.plan.model import Call, Delete, Insert, Plan, Read, Reading, Update

_STATUS = "nullif(current_setting('response.status', true), '')"
_HEADERS = "nullif(current_setting('response.headers', true), '')"


class Reach(Enum):
    """How far a statement reaches, and so how much there is to tell of it. The less there is, the less it costs PostgreSQL."""

    ANY = "any"
    QUIET = "quiet"
    """It looks at nothing but its rows (`pellucid.rest.plan.small.is_quiet`), so nothing has been set for the response."""
    ONE = "one"
    """And it touches one row at most. Where it touches none, there is no record."""


def compile_plan(plan: Plan, form: Form = JSON_FORM, reach: Reach = Reach.ANY) -> Statement:
    """Write a plan as one SQL statement whose body has this form."""
    parameters = Parameters()
    match plan:
        case Reading():
            sql = _reading(plan, form, reach, parameters)
        case Insert():
            sql = _writing(insert(plan, parameters), plan.answer, form, reach, parameters)
        case Update():
            sql = _writing(update(plan, parameters), plan.answer, form, reach, parameters)
        case Delete():
            sql = _writing(delete(plan, parameters), plan.answer, form, reach, parameters)
        case Call():
            sql = _calling(plan, form, parameters)
    return Statement(_explained(sql, form.plan), tuple(parameters.values))


def _record(
    body: str,
    source: str,
    reach: Reach = Reach.ANY,
    *,
    rows: str = "count(*)",
    total: str = "NULL::int8",
    keys: str = "NULL::text",
    replaced: str = "0::int8",
) -> str:
    """The one record. Where settings are read, that is when the rows have been taken together, so after all else has been done."""
    rows = "1::int8" if reach is Reach.ONE else rows
    status, headers = (_STATUS, _HEADERS) if reach is Reach.ANY else ("NULL::text", "NULL::text")
    return (
        f"SELECT {body} AS body, {rows} AS rows, {total} AS total, {keys} AS keys, {replaced} AS replaced,"
        f" {status} AS status, {headers} AS headers FROM {source} AS r"
    )


def _body(form: Form, reach: Reach) -> str:
    return one_row(form, "r") if reach is Reach.ONE else body(form, "r")


def _reading(plan: Reading, form: Form, reach: Reach, parameters: Parameters) -> str:
    rows = select(plan.read, parameters)
    return _record(_body(form, reach), f"({rows})", reach, total=total(plan, parameters))


def _writing(written: Written, answer: Read | None, form: Form, reach: Reach, parameters: Parameters) -> str:
    keys = _keys(written, reach)
    if answer is None:
        record = _record("NULL::text", "w", reach, keys=keys, replaced=written.replaced)
    else:
        rows = f"({select(written.in_order(answer), parameters, 'w')})"
        record = _record(_body(form, reach), rows, reach, keys=keys, replaced=written.replaced)
    return f"WITH {written.ctes} {record}"


def _keys(written: Written, reach: Reach) -> str:
    """The key of the row written, where it is the only one and wanted."""
    if written.key is None:
        return "NULL::text"
    if reach is Reach.ONE:
        return f"(SELECT {written.key} FROM w)"
    return f"(SELECT CASE WHEN count(*) OVER () = 1 THEN {written.key} END FROM w LIMIT 1)"


def _calling(plan: Call, form: Form, parameters: Parameters) -> str:
    """A function that answers one row answers one, whatever becomes of it; counting makes one record of what there is all the same."""
    source = call(plan, parameters)
    rows = select(plan.read, parameters, "w")
    made = body(replace(form, scalar=plan.read.table is None), "r")
    number = "count(*)" if plan.function.returns_set else "least(count(*), 0) + 1"
    match plan.count:
        case Count.EXACT | Count.ESTIMATED if plan.read.range == ALL:
            number_of_all = number  # the answer has all of them
        case Count.EXACT | Count.ESTIMATED:
            number_of_all = f"({count(plan.read, parameters, 'w')})"
        case _:
            number_of_all = "NULL::int8"
    return f"WITH w AS ({source}) {_record(made, f'({rows})', rows=number, total=number_of_all)}"


def _explained(sql: str, plan: PlanForm | None) -> str:
    if plan is None:
        return sql
    return f"EXPLAIN ({', '.join((f'FORMAT {plan.format}', *plan.options))}) {sql}"
