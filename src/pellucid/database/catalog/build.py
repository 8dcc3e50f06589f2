"""From rows to one frozen `Catalog`. No I/O: it runs in a thread while the event loop goes on answering."""

from collections.abc import Iterable
from types import MappingProxyType

from pellucid.database.caller import INTERNAL_ROLES
from pellucid.database.catalog.columns import Columns
from pellucid.database.catalog.computed import computed_columns, computed_relationships
from pellucid.database.catalog.found import Found, Row
from pellucid.database.catalog.functions import Functions
from pellucid.database.catalog.media import build_handlers
from pellucid.database.catalog.model import Catalog
from pellucid.database.catalog.relationships import build_relationships
from pellucid.database.catalog.representations import build_representations
from pellucid.database.catalog.rights import Rights
from pellucid.database.catalog.tables import Tables
from pellucid.database.catalog.types import Types


def build(found: Found, schemas: tuple[str, ...], extra_search_path: tuple[str, ...], version: int) -> Catalog:
    """Put the catalog together."""
    roles = {row["name"]: row for row in found.roles if _requestable(row)}
    rights, types = Rights(roles, found.acls, found.schemas), Types(found.types)
    columns = Columns(types, build_representations(found.casts))
    builder = Tables(found, rights, columns)
    by_oid = builder.build(computed_columns(found.functions, builder.named, extra_search_path, columns))
    tables = {table.name: table for table in by_oid.values()}
    made = computed_relationships(found.functions, builder.named, types)
    return Catalog(
        schemas=schemas,
        tables=MappingProxyType(tables),
        functions=MappingProxyType(Functions(found, rights, types, columns, by_oid).build()),
        roles=frozenset(roles),
        role_settings=MappingProxyType(_settings(found.settings, roles)),
        version=version,
        relationships=MappingProxyType(build_relationships(found.keys, builder.places, tables, made)),
        handlers=MappingProxyType(build_handlers(found.aggregates)),
        schema_comments=MappingProxyType({row["name"]: row["comment"] for row in found.schemas if row["comment"]}),
        postgis=any(row["name"] == "postgis" for row in found.extensions),
    )


def _requestable(role: Row) -> bool:
    """Whether a token may name the role. The role that logs in and superusers are never among them."""
    return role["takable"] and not role["superuser"] and not role["login"] and role["name"] not in INTERNAL_ROLES


def _settings(rows: Iterable[Row], roles: Iterable[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    settings: dict[str, dict[str, str]] = {role: {} for role in (*roles, *INTERNAL_ROLES)}
    for row in rows:
        if row["role"] in settings:
            settings[row["role"]][row["name"]] = row["value"]
    return {role: tuple(pairs.items()) for role, pairs in settings.items() if pairs}
