"""JSON Schema (2020-12), as much of it as descriptions of the API use: holds values against schemas, and finds dangling references."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
_KINDS: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_KNOWN = {
    "$ref", "type", "enum", "const", "anyOf", "allOf", "items", "properties", "required", "additionalProperties", "minimum",
    "exclusiveMaximum", "maxLength", "minProperties", "pattern", "title", "description", "format", "default", "examples",
}  # fmt: skip


def references(part: Any) -> Iterator[str]:
    """Every ``$ref`` in a document."""
    match part:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for each in part.values():
                yield from references(each)
        case list():
            for each in part:
                yield from references(each)


def resolve(document: Json, reference: str) -> Any:
    """What a reference leads to."""
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found


def misfits(value: Any, schema: Json, document: Json, place: str = "$") -> Iterator[str]:
    """Why a value does not fit."""
    assert schema.keys() <= _KNOWN, f"nobody checks {schema.keys() - _KNOWN}"
    if "$ref" in schema:
        yield from misfits(value, resolve(document, schema["$ref"]), document, place)
    for each in schema.get("allOf", ()):
        yield from misfits(value, each, document, place)
    if "anyOf" in schema:
        failed = [list(misfits(value, each, document, place)) for each in schema["anyOf"]]
        if all(failed):
            yield f"{place} fits none: {failed}"
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_KINDS[kind](value) for kind in kinds):
        yield f"{place} is {value!r}, not {kinds}"
    yield from _outside(value, schema, place)
    if isinstance(value, dict):
        yield from _object(value, schema, document, place)
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from misfits(each, schema.get("items", {}), document, f"{place}[{number}]")


def _outside(value: Any, schema: Json, place: str) -> Iterator[str]:
    if value not in schema.get("enum", [schema.get("const", value)]):
        yield f"{place} is {value!r}, outside of {schema}"
    if isinstance(value, int) and not schema.get("minimum", value) <= value < schema.get("exclusiveMaximum", value + 1):
        yield f"{place} is {value}, outside of {schema}"
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        yield f"{place} is longer than {schema['maxLength']}"


def _object(value: dict[str, Any], schema: Json, document: Json, place: str) -> Iterator[str]:
    described = schema.get("properties", {})
    yield from (f"{place}.{name} is missing" for name in schema.get("required", ()) if name not in value)
    if schema.get("additionalProperties") is False:
        yield from (f"{place}.{name} is unknown" for name in value if name not in described)
    if len(value) < schema.get("minProperties", 0):
        yield f"{place} is empty"
    for name, each in value.items():
        yield from misfits(each, described.get(name, {}), document, f"{place}.{name}")
