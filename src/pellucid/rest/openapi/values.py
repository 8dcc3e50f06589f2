"""Values as JSON Schema (2020-12): what a client may give for a column or a parameter, and what an answer holds of it."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from pellucid.database.catalog.model import Column, Fill, Parameter
from pellucid.rest.validate import as_column
from pellucid.rest.validate import given as kind_of_given

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_ANSWERED: Mapping[str, Json] = {
    "bool": {"type": "boolean"},
    "int2": {"type": "integer", "format": "int32"},
    "int4": {"type": "integer", "format": "int32"},
    "int8": {"type": "integer", "format": "int64"},
    "float4": {"type": "number", "format": "float"},
    "float8": {"type": "number", "format": "double"},
    "numeric": {"type": "number"},
    "uuid": {"type": "string", "format": "uuid"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time-local"},
    "timestamp": {"type": "string", "format": "date-time-local"},
    "timestamptz": {"type": "string", "format": "date-time"},
}
"""What PostgreSQL writes for each type, with the formats of OpenAPI's registry."""
_WRITTEN_OUT = frozenset(
    {"text", "varchar", "bpchar", "citext", "char", "name", "timetz", "interval", "bytea", "money", "bit", "varbit", "xml", "inet", "cidr",
     "macaddr", "macaddr8", "oid", "regclass", "tsvector", "tsquery", "int4range", "int8range", "numrange", "daterange", "tsrange",
     "tstzrange", "int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange", "point", "line",
     "lseg", "box", "path", "polygon", "circle", "pg_lsn", "ltree"}
)  # fmt: skip
"""The other types that are a text in JSON; of what is not here nothing is said."""
_IN_QUERY = {"integer", "number", "boolean"}
_DECLARED = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "varchar": "character varying",
    "bpchar": "character",
    "char": '"char"',
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "varbit": "bit varying",
}
"""How types are declared whose names in ``pg_type`` are others."""
_BASES = {declared: base for base, declared in _DECLARED.items()}


def given(column: Column) -> Json:
    """What a client may give for a column."""
    written = column.representation is not None and column.representation.from_json is not None
    limits = (column.base, column.array, column.nullable, column.enum, column.max_length, written)
    return _given("json" if written else column.base, *limits[1:5])


@lru_cache(maxsize=4096)
def _given(base: str, array: bool, nullable: bool, enum: tuple[str, ...], length: int | None) -> Json:
    column = Column("", "", base, array=array, nullable=nullable, enum=enum, max_length=length)
    return _terse(TypeAdapter(kind_of_given(column)).json_schema()) or _untold(column)


def _untold(column: Column) -> Json:
    """What is left for PostgreSQL to judge, as far as it is known."""
    known = column.base in _WRITTEN_OUT and not column.array
    return ({"type": ["string", "null"]} if column.nullable else _TEXT) if known else {}


def _terse(schema: Json) -> Json:
    """``anyOf`` of one type and null as one type or the other; a format for the largest integers."""
    kinds = [_one(each) for each in schema.get("anyOf", [schema])]
    if len(kinds) == 2 and kinds[1] == {"type": "null"} and "type" in kinds[0]:
        return _or_null(kinds[0])
    return {"anyOf": kinds} if len(kinds) > 1 else kinds[0]


def _one(schema: Json) -> Json:
    """One of several types. The limits of the largest integers are beyond what JavaScript counts to."""
    match schema:
        case {"const": only, "type": kind}:
            return {"type": kind, "enum": [only]}
        case {"exclusiveMaximum": most} if most == 2**63:
            return {"type": "integer", "format": "int64"}
        case _:
            return schema


def answered(column: Column) -> Json:
    """What an answer holds of a column."""
    if column.representation is not None and column.representation.to_json is not None:
        return {}
    return _answered(column.base, column.enum, column.array, column.nullable)


@lru_cache(maxsize=4096)
def _answered(base: str, enum: tuple[str, ...], array: bool, nullable: bool) -> Json:
    one = {"type": "string", "enum": list(enum)} if enum else _ANSWERED.get(base, _TEXT if base in _WRITTEN_OUT else {})
    if array:
        one = {"type": "array", "items": _or_null(one)}
    return _or_null(one) if nullable else one


