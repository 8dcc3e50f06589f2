"""The operations on tables and views."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from pellucid.database.catalog.model import Catalog, Fill, Privilege, Table
from pellucid.rest.openapi import answers, parameters
from pellucid.rest.openapi.models import Models, example, may_be_given
from pellucid.rest.openapi.names import Components, placeholder, plain

Json = dict[str, Any]


class Tables:
    """Describes the addresses of tables: all rows, and one row by its key."""

    def __init__(
        self, catalog: Catalog, role: str, models: Models, components: Components, security: list[Json]
    ) -> None:
        """Prepare it.

        Args:
            catalog: knows the media types that the database makes.
            role: whose view this is; what the role may not do is not described.
            models: describes the tables' rows.
            components: where the parameters go.
            security: how a caller may prove who asks.
        """
        self._catalog = catalog
        self._role = role
        self._models = models
        self._components = components
        self._security = security

    def paths(self, table: Table) -> Json:
        """The paths of a table."""
        address = f"/{quote(table.name.name, safe='')}"
        paths = {address: self._collection(table)}
        if table.primary_key:
            key = ",".join(f"{{{placeholder(name)}}}" for name in table.primary_key)
            paths[f"{address}/{key}"] = self._one(table)
        return {path: item for path, item in paths.items() if item}

    def _collection(self, table: Table) -> Json:
        allowed = allowed_methods(table, self._role)
        filters = parameters.filters(table, self._components) if allowed - {"post"} else []
        narrowed = [*filters, *parameters.shared("or", "and")]
        item: Json = {}
        rows = self._rows(table)
        if "get" in allowed:
            responses = {"200": rows, "206": rows} | answers.problems(answers.READING)
            item["get"] = self._operation(table, "List", [*filters, *parameters.READ], responses)
        if "post" in allowed:
            item["post"] = self._insert(table)
        if "patch" in allowed:
            responses = {"200": rows} | answers.DONE | answers.problems(answers.WRITING)
            body = _body(self._models.update(table))
            item["patch"] = self._operation(table, "Change rows of", [*narrowed, *parameters.CHANGE], responses, body)
        if "delete" in allowed:
            responses = {"200": rows} | answers.DONE | answers.problems(answers.DELETING)
            item["delete"] = self._operation(table, "Delete rows of", [*narrowed, *parameters.DELETE], responses)
        return item

    def _insert(self, table: Table) -> Json:
        new = self._models.insert(table)
        many = {"anyOf": [new, {"type": "array", "items": new}]}
        content = {
            "application/json": {"schema": many, "example": example(table)},
            "text/csv": {"schema": {"type": "string"}},
        }
        rows = answers.one_or_many(self._models.answer(table))
        said = f"The row of {table.name.name}, or a list of them for a list; 200 where each was there already."
        made = self._components.response(f"{plain(table.name.name)}.made", answers.answer(said, rows, "Location"))
        responses = {"201": made, "200": made} | answers.problems(answers.WRITING)
        return self._operation(
            table, "Insert into", parameters.INSERT, responses, {"required": True, "content": content}
        )

    def _one(self, table: Table) -> Json:
        allowed = allowed_methods(table, self._role) - {"post"}
        if not allowed:
            return {}
        key = parameters.keys(table, self._components)
        row, item = self._row(table), {}
        written = {"200": row} | answers.DONE | answers.problems(answers.WRITING_ONE)
        if "get" in allowed:
            responses = {"200": row} | answers.problems(answers.READING_ONE)
            item["get"] = self._operation(table, "One row of", [*key, *parameters.READ_ONE], responses)
        if "patch" in allowed:
            body = _body(self._models.update(table))
            item["patch"] = self._operation(table, "Change one row of", [*key, *parameters.CHANGE], written, body)
        if "put" in allowed:
            body = _body(self._models.put(table))
            responses = {"200": row, "201": row} | written
            item["put"] = self._operation(table, "Replace one row of", [*key, *parameters.REPLACE], responses, body)
        if "delete" in allowed:
            responses = {"200": row} | answers.DONE | answers.problems(answers.DELETING_ONE)
            item["delete"] = self._operation(table, "Delete one row of", [*key, *parameters.DELETE], responses)
        return item

    def _rows(self, table: Table) -> Json:
        """The response with rows of the table, described once."""
        content = answers.rows(self._models.answer(table), self._media(table))
        said = f"Rows of {table.name.name}; Content-Range tells which."
        return self._components.response(
            f"{plain(table.name.name)}.rows", answers.answer(said, content, "Content-Range")
        )

    def _row(self, table: Table) -> Json:
        """The response with one row of the table, described once."""
        content = answers.one(self._models.answer(table))
        return self._components.response(
            f"{plain(table.name.name)}.row", answers.answer(f"A row of {table.name.name}.", content)
        )

    def _media(self, table: Table) -> list[str]:
        """The other media types that rows of this table come in."""
        shapes = any(column.base in ("geometry", "geography") for column in table.columns.values())
        return ["application/geo+json"] * (self._catalog.postgis and shapes) + [
            each.media
            for handlers in self._catalog.handlers.values()
            for each in handlers
            if each.table in (None, table.name)
        ]

    def _operation(
        self, table: Table, verb: str, given: Iterable[Json], responses: Json, body: Json | None = None
    ) -> Json:
        name = table.name.name
        operation: Json = {
            "tags": [name],
            "summary": f"{verb} {name}",
            "operationId": f"{verb.lower().replace(' ', '_')}_{plain(name)}",
            "parameters": list(given),
            "security": self._security,
            "responses": responses,
        }
        return operation | ({"requestBody": body} if body else {})


def _body(schema: Json) -> Json:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def allowed_methods(table: Table, role: str) -> frozenset[str]:
    """The methods, in lower case, that the table has and that the role may use on it."""
    can = {privilege for privilege in Privilege if table.allows(role, privilege)}
    numbered = any(table.columns[name].fill is not Fill.NOTHING for name in table.primary_key)
    replaces = {Privilege.UPDATE} if numbered else {Privilege.UPDATE, Privilege.INSERT}
    possible = {
        "get": Privilege.SELECT in can,
        "post": Privilege.INSERT in can and table.insertable,
        "patch": Privilege.UPDATE in can and table.updatable and any(map(may_be_given, table.columns.values())),
        "put": replaces <= can and table.insertable and table.updatable,
        "delete": Privilege.DELETE in can and table.deletable,
    }
    return frozenset(method for method, there in possible.items() if there)
