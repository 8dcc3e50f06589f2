"""The catalog as OpenAPI 2.0, as the root of the PostgREST profile answers it: generators of clients for that dialect read it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from pellucid.database.catalog.model import Cardinality, Catalog, Column, Function, Parameter, Table, TableName
from pellucid.rest.openapi.values import declared
from pellucid.rest.options import DataOptions, OpenApiMode
from pellucid.rest.plan.names import is_exposed
from pellucid.version import VERSION

Json = dict[str, Any]
_MEDIA = [
    "application/json",
    "application/vnd.pgrst.object+json;nulls=stripped",
    "application/vnd.pgrst.object+json",
]
_TYPES: Mapping[str, str | None] = {
    "boolean": "boolean", "smallint": "integer", "integer": "integer", "bigint": "integer", "numeric": "number", "real": "number",
    "double precision": "number", "json": None, "jsonb": None,
}  # fmt: skip
"""The types that are something else than text there; None is any value."""
_FORMATS = {"smallint": "int32", "integer": "int32", "bigint": "int64"}


class Viewer(Struct, frozen=True):
    """Who looks at the description of which schema; ``guarded`` (production): only what has row level security is served."""

    role: str
    schema: str
    guarded: bool


def describe(catalog: Catalog, options: DataOptions, viewer: Viewer) -> Json:
    """Describe one schema as far as the viewer may use it, or all of it where the options say so."""
    everything = options.openapi_mode is OpenApiMode.IGNORE_PRIVILEGES
    tables = [table for table in _tables(catalog, viewer) if everything or table.privileges.get(viewer.role)]
    functions = [each for each in _functions(catalog, viewer) if everything or viewer.role in each.executable_by]
    title, description = _titled(catalog.schema_comments.get(viewer.schema))
    document: Json = {
        "swagger": "2.0",
        "info": {
            "title": title or "PostgREST API",
            "description": description or "This is a dynamic API, made of the tables and functions of a database",
            "version": VERSION,
        },
        "consumes": [*_MEDIA, "text/csv"],
        "produces": [*_MEDIA, "text/csv"],
        "paths": {"/": _ROOT} | dict(map(_table_path, tables)) | dict(map(_function_path, functions)),
        "definitions": {table.name.name: _definition(table, catalog) for table in tables},
        "parameters": _PARAMETERS | {name: value for table in tables for name, value in _own_parameters(table)},
        "externalDocs": {
            "description": "PostgREST Documentation",
            "url": "https://postgrest.org/en/latest/references/api.html",
        },
    }
    return document | (_SECURITY if options.openapi_security else {})


def _tables(catalog: Catalog, viewer: Viewer) -> list[Table]:
    tables = (table for table in catalog.tables.values() if table.name.schema == viewer.schema)
    served = (table for table in tables if is_exposed(table, viewer.role, guarded=viewer.guarded))
    return sorted(served, key=lambda table: table.name)


def _functions(catalog: Catalog, viewer: Viewer) -> list[Function]:
    named = sorted((name, each) for name, each in catalog.functions.items() if name.schema == viewer.schema)
    return [function for _, overloaded in named for function in overloaded]


def place_of(address: str) -> Json:
    """Where the API is, by the URL of the profile's root. It belongs into the description, whoever looks at it."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return {"host": f"{host}:{port}", "basePath": parts.path or "/", "schemes": [parts.scheme or "http"]}


def _titled(comment: str | None) -> tuple[str | None, str | None]:
    """A comment's first line, and the rest of it."""
    title, _, rest = (comment or "").partition("\n")
    return title or None, rest.lstrip("\n") or None


def _known(members: Mapping[str, Any]) -> Json:
    """The members that say something."""
    return {name: value for name, value in members.items() if value is not None}


# -- types ----------------------------------------------------------------------------------------------------------


def _type(name: str) -> str | None:
    return "array" if name.endswith("[]") else _TYPES.get(name, "string")


def _typed(name: str) -> Json:
    """A type and its format; of an array also what is in it."""
    items = _known({"type": _type(name[:-2])}) if name.endswith("[]") else None
    return _known({"type": _type(name), "format": _FORMATS.get(name, name), "items": items})


def _definition(table: Table, catalog: Catalog) -> Json:
    return _known(
        {
            "type": "object",
            "description": table.comment,
            "properties": {
                column.name: _property(column, table, _target(column, table, catalog))
                for column in table.columns.values()
            },
            "required": [column.name for column in table.columns.values() if not column.nullable] or None,
        }
    )


def _property(column: Column, table: Table, target: tuple[TableName, str] | None) -> Json:
    notes = ["Note:"]
    notes += ["This is a Primary Key.<pk/>"] * (column.name in table.primary_key)
    if target:
        name, of = target[0].name, target[1]
        notes.append(f"This is a Foreign Key to `{name}.{of}`.<fk table='{name}' column='{of}'/>")
    said = [text for text in (column.comment, "\n".join(notes) if len(notes) > 1 else None) if text]
    return _typed(declared(column)) | _known(
        {
            "description": "\n\n".join(said) or None,
            "enum": list(column.enum) or None,
            "maxLength": None if column.array else column.max_length,
            "default": _default(column),
        }
    )


def _default(column: Column) -> object:
    """The default, where it is a value that can be written as JSON."""
    if column.default is None:
        return None
    name = declared(column)
    text = f'"{column.default.removesuffix(f"::{name}").strip(chr(39))}"' if _type(name) == "string" else column.default
    try:
        return json.loads(text)
    except ValueError:
        return None


