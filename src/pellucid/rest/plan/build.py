"""The planner: one function a method."""

from pellucid.database.catalog.model import Function, Privilege, Table
from pellucid.errors import MalformedQuery, MethodNotAllowed
from pellucid.rest.grammar.preferences import Return
from pellucid.rest.plan.call import plan_call
from pellucid.rest.plan.model import Condition, Delete, Plan, Read, Reading, Update
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.parts import Names
from pellucid.rest.plan.read import plan_read
from pellucid.rest.plan.rows import plan_insert, plan_replacement, required, row_columns
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
        _check_meaning(asked)
    match asked.method:
        case "GET" | "HEAD":
            return Reading(plan_read(asked, table, context), asked.preferences.count)
        case "POST" if asked.key is None:
            return plan_insert(asked, names, returned(asked, names))
        case "PATCH":
            return _update(asked, names)
        case "PUT" if asked.key is not None:
            return plan_replacement(asked, names, returned(asked, names))
        case "DELETE":
            return Delete(table, _which(asked, names), returned(asked, names))
        case method:
            raise MethodNotAllowed(
                f"Unsupported HTTP method: {method}",
                hint=_AT_ANOTHER_ADDRESS.get(method, "Use one of the methods that the Allow header lists."),
                headers={"Allow": allowed(table, asked)},
            )


_AT_ANOTHER_ADDRESS = {
    "POST": "POST makes a new row: send it to the table, without a key. To change this row, use PATCH or PUT.",
    "PUT": "PUT replaces one row: send it to the row's own address. To make a new row, use POST.",
}


def returned(asked: RestRequest, names: Names) -> Read | None:
    """What a write answers with; nothing where the client wants nothing, or may insert but not see."""
    wanted = asked.preferences.returned
    if wanted is None and asked.profile.returns_rows and names.table.allows(names.role, Privilege.SELECT):
        wanted = Return.REPRESENTATION
    return plan_read(asked, names.table, names.context) if wanted is Return.REPRESENTATION else None


def allowed(table: Table, asked: RestRequest) -> str:
    """The methods that this address has, for ``Allow`` (RFC 9110, 10.2.1)."""
    methods = ["OPTIONS", "GET", "HEAD"]
    methods += ["POST"] * (table.insertable and asked.key is None)
    methods += ["PUT"] * (table.insertable and table.updatable and asked.key is not None)
    methods += ["PATCH"] * table.updatable
    methods += ["DELETE"] * table.deletable
    return ",".join(methods)


def _update(asked: RestRequest, names: Names) -> Update:
    payload = required(asked)
    columns = row_columns(asked, payload, names)
    return Update(names.table, columns, payload.raw, _which(asked, names), returned(asked, names))


def _which(asked: RestRequest, names: Names) -> tuple[Condition, ...]:
    """Which rows a write touches."""
    where = names.key(asked.key) + names.conditions(asked.query.conditions)
    if asked.profile.guards and not where:
        raise MalformedQuery(
            f"{asked.method} /{asked.table} would touch every row.",
            hint=f"Name a row (/{asked.table}/1) or add a filter; one that holds for every row, if you mean all of them.",
        )
    return where


_MEANING = {
    "GET": {"order", "limit", "offset", "conditions"},
    "HEAD": {"order", "limit", "offset", "conditions"},
    "POST": {"columns", "on_conflict"},
    "PATCH": {"columns", "conditions"},
    "PUT": set(),
    "DELETE": {"conditions"},
}
"""Which parts of a query mean something to a method, beside ``select``."""


def _check_meaning(asked: RestRequest) -> None:
    """Refuse what would be passed over in silence; PostgREST does pass over it."""
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
