"""The catalog as OpenAPI 3.1: every table and function that the reader may use, with its models, parameters and errors."""

from collections.abc import Iterable, Mapping
from typing import Any

from pellucid.database.catalog.model import Catalog, Function, Table
from pellucid.rest.openapi import answers, parameters
from pellucid.rest.openapi.functions import Functions
from pellucid.rest.openapi.models import Models
from pellucid.rest.openapi.names import Components
from pellucid.rest.openapi.tables import Tables
from pellucid.rest.plan.names import is_exposed

Json = dict[str, Any]
CALLS = "rpc"
"""The first part of the path of every function; no table of this name has an address."""


def describe(
    catalog: Catalog, role: str, *, reserved: frozenset[str], guarded: bool = False, anonymous: bool = True
) -> Json:
    """The paths and components of the native data API.

    Args:
        catalog: what the database holds.
        role: whose view this is; what the role may not do is not described.
        reserved: first path segments that routes of the application take; a table of such a name has no native address.
        guarded: whether tables without row level security are not served (production).
        anonymous: whether requests without a token are answered.
    """
    components = Components()
    exposed = {table.name: table for table in _exposed(catalog, role, guarded=guarded)}
    models = Models(catalog, role, exposed, components)
    security: list[Json] = [*([{}] if anonymous else []), {"Account": []}]
    tables, functions = Tables(catalog, role, models, components, security), Functions(models, components, security)
    shown = [table for table in exposed.values() if table.name.name not in reserved | {CALLS}]
    paths: Json = {}
    for table in shown:
        paths |= tables.paths(table)
    for overloaded in _callable(catalog, role) if CALLS not in reserved else ():
        paths |= functions.paths(overloaded)
    return {
        "paths": paths,
        "components": {
            "schemas": components.schemas | answers.SCHEMAS,
            "parameters": components.parameters | parameters.SHARED,
            "headers": answers.HEADERS,
            "responses": components.responses | answers.RESPONSES,
        },
        "tags": [{"name": table.name.name, "description": table.comment} for table in shown if table.comment],
    }


def merge(own: Mapping[str, Any], tables: Mapping[str, Any]) -> Json:
    """The application's own document with the tables' in it; the application's own parts win."""
    components = dict(own.get("components", {}))
    for kind, parts in tables["components"].items():
        components[kind] = parts | components.get(kind, {})
    tags = [*own.get("tags", []), *tables["tags"]]
    return {**own, "paths": tables["paths"] | own["paths"], "components": components} | ({"tags": tags} if tags else {})


def _exposed(catalog: Catalog, role: str, *, guarded: bool) -> Iterable[Table]:
    """The default schema's tables, by name. Those of other schemas are reached with a profile header."""
    tables = (table for table in catalog.tables.values() if table.name.schema in catalog.schemas[:1])
    usable = (table for table in tables if table.privileges.get(role) and is_exposed(table, role, guarded=guarded))
    return sorted(usable, key=lambda table: table.name)


def _callable(catalog: Catalog, role: str) -> Iterable[list[Function]]:
    """The functions of the default schema that the role may call, those of one name together."""
    named = sorted((name, each) for name, each in catalog.functions.items() if name.schema in catalog.schemas[:1])
    found = ([function for function in overloaded if role in function.executable_by] for _, overloaded in named)
    return (functions for functions in found if functions)