def _target(column: Column, table: Table, catalog: Catalog) -> tuple[TableName, str] | None:
    """What the column refers to by itself; a table is named before a view of it."""
    found = [
        (catalog.tables[way.target].kind in ("view", "materialized"), way.target, way.columns[0][1])
        for way in catalog.relationships.get(table.name, ())
        if way.columns
        and [near for near, _ in way.columns] == [column.name]
        and (way.cardinality is Cardinality.MANY_TO_ONE or (way.cardinality is Cardinality.ONE_TO_ONE and way.owner))
        and way.target in catalog.tables
    ]
    return min(found, key=lambda each: each[0])[1:] if found else None


# -- parameters -----------------------------------------------------------------------------------------------------


def _parameter(name: str, description: str | None, place: str = "query", **more: Any) -> Json:
    return _known({"name": name, "description": description, "required": False, "in": place, "type": "string", **more})


def _prefer(*words: str) -> Json:
    return _parameter("Prefer", "Preference", "header", enum=list(words) or None)


_RETURN = ("return=representation", "return=minimal", "return=none")
_PAGES = "Limiting and Pagination"
_PARAMETERS: Json = {
    "preferParams": _prefer(),
    "preferReturn": _prefer(*_RETURN),
    "preferCount": _prefer("count=none"),
    "preferPost": _prefer(*_RETURN, "resolution=ignore-duplicates", "resolution=merge-duplicates"),
    "select": _parameter("select", "Filtering Columns"),
    "on_conflict": _parameter("on_conflict", "On Conflict"),
    "order": _parameter("order", "Ordering"),
    "range": _parameter("Range", _PAGES, "header"),
    "rangeUnit": _parameter("Range-Unit", _PAGES, "header", default="items"),
    "offset": _parameter("offset", _PAGES),
    "limit": _parameter("limit", _PAGES),
}


def _own_parameters(table: Table) -> Iterable[tuple[str, Json]]:
    name = table.name.name
    body = {"name": name, "description": name, "required": False, "in": "body", "schema": _definition_of(name)}
    yield f"body.{name}", body
    for column in table.columns.values():
        yield f"rowFilter.{name}.{column.name}", _parameter(column.name, column.comment)


def _definition_of(name: str) -> Json:
    return {"$ref": f"#/definitions/{name}"}


def _refs(names: Sequence[str]) -> list[Json]:
    return [{"$ref": f"#/parameters/{name}"} for name in names]


# -- paths ----------------------------------------------------------------------------------------------------------

_OK: Json = {"200": {"description": "OK"}}
_ROOT: Json = {
    "get": {
        "tags": ["Introspection"],
        "summary": "OpenAPI description (this document)",
        "produces": ["application/openapi+json", "application/json"],
        "responses": _OK,
    }
}


def _table_path(table: Table) -> tuple[str, Json]:
    name = table.name.name
    summary, description = _titled(table.comment)
    filters = [f"rowFilter.{name}.{column}" for column in table.columns]
    common = _known({"tags": [name], "summary": summary, "description": description})
    pages = ["select", "order", "range", "rangeUnit", "offset", "limit", "preferCount"]
    rows = {"description": "OK", "schema": {"type": "array", "items": _definition_of(name)}}
    methods = {
        "get": _operation(common, _refs([*filters, *pages]), {"200": rows, "206": {"description": "Partial Content"}})
    }
    if table.insertable or table.updatable or table.deletable:
        done = {"204": {"description": "No Content"}}
        created = {"201": {"description": "Created"}}
        methods["post"] = _operation(common, _refs([f"body.{name}", "select", "preferPost"]), created)
        methods["patch"] = _operation(common, _refs([*filters, f"body.{name}", "preferReturn"]), done)
        methods["delete"] = _operation(common, _refs([*filters, "preferReturn"]), done)
    return f"/{name}", methods


def _function_path(function: Function) -> tuple[str, Json]:
    name = function.name.name
    summary, description = _titled(function.comment)
    common = _known({"tags": [f"(rpc) {name}"], "summary": summary, "description": description, "produces": _MEDIA})
    arguments = _known(
        {
            "type": "object",
            "description": function.comment,
            "properties": {each.name: _typed(_local(each, function)) for each in function.parameters},
            "required": [each.name for each in function.parameters if each.required] or None,
        }
    )
    body = {"name": "args", "in": "body", "required": True, "schema": arguments}
    methods = {"post": _operation(common, [body, *_refs(["preferParams"])], _OK)}
    if function.volatility != "volatile":
        methods["get"] = _operation(
            common, [_argument(each, _local(each, function)) for each in function.parameters], _OK
        )
    return f"/rpc/{name}", methods


def _argument(parameter: Parameter, name: str) -> Json:
    common = {"name": parameter.name, "in": "query", "required": parameter.required}
    if parameter.variadic:
        return common | {"type": "array", "items": _typed(name.removesuffix("[]")), "collectionFormat": "multi"}
    kind = _type(name)
    text = "string" if kind in (None, "array") else kind
    return common | {"type": text, "format": _FORMATS.get(name, name)}


def _local(parameter: Parameter, function: Function) -> str:
    """The name of a parameter's type as it is seen from the function's schema."""
    return parameter.type.removeprefix(f"{function.name.schema}.")


def _operation(common: Json, parameters: list[Json], responses: Json) -> Json:
    return {**common, "parameters": parameters, "responses": responses}


_SECURITY: Json = {
    "security": [{"JWT": []}],
    "securityDefinitions": {
        "JWT": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": 'Add the token prepending "Bearer " (without quotes) to it',
        }
    },
}