def _or_null(schema: Json) -> Json:
    match schema:
        case {"enum": values}:
            return {**schema, "type": [schema["type"], "null"], "enum": [*values, None]}
        case {"type": kind}:
            return {**schema, "type": [kind, "null"]}
        case _:
            return schema


def answered_type(declared: str) -> Json:
    """What an answer holds of a type by its declared name, whatever schema it lives in: the result of a function."""
    array = declared.endswith("[]")
    name = declared.removesuffix("[]").rpartition(".")[2]
    return answered(Column("", declared, _BASES.get(name, name), array=array))


def either(schemas: Sequence[Json]) -> Json:
    """One of several schemas. Null is said apart: there are tools that look for one type in each."""
    kinds = _distinct(map(_not_null, schemas))
    if len(kinds) == 1:
        return schemas[0]
    return {"anyOf": kinds + [{"type": "null"}] * any(each not in kinds for each in schemas)}


def _distinct(schemas: Iterable[Json]) -> list[Json]:
    found: list[Json] = []
    for each in schemas:
        if each not in found:
            found.append(each)
    return found


def _not_null(schema: Json) -> Json:
    match schema:
        case {"type": [str(kind), "null"], "enum": [*values, None]}:
            return {**schema, "type": kind, "enum": values}
        case {"type": [str(kind), "null"]}:
            return {**schema, "type": kind}
        case _:
            return schema


def declared(column: Column) -> str:
    """How the column's type is declared, without a length; for a domain the type under it, where that is PostgreSQL's own."""
    own = column.base in _ANSWERED or column.base in _WRITTEN_OUT or column.base in ("json", "jsonb")
    if column.cast.startswith("pg_catalog.") or (
        own and not column.cast.endswith((f".{column.base}", f'"{column.base}"', "[]"))
    ):
        return _DECLARED.get(column.base, column.base) + "[]" * column.array
    return column.type


def argument(parameter: Parameter) -> Json:
    """What a parameter takes in a JSON body."""
    return given(as_column(parameter))


def in_query(column: Column) -> Json:
    """A value in an address: numbers and truth as such, everything else is text."""
    schema = {} if column.array else _ANSWERED.get(column.base, {})
    return schema if schema.get("type") in _IN_QUERY else _TEXT


def argument_in_query(parameter: Parameter) -> Json:
    """What a parameter takes in an address; a variadic one is given once for each value."""
    column = as_column(parameter)
    if not parameter.variadic:
        return in_query(column)
    return {"type": "array", "items": in_query(Column("", "", column.base))}


_LITERAL = re.compile(r"'((?:[^']|'')*)'(?:::[\w .\"()\[\],]+)?")


def default(column: Column) -> Json:
    """The value that PostgreSQL fills in, where it is a plain one: ``{"default": 42}``, or nothing."""
    if column.fill is not Fill.DEFAULT or column.default is None or column.array:
        return {}
    text = _LITERAL.fullmatch(column.default)
    kind = _ANSWERED.get(column.base, {}).get("type")
    if text is not None and kind not in _IN_QUERY and (column.enum or column.base in _WRITTEN_OUT):
        return {"default": text[1].replace("''", "'")}
    if kind in _IN_QUERY:
        return _number_or_truth(text[1] if text else column.default)
    return {}


def _number_or_truth(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return {"default": value} if isinstance(value, int | float) else {}


_SAMPLES: Mapping[str, Any] = {
    "boolean": True,
    "integer": 0,
    "number": 0,
    "uuid": "00000000-0000-0000-0000-000000000000",
    "date": "2026-01-31",
    "time-local": "12:00:00",
    "date-time-local": "2026-01-31T12:00:00",
    "date-time": "2026-01-31T12:00:00Z",
}


def sample(column: Column) -> Any:
    """A value to begin with."""
    if column.array:
        return []
    if column.enum:
        return column.enum[0]
    known = _ANSWERED.get(column.base, _TEXT if column.base in _WRITTEN_OUT else {})
    return _SAMPLES.get(known.get("format", ""), _SAMPLES.get(known.get("type", ""), "string" if known else {}))
