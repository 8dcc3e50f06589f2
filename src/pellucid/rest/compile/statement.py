"""One statement for each kind of plan. Every one answers with rows of the same shape, whatever the table.

A read answers ``body`` (a JSON array as text), ``rows`` and ``total``. A write answers a row for each group of the body: ``bodies``
(each row as JSON text), ``keys`` (the primary key of one row, as a JSON array of texts), ``rows``, and ``replaced``: how many rows, of
this group and those before it, were there already.
"""

from pellucid.database.catalog.model import Column, Table
from pellucid.rest.compile.conditions import order_by, outputs, where
from pellucid.rest.compile.writer import Parameters, Statement, identifier, relation
from pellucid.rest.plan.model import Call, Delete, Group, Insert, OnConflict, Output, Plan, Read, Reading, Update

_REPLACED = "coalesce(nullif(current_setting('pellucid.replaced', true), ''), '0')::int8"
"""How many rows this transaction has replaced. A setting counts them, for no column that ``RETURNING`` may read tells an inserted row
from a replaced one in every kind of table, and to every role (PostgreSQL 18 has ``OLD`` for it)."""


def compile_plan(plan: Plan) -> Statement:
    """Write a plan as one SQL statement."""
    parameters = Parameters()
    match plan:
        case Reading():
            sql = _read(plan.read, parameters, counted=plan.count is not None)
        case Insert():
            sql = _insert(plan, parameters)
        case Update():
            sql = _update(plan, parameters)
        case Delete():
            sql = _delete(plan, parameters)
        case Call():
            raise NotImplementedError
    return Statement(sql, tuple(parameters.values))


def _read(plan: Read, parameters: Parameters, *, counted: bool) -> str:
    if plan.table is None:
        raise NotImplementedError
    table = f"{relation(plan.table.name)} AS t"
    rows = f"SELECT {outputs(plan.outputs, parameters)} FROM {table}"
    condition = where(plan.where, parameters)
    order = order_by(plan.order, parameters)
    limit = "" if plan.range.limit is None else f" LIMIT {parameters.bind(plan.range.limit, 'int8')}"
    offset = f" OFFSET {parameters.bind(plan.range.offset, 'int8')}" if plan.range.offset else ""
    total = f"(SELECT count(*) FROM {table}{condition})" if counted else "NULL::int8"
    return (
        f"SELECT coalesce(json_agg(r.*), '[]')::text AS body, count(*) AS rows, {total} AS total"
        f" FROM ({rows}{condition}{order}{limit}{offset}) AS r"
    )


def _insert(plan: Insert, parameters: Parameters) -> str:
    if not plan.groups:
        return "SELECT NULL::text[] AS bodies, NULL::text AS keys, 0::int8 AS rows, 0::int8 AS replaced"
    rows = parameters.bind(plan.rows, "json")
    ctes, answers = [], []
    for number, group in enumerate(plan.groups):
        source = f"INSERT INTO {relation(plan.table.name)} AS t {_values(group, rows, parameters)}{_on_conflict(plan, group)}"
        returned = _returned(_outputs(plan.answer), parameters, plan.table if plan.located else None)
        ctes.append(f"w{number} AS ({source} RETURNING {returned})")
        answers.append(_answer(number, replaced=plan.conflict is OnConflict.MERGE))
    return f"WITH {', '.join(ctes)} {' UNION ALL '.join(answers)}"


def _values(group: Group, rows: str, parameters: Parameters) -> str:
    """The rows of one group. A row that fills no column takes every default."""
    names = ", ".join(identifier(column.name) for column in group.columns)
    values = ", ".join(f"b.{identifier(column.name)}" for column in group.columns)
    if group.places is None and group.columns:
        return f"({names}) SELECT {values} FROM json_to_recordset({rows}) AS b({_types(group.columns)})"
    elements = f"json_array_elements({rows}) WITH ORDINALITY AS e(element, place)"
    places = (
        ""
        if group.places is None
        else f" WHERE e.place = ANY ({parameters.bind([p + 1 for p in group.places], 'int8[]')})"
    )
    if not group.columns:
        return f"SELECT FROM {elements}{places}"
    record = f"json_to_record(e.element) AS b({_types(group.columns)})"
    return f"({names}) SELECT {values} FROM {elements}, {record}{places} ORDER BY e.place"


def _types(columns: tuple[Column, ...]) -> str:
    return ", ".join(f"{identifier(column.name)} {column.type}" for column in columns)


def _on_conflict(plan: Insert, group: Group) -> str:
    if plan.conflict is None:
        return ""
    target = ", ".join(identifier(name) for name in plan.target)
    changed = [identifier(column.name) for column in group.columns if column.name not in plan.target]
    if plan.conflict is OnConflict.IGNORE:
        return f" ON CONFLICT ({target}) DO NOTHING"
    # A row that is only its key changes nothing, and is still answered.
    sets = changed or [identifier(plan.target[0])]
    merged = ", ".join(f"{name} = EXCLUDED.{name}" for name in sets)
    counted = f"set_config('pellucid.replaced', ({_REPLACED} + 1)::text, true) <> ''"
    return f" ON CONFLICT ({target}) DO UPDATE SET {merged} WHERE {counted}"


def _update(plan: Update, parameters: Parameters) -> str:
    table = f"{relation(plan.table.name)} AS t"
    sets = [f"{identifier(column.name)} = b.{identifier(column.name)}" for column in plan.columns]
    sets += [f"{identifier(column.name)} = NULL" for column in plan.nulled]
    if not sets:
        return _written(f"SELECT {_returned(_outputs(plan.answer), parameters)} FROM {table} WHERE false")
    body = ""
    if plan.columns:
        rows = f"json_to_recordset({parameters.bind(plan.row, 'json')}) AS b({_types(plan.columns)})"
        body = f" FROM (SELECT * FROM {rows} LIMIT 1) AS b"
    change = f"UPDATE {table} SET {', '.join(sets)}{body}{where(plan.where, parameters)}"
    return _written(f"{change} RETURNING {_returned(_outputs(plan.answer), parameters)}")


def _delete(plan: Delete, parameters: Parameters) -> str:
    removal = f"DELETE FROM {relation(plan.table.name)} AS t{where(plan.where, parameters)}"
    return _written(f"{removal} RETURNING {_returned(_outputs(plan.answer), parameters)}")


def _written(source: str) -> str:
    return f"WITH w0 AS ({source}) {_answer(0, replaced=False)}"


def _outputs(answer: Read | None) -> tuple[Output, ...]:
    return answer.outputs if answer else ()


def _returned(items: tuple[Output, ...], parameters: Parameters, keyed: Table | None = None) -> str:
    """What each written row hands to the answer: itself and its key as JSON, so that no column's name meets one of ours."""
    row = f"(SELECT row_to_json(r.*) FROM (SELECT {outputs(items, parameters)}) AS r)" if items else "NULL"
    names = keyed.primary_key if keyed else ()
    key = f"json_build_array({', '.join(f't.{identifier(name)}::text' for name in names)})" if names else "NULL"
    return f"{row}::text AS body, {key}::text AS key"


def _answer(number: int, *, replaced: bool) -> str:
    counted = _REPLACED if replaced else "0::int8"
    return (
        "SELECT array_agg(w.body) FILTER (WHERE w.body IS NOT NULL) AS bodies, max(w.key) AS keys, count(*) AS rows,"
        f" {counted} AS replaced FROM w{number} AS w"
    )
