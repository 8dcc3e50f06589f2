"""What makes the body of an answer out of its rows."""

from pellucid.rest.compile.writer import identifier, relation
from pellucid.rest.plan.form import SCALAR, Form, Shape

_CSV_ROW = "substring({row}::text, 2, length({row}::text) - 2)"
"""A row as PostgreSQL prints it has the quotes of CSV, between parentheses."""
_FORMULA = "'^[-=+@\\t\\r]'"
_FIELD = (
    "CASE WHEN e.value IS NULL OR json_typeof(e.value) = 'null' THEN ''"
    " WHEN f.text ~ '[\",\\n\\r]' OR f.text = '' THEN '\"' || replace(f.text, '\"', '\"\"') || '\"' ELSE f.text END"
)
"""A field of CSV (RFC 4180, 2)."""
_TEXT = f"CASE WHEN json_typeof(e.value) = 'string' AND e.value #>> '{{}}' ~ {_FORMULA} THEN '''' ELSE '' END || (e.value #>> '{{}}')"
"""A field's text; one that a spreadsheet would take for a formula begins with an apostrophe."""


def body(form: Form, alias: str) -> str:  # noqa: PLR0911 - one case a shape
    """Write the aggregate that makes a body (text, or bytea for what is no text) of the rows of ``alias``."""
    row = f"{alias}.*"
    value = f"{alias}.{identifier(SCALAR)}" if form.scalar else row
    match form.shape:
        case Shape.NOTHING:
            return "NULL::text"
        case Shape.JSON if not form.single:
            return _or(_stripped(f"json_agg({value})", form), "[]")
        case Shape.JSON | Shape.OBJECT:
            return _or(_stripped(f"json_agg({value}) -> 0", form), "null")
        case Shape.CSV if form.escaped:
            return _escaped_csv(row)
        case Shape.CSV:
            return f"{_header(row)} || E'\\n' || coalesce(string_agg({_CSV_ROW.format(row=f'({row})')}, E'\\n'), '')"
        case Shape.GEOJSON:
            features = f"coalesce(json_agg(ST_AsGeoJSON({row})::json), '[]')"
            return f"json_build_object('type', 'FeatureCollection', 'features', {features})::text"
        case Shape.RAW:
            return f"(array_agg({value}))[1]"
        case Shape.CUSTOM:
            return _custom(form, value, row)


def one_row(form: Form, alias: str) -> str:
    """Write a body of JSON, made of the one row of ``alias``: the same text as that of the aggregate, for less."""
    if form.shape is Shape.NOTHING:
        return "NULL::text"
    row = _stripped(f"row_to_json({alias}.*)", form)
    return f"'[' || {row} || ']'" if form.shape is Shape.JSON else f"{row}::text"


def _or(aggregate: str, empty: str) -> str:
    return f"coalesce({aggregate}, '{empty}')::text"


def _stripped(aggregate: str, form: Form) -> str:
    return f"json_strip_nulls({aggregate})" if form.stripped else aggregate


def _header(row: str) -> str:
    """The names of the columns; none where there is no row to tell them."""
    return f"(SELECT coalesce(string_agg(k.name, ','), '') FROM json_object_keys(json_agg({row}) -> 0) AS k(name))"


def _escaped_csv(row: str) -> str:
    fields = f"json_each(row_to_json({row})) AS e, LATERAL (SELECT {_TEXT} AS text) AS f"
    return f"{_header(row)} || E'\\n' || coalesce(string_agg((SELECT string_agg({_FIELD}, ',') FROM {fields}), E'\\n'), '')"


def _custom(form: Form, value: str, row: str) -> str:
    if form.handler is None:
        return "NULL::text"
    call = relation(form.handler.function)
    if form.scalar:
        return f"{call}({value})"
    return f"{call}({row})" if form.handler.table is None else f"{call}(({row})::{relation(form.handler.table)})"
