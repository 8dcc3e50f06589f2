"""The catalog as OpenAPI 3.1: every table that the reader may use, with its models, filters and errors."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from pellucid.database.catalog.model import Catalog, Column, Privilege, Table
from pellucid.rest.grammar.query import filter_key
from pellucid.rest.plan.names import is_exposed
from pellucid.rest.validate import ModelCache
from pellucid.web.described import PROBLEM_RESPONSE, PROBLEM_SCHEMA

Json = dict[str, Any]
_SECURITY: list[Json] = [{}, {"Account": []}]


def describe(
    catalog: Catalog, models: ModelCache, role: str, *, reserved: frozenset[str], guarded: bool = False
) -> Json:
    """The paths and schemas of the native data API.

    Args:
        catalog: what the database holds.
        models: the tables' models.
        role: whose view this is; what the role may not do is not described.
        reserved: first path segments that routes of the application take; a table of such a name has no native address.
        guarded: whether tables without row level security are not served (production).
    """
    paths: Json = {}
    schemas: Json = {}
    for table in _visible(catalog, role, reserved, guarded=guarded):
        table_models = models.of(table)
        for part, model in zip(table_models._fields, table_models, strict=True):
            schemas[f"{_plain(table)}.{part}"] = _schema(model)
        address = f"/{quote(table.name.name, safe='')}"
        paths[address] = _collection(table, role)
        if table.primary_key:
            paths[f"{address}/{','.join(f'{{{_placeholder(name)}}}' for name in table.primary_key)}"] = _row(
                table, role
            )
    return {"paths": paths, "components": {"schemas": schemas}}


def merge(own: Mapping[str, Any], tables: Mapping[str, Any]) -> Json:
    """The application's own document with the tables' in it; the application's own parts win."""
    components = own.get("components", {})
    schemas = tables["components"]["schemas"] | {"Problem": PROBLEM_SCHEMA} | components.get("schemas", {})
    return {**own, "paths": tables["paths"] | own["paths"], "components": components | {"schemas": schemas}}


def _visible(catalog: Catalog, role: str, reserved: frozenset[str], *, guarded: bool) -> Iterable[Table]:
    """The default schema's tables, by name. Those of other schemas are reached with a profile header."""
    tables = (table for table in catalog.tables.values() if table.name.schema in catalog.schemas[:1])
    return sorted(
        (
            table
            for table in tables
            if table.privileges.get(role)
            and table.name.name not in reserved
            and is_exposed(table, role, guarded=guarded)
        ),
        key=lambda table: table.name,
    )


def _schema(model: type[BaseModel]) -> Json:
    """A model's schema, without titles that repeat the names. What is left out is what the database fills in, not null."""
    schema = model.model_json_schema(by_alias=True)
    for described in schema.get("properties", {}).values():
        described.pop("title", None)
        described.pop("default", None)
    return schema


def _collection(table: Table, role: str) -> Json:
    many = {"type": "array", "items": _ref(table, "row")}
    filters = [_filter(column) for column in table.columns.values()]
    one_or_many, new = _either(table, "row"), _either(table, "insert")
    read = _operation(table, "List", {200: many, 206: many}, [*filters, *_READING])
    insert = _operation(table, "Insert into", {201: one_or_many, 200: one_or_many}, _INSERTING, body=new)
    update = _operation(table, "Change rows of", _written(many), [*filters, *_WRITING], body=_ref(table, "update"))
    delete = _operation(table, "Delete rows of", _written(many), [*filters, *_WRITING])
    return _permitted(table, role, {"get": read, "post": insert, "patch": update, "delete": delete})


def _row(table: Table, role: str) -> Json:
    row = _ref(table, "row")
    change, writing = _ref(table, "update"), [*_key(table), *_WRITING]
    read = _operation(table, "One row of", {200: row}, [*_key(table), _SELECT])
    update = _operation(table, "Change one row of", _written(row), writing, body=change)
    replace = _operation(table, "Replace one row of", _written(row) | {201: row}, writing, body=change)
    delete = _operation(table, "Delete one row of", _written(row), writing)
    return _permitted(table, role, {"get": read, "patch": update, "put": replace, "delete": delete})


def _written(answer: Json) -> dict[int, Json | None]:
    return {200: answer, 204: None}


