"""The planner: one function a method."""

from pellucid.database.catalog.model import Function, Table
from pellucid.errors import MalformedQuery, MethodNotAllowed
from pellucid.rest.grammar.preferences import Count
from pellucid.rest.plan.call import plan_call
from pellucid.rest.plan.model import Plan, Read, Reading
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.parts import Names
from pellucid.rest.plan.read import plan_read
from pellucid.rest.plan.rows import plan_insert
from pellucid.rest.plan.write import plan_delete, plan_put, plan_update, returned
from pellucid.rest.request import RestRequest


def make_plan(asked: RestRequest, target: Table | Function, context: Context) -> Plan:
    """Judge a request against its table or its function.

    Args:
        asked: the request.
        target: what it names.
        context: for whom and against what it is judged.

    Raises:
        UnknownColumn, StatementRefused: it names a column that is not there.
        MalformedQuery, MalformedBody, MethodNotAllowed: it asks for what this table cannot do.
    """
    if isinstance(target, Function):
        return plan_call(asked, target, context)
    table, names = target, Names(target, context)
    if asked.profile.guards:
        check_meaning(asked)
    match asked.method:
        case "GET" | "HEAD":
            read = plan_read(asked, table, context)
            return Reading(read, _count(asked, read, table, context), context.most_rows)
        case "POST" if asked.key is None:
            return plan_insert(asked, names, returned(asked, names))
        case "PATCH":
            return plan_update(asked, names)
        case "PUT" if asked.key is not None or asked.query.conditions or not asked.profile.guards:
            return plan_put(asked, names)
        case "DELETE":
            return plan_delete(asked, names)
        case method:
            raise MethodNotAllowed(
                f"{method} is not for this address."
                if asked.profile.validates
                else f"Unsupported HTTP method: {method}",
                hint=_AT_ANOTHER_ADDRESS.get(method, "Use one of the methods that the Allow header lists."),
                headers={"Allow": allowed(table, asked)},
            )


def _count(asked: RestRequest, read: Read, table: Table, context: Context) -> Count | None:
    """How rows are counted.

    The planner guesses from statistics of all rows, those too that row level security hides. PostgREST tells such a guess; the native
    profile counts instead, wherever a row may be hidden from the caller.
    """
    count = asked.preferences.count
    open_to_all = table.kind in ("table", "partitioned") and not table.row_security and not read.embeds
    if count is None or not asked.profile.guards or open_to_all or context.role == "service_role":
        return count
    return Count.EXACT


_AT_ANOTHER_ADDRESS = {
    "POST": "POST makes a new row: send it to the table, without a key. To change this row, use PATCH or PUT.",
    "PUT": "PUT replaces one row: send it to the row's own address. To make a new row, use POST.",
}


def allowed(table: Table, asked: RestRequest) -> str:
    """The methods that this address has, for ``Allow`` (RFC 9110, 10.2.1)."""
    methods = ["OPTIONS", "GET", "HEAD"]
    methods += ["POST"] * (table.insertable and asked.key is None)
    addressed = asked.key is not None if asked.profile.validates else bool(table.primary_key)
    methods += ["PUT"] * (table.insertable and table.updatable and addressed)
    methods += ["PATCH"] * table.updatable
    methods += ["DELETE"] * table.deletable
    return ",".join(methods)


_MEANING = {
    "GET": {"order", "limit", "offset", "conditions"},
    "HEAD": {"order", "limit", "offset", "conditions"},
    "POST": {"columns", "on_conflict", "order"},
    "PATCH": {"columns", "conditions", "order"},
    "PUT": {"limit", "offset", "conditions"},
    "DELETE": {"conditions", "order"},
}
"""Which parts of a query mean something to a method, beside ``select``; an order is that of what a write answers."""


def check_meaning(asked: RestRequest) -> None:
    """Refuse what would be passed over in silence; PostgREST does pass over it.

    Raises:
        MalformedQuery: a part of the query means nothing to the method.
    """
    query = asked.query
    parts = {
        "order": query.order,
        "limit": query.limit,
        "offset": query.offset,
        "columns": query.columns,
        "on_conflict": query.on_conflict,
        "conditions": query.conditions,
    }
    for name, part in parts.items():
        if part and name not in _MEANING[asked.method]:
            said = "A filter has" if name == "conditions" else f"{name} has"
            raise MalformedQuery(
                f"{said} no meaning for {asked.method}.", hint="Leave it out; filters say which rows are meant."
            )
