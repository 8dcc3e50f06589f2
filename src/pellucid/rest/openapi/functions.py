"""The operations that call functions."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pellucid.database.catalog.model import Function, Parameter
from pellucid.rest.grammar import media as media_types
from pellucid.rest.openapi import answers, parameters
from pellucid.rest.openapi.models import Models, result
from pellucid.rest.openapi.names import Components, plain
from pellucid.rest.openapi.values import answered_type, argument, argument_in_query, either

Json = dict[str, Any]
_WHOLE = {"json": media_types.JSON, "jsonb": media_types.JSON, "xml": media_types.XML, "bytea": media_types.OCTETS}
"""The bodies that a function with one unnamed parameter takes whole, by the type of that."""
_OBJECTS: Json = {"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}


class Functions:
    """Describes ``/rpc/{function}``. Functions of one name are one address; which is called is told by the arguments."""

    def __init__(self, models: Models, components: Components, security: list[Json]) -> None:
        """Prepare it.

        Args:
            models: describes the rows of tables.
            components: where the schemas go.
            security: how a caller may prove who asks.
        """
        self._models = models
        self._components = components
        self._security = security

    def paths(self, functions: Sequence[Function]) -> Json:
        """The path of the functions of one name; none where no request can call them."""
        callable_ = [function for function in functions if _callable(function)]
        if not callable_:
            return {}
        readable = [function for function in callable_ if _by_address(function)]
        item: Json = {"get": self._get(readable)} if readable else {}
        return {f"/rpc/{quote(functions[0].name.name, safe='')}": item | {"post": self._post(callable_)}}

    def _get(self, functions: Sequence[Function]) -> Json:
        taken = {each.name: each for function in reversed(functions) for each in function.parameters}
        required = {
            name for name in taken if all(_requires(function, name) for function in functions)
        }  # of overloaded functions each may want others
        given = [_argument(each, required=name in required) for name, each in taken.items()]
        rows = any(not function.scalar for function in functions)
        more = [each for each in (parameters.READ if rows else parameters.shared("preferRead")) if _free(each, taken)]
        return self._operation(functions, "query", [*given, *more])

    def _post(self, functions: Sequence[Function]) -> Json:
        rows = any(not function.scalar for function in functions)
        given = parameters.READ if rows else parameters.shared("preferRead")
        return self._operation(functions, "call", [*given], self._body(functions))

    def _body(self, functions: Sequence[Function]) -> Json | None:
        whole = {_WHOLE[function.parameters[0].type]: function for function in functions if _takes_whole(function)}
        named = [function for function in functions if not _takes_whole(function)]
        content: Json = {media: {"schema": _OBJECTS} if media == media_types.JSON else {} for media in whole}
        if named:
            schemas = [self._arguments(function, number) for number, function in enumerate(named)]
            content["application/json"] = {"schema": either(schemas)}
        return {"required": True, "content": content}

    def _arguments(self, function: Function, number: int) -> Json:
        schema: Json = {
            "title": function.name.name,
            "type": "object",
            "properties": {each.name: {**argument(each), "description": _told(each)} for each in function.parameters},
            "additionalProperties": False,
        }
        required = [each.name for each in function.parameters if each.required]
        name = f"rpc.{plain(function.name.name)}.arguments{f'.{number + 1}' if number else ''}"
        return self._components.schema(name, schema | ({"required": required} if required else {}))

    def _operation(self, functions: Sequence[Function], verb: str, given: list[Json], body: Json | None = None) -> Json:
        name = functions[0].name.name
        operation: Json = {
            "tags": ["rpc"],
            "summary": f"Call {name}" if verb == "call" else f"Call {name}, which only reads",
            "operationId": f"{verb}_{plain(name)}",
            "parameters": given,
            "security": self._security,
            "responses": self._responses(functions),
        }
        comments = list(dict.fromkeys(function.comment for function in functions if function.comment))
        operation |= {"description": "\n\n".join(comments)} if comments else {}
        return operation | ({"requestBody": body} if body else {})

    def _responses(self, functions: Sequence[Function]) -> Json:
        answering = [function for function in functions if not function.returns_void]
        responses: Json = {}
        if answering:
            content = self._content(answering)
            responses["200"] = answers.answer("What the function answers.", content, "Content-Range")
            if any(function.returns_set for function in answering):
                said = "Some of the rows; Content-Range tells which."
                responses["206"] = answers.answer(said, content, "Content-Range")
        if len(answering) < len(functions):
            responses["204"] = answers.answer("Done; the function answers nothing.")
        return responses | answers.problems(answers.CALLING)

    def _content(self, functions: Sequence[Function]) -> Json:
        content = answers.one(either([self._result(function) for function in functions]))
        return content | {function.media: {} for function in functions if function.media}

    def _result(self, function: Function) -> Json:
        """What comes back; a function that answers one row may answer none."""
        if function.scalar:
            one = answered_type(function.returns)
            return {"type": "array", "items": one} if function.returns_set else one
        row = self._row(function)
        return {"type": "array", "items": row} if function.returns_set else {"anyOf": [row, {"type": "null"}]}

    def _row(self, function: Function) -> Json:
        if function.result is None:
            return {"type": "object"}
        if function.result.name == function.returns_table:
            return self._models.answer(function.result)
        name = function.name.name
        return self._components.schema(f"rpc.{plain(name)}.row", result(function.result.columns, name))


def _callable(function: Function) -> bool:
    """Whether a request can tell its arguments: by name, or as the whole body."""
    return _takes_whole(function) or all(each.name for each in function.parameters)


def _takes_whole(function: Function) -> bool:
    parameters = function.parameters
    return len(parameters) == 1 and not parameters[0].name and parameters[0].type in _WHOLE


def _by_address(function: Function) -> bool:
    return function.volatility != "volatile" and not _takes_whole(function)


def _requires(function: Function, name: str) -> bool:
    return any(each.name == name and each.required for each in function.parameters)


def _argument(parameter: Parameter, *, required: bool) -> Json:
    schema = argument_in_query(parameter)
    given = {"name": parameter.name, "in": "query", "description": _told(parameter), "schema": schema}
    return given | ({"required": True} if required else {})


def _told(parameter: Parameter) -> str:
    if parameter.variadic:
        return (
            f"{parameter.type}; given once for each value." if parameter.required else f"{parameter.type}; any number."
        )
    return parameter.type if parameter.required else f"{parameter.type}; has a default."


def _free(reference: Json, taken: dict[str, Parameter]) -> bool:
    """Whether a shared parameter keeps its meaning beside the function's own."""
    return reference["$ref"].rpartition("/")[2] not in taken