_RIGHTS = {
    "get": Privilege.SELECT,
    "post": Privilege.INSERT,
    "patch": Privilege.UPDATE,
    "put": Privilege.UPDATE,
    "delete": Privilege.DELETE,
}


def _permitted(table: Table, role: str, operations: Json) -> Json:
    possible = {
        "get": True,
        "post": table.insertable,
        "patch": table.updatable,
        "put": table.updatable,
        "delete": table.deletable,
    }
    return {
        method: operations[method] for method in operations if possible[method] and table.allows(role, _RIGHTS[method])
    }


def _operation(
    table: Table,
    verb: str,
    answers: Mapping[int, Json | None],
    parameters: Iterable[Json],
    *,
    body: Json | None = None,
) -> Json:
    name = table.name.name
    operation: Json = {
        "tags": [name],
        "summary": f"{verb} {name}",
        "operationId": f"{verb.lower().replace(' ', '_')}_{_plain(table)}",
        "parameters": list(parameters),
        "security": _SECURITY,
        "responses": {str(status): _response(answer) for status, answer in answers.items()}
        | {"default": PROBLEM_RESPONSE},
    }
    if table.comment:
        operation["description"] = table.comment
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _response(answer: Json | None) -> Json:
    if answer is None:
        return {"description": "Done; the preference was that no rows come back."}
    return {"description": "Done.", "content": {"application/json": {"schema": answer}}}


def _plain(table: Table) -> str:
    """The table's name in the letters that OpenAPI allows in names of its own; different tables stay different."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda found: f".{ord(found[0]):x}.", table.name.name)


def _placeholder(name: str) -> str:
    return re.sub(r"[^\w -]", "_", name)


def _ref(table: Table, part: str) -> Json:
    return {"$ref": f"#/components/schemas/{_plain(table)}.{part}"}


def _either(table: Table, part: str) -> Json:
    return {"anyOf": [_ref(table, part), {"type": "array", "items": _ref(table, part)}]}


def _filter(column: Column) -> Json:
    text = f"Filter by {column.name} ({column.type}): a value, or an operator and a value such as `{_example(column)}`."
    return _query(filter_key(column.name), f"{text} {column.comment}" if column.comment else text)


def _example(column: Column) -> str:
    match column.base:
        case "int2" | "int4" | "int8" | "numeric" | "float4" | "float8":
            return "gte.18"
        case "bool":
            return "is.true"
        case "text" | "varchar":
            return "like.A*"
        case "date" | "timestamptz" | "timestamp":
            return "gte.2026-01-01"
        case _:
            return "not.is.null"


def _key(table: Table) -> list[Json]:
    return [
        {
            "name": _placeholder(name),
            "in": "path",
            "required": True,
            "schema": {"type": "integer" if table.columns[name].base in ("int2", "int4", "int8") else "string"},
            "description": f"The row's {name} ({table.columns[name].type}).",
        }
        for name in table.primary_key
    ]


def _query(name: str, description: str, kind: Mapping[str, Any] | None = None, place: str = "query") -> Json:
    return {
        "name": name,
        "in": place,
        "required": False,
        "schema": kind or {"type": "string"},
        "description": description,
    }


_SELECT = _query("select", "Columns to answer, such as `id,full:name,age::text`.")
_READING = (
    _SELECT,
    _query("order", "Order, such as `age.desc,name.asc.nullslast`."),
    _query("limit", "How many rows at most.", {"type": "integer", "minimum": 0}),
    _query("offset", "How many rows to skip.", {"type": "integer", "minimum": 0}),
    _query("Prefer", "`count=exact` counts all rows, in the header Content-Range.", place="header"),
)
_WRITING = (_SELECT, _query("Prefer", "`return=minimal` answers without rows.", place="header"))
_INSERTING = (
    _SELECT,
    _query("columns", "The only keys of the body that count, such as `name,age`."),
    _query("on_conflict", "The unique columns that tell which row is there already; the primary key by default."),
    _query(
        "Prefer",
        "`return=minimal` answers without rows; `resolution=merge-duplicates` or `resolution=ignore-duplicates` tells what to do"
        " about rows that are there already.",
        place="header",
    ),
)
