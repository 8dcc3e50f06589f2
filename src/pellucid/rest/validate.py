"""Bodies against their table: one Pydantic model a table, every bad field told at once.

The models judge only what can be judged without the database. What they let through PostgreSQL judges again, with its own constraints.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WrapValidator, create_model
from pydantic_core import ErrorDetails, PydanticCustomError

from pellucid.database.catalog.model import Column, Fill, Function, Parameter, Privilege, Table, TableName
from pellucid.errors import Fault, InvalidFields
from pellucid.rest.plan.functions import takes_whole
from pellucid.rest.plan.names import closest, seen_columns
from pellucid.rest.request import Payload, RestRequest
from pellucid.rest.taken import TAKEN, broken

_TYPES: Mapping[str, Any] = {
    "bool": bool,
    "int2": Annotated[int, Field(ge=-(2**15), lt=2**15)],
    "int4": Annotated[int, Field(ge=-(2**31), lt=2**31)],
    "int8": Annotated[int, Field(ge=-(2**63), lt=2**63)],
    "float4": float,
    "float8": float,
    "numeric": Decimal,
    "text": str,
    "citext": str,
    "varchar": str,
    "bpchar": str,
    "uuid": UUID,
    "date": date,
    "time": time,
    "timetz": time,
    "timestamp": datetime,
    "timestamptz": datetime,
}
"""What each type of PostgreSQL's is in Python. A type that is not here may be anything: PostgreSQL alone judges it.

What `TAKEN` knows is judged there."""

_Infinity = Literal["infinity", "-infinity"]
_ENDLESS: Mapping[str, Any] = {
    "numeric": Annotated[Decimal, Field(allow_inf_nan=True)],
    "date": date | _Infinity,
    "timestamp": datetime | _Infinity,
    "timestamptz": datetime | _Infinity,
}
"""The types whose values in PostgreSQL go on where Python's end (PostgreSQL, 8.1.2 and 8.5.1.4)."""

MAX_FAULTS = 100
"""How many bad fields one answer tells."""
_LONGEST_NAME = 80
"""How much of a name an answer repeats; PostgreSQL's own are shorter."""
_NUL = "Leave out \\u0000: PostgreSQL has no such text."
_MOST_FUNCTIONS = 2000


class Models(NamedTuple):
    """A table's models: for a new row, and for a change."""

    insert: type[BaseModel]
    update: type[BaseModel]


def models_of(table: Table) -> Models:
    """Make a table's models."""
    strict = ConfigDict(extra="forbid", title=table.name.name)
    return Models(
        insert=_model(table, "New", strict, required=_must_be_given),
        update=_model(table, "Change", strict, required=lambda _: False),
    )


class ModelCache:
    """The models of the tables and functions that have been asked for; one that has changed is another value, and gets new ones."""

    def __init__(self) -> None:
        self._models: dict[TableName, tuple[Table, Models]] = {}
        self._arguments: dict[tuple[TableName, tuple[Parameter, ...]], type[BaseModel]] = {}

    def of(self, table: Table) -> Models:
        """The table's models."""
        known = self._models.get(table.name)
        if known is None or known[0] is not table:
            known = self._models[table.name] = (table, models_of(table))
        return known[1]

    def of_arguments(self, function: Function) -> type[BaseModel]:
        """The model of what the function takes."""
        known = self._arguments.get((function.name, function.parameters))
        if known is None:
            if len(self._arguments) >= _MOST_FUNCTIONS:
                self._arguments.clear()
            known = self._arguments[function.name, function.parameters] = _arguments_model(function)
        return known


def check(asked: RestRequest, target: Table | Function, models: ModelCache, role: str) -> None:
    """Check a body's rows against the table's model, or its arguments against the function's.

    A role that may not write, or call, is told nothing of the columns and parameters: PostgreSQL refuses it.

    Raises:
        InvalidFields: one or more fields are wrong; all are told (up to `MAX_FAULTS`).
    """
    checker = _checker(asked, target, models, role)
    if asked.payload is None or checker is None:
        return
    found = (fault for place, row in enumerate(asked.payload.rows) for fault in checker.faults(row, place))
    faults = tuple(islice(found, MAX_FAULTS))
    if faults:
        many = "1 field is" if len(faults) == 1 else f"{len(faults)} fields are"
        raise InvalidFields(f"{many} not valid for {target.name.name}.", faults=faults)


def faultless(
    asked: RestRequest, target: Table | Function, models: ModelCache, role: str
) -> Callable[[Mapping[str, Any]], bool]:
    """How rows are judged that come in bodies like this request's: a function that tells whether one has no fault."""
    checker = _checker(asked, target, models, role)
    return (lambda row: not checker.faults(row, 0)) if checker else lambda _: True


def _checker(asked: RestRequest, target: Table | Function, models: ModelCache, role: str) -> "_Checker | None":
    """Who checks the rows of a body; None where nobody does."""
    if asked.payload is None or not asked.profile.validates or (asked.method == "POST" and asked.key is not None):
        return None  # to a row nothing is posted, whatever its fields
    if isinstance(target, Function):
        return None if role not in target.executable_by or takes_whole(target, asked) else _of_call(target, models)
    if target.allows(role, Privilege.INSERT if asked.method == "POST" else Privilege.UPDATE):
        return _of_rows(asked, target, models, asked.payload, role)
    return None


def _of_rows(asked: RestRequest, table: Table, models: ModelCache, payload: Payload, role: str) -> "_Checker":
    return _Checker(
        table.name.name,
        table.columns,
        models.of(table).update if asked.method == "PATCH" else models.of(table).insert,
        inherited=frozenset(table.primary_key) if asked.method == "PUT" else frozenset(),
        listed=payload.listed,
        ignored=frozenset() if asked.query.columns is None else _others(payload, asked.query.columns),
        seen=seen_columns(table, role),
    )


def _of_call(function: Function, models: ModelCache) -> "_Checker":
    columns = {each.name: as_column(each) for each in function.parameters}
    return _Checker(
        function.name.name, columns, models.of_arguments(function), inherited=frozenset(), listed=False, seen=columns
    )


def _others(payload: Payload, columns: Iterable[str]) -> frozenset[str]:
    """Keys of the body that the request does not mean to write."""
    return frozenset(key for row in payload.rows for key in row).difference(columns)


class _Checker(Struct, frozen=True):
    """Checks the rows of one body.

    ``inherited`` columns come from the path, so a row may leave them out; ``ignored`` keys are not written. Of the names, only those
    ``seen`` are told to the caller.
    """

    name: str
    columns: Mapping[str, Column]
    model: type[BaseModel]
    inherited: frozenset[str]
    listed: bool
    ignored: frozenset[str] = frozenset()
    seen: Iterable[str] = ()

    def faults(self, row: Mapping[str, Any], place: int) -> list[Fault]:
        told: dict[str, Fault] = {}
        try:
            self.model.model_validate(row)
        except ValidationError as fault:
            details = fault.errors(include_url=False, include_context=False, include_input=False)
            for detail in details[:MAX_FAULTS]:
                if not self._is_excused(detail):
                    each = self._fault(detail, row, place)
                    told.setdefault(each.field, each)
        for name, value in row.items():
            if broken(value) or "\0" in name:
                each = Fault(self._field(name[:_LONGEST_NAME], place), "The character NUL is in it.", _NUL)
                told.setdefault(each.field, each)
        return list(told.values())

    def _is_excused(self, detail: ErrorDetails) -> bool:
        name = detail["loc"][0] if detail["loc"] else ""
        return name in self.ignored or (detail["type"] == "missing" and name in self.inherited)

    def _field(self, name: str, place: int) -> str:
        return f"{place}.{name}" if self.listed else name

    def _fault(self, detail: ErrorDetails, row: Mapping[str, Any], place: int) -> Fault:
        name = str(detail["loc"][0]) if detail["loc"] else ""
        column = self.columns.get(name)
        name = name[:_LONGEST_NAME]
        field = self._field(name, place)
        if column is None:
            similar = closest(name, self.seen)
            return Fault(
                field,
                f"{self.name} has no column {name}.",
                f"Did you mean {similar}?" if similar else "Leave it out.",
            )
        if detail["type"] == "extra_forbidden":
            return Fault(field, f"{name} cannot be given.", f"Leave {name} out: the database fills it.")
        if detail["type"] == "missing":
            return Fault(field, "A value is required.", f"Give {name} a value of type {column.type}.")
        if row.get(column.name) is None:
            return Fault(field, "A value is required, and null is none.", _way_out(column))
        return Fault(field, _sentence(detail["msg"]), _way_out(column))


def _sentence(message: str) -> str:
    return re.sub(r"^(Value error, )?(Input|String|Decimal input) should", "The value should", message) + "."


def _way_out(column: Column) -> str:
    null = " or null" if column.nullable else ""
    if column.enum:
        return f"Give {column.name} one of: {', '.join(column.enum)}{null}."
    return f"Give {column.name} a value of type {column.type}{null}."


def _must_be_given(column: Column) -> bool:
    return not column.nullable and column.fill is Fill.NOTHING


def _model(table: Table, suffix: str, config: ConfigDict, *, required: Callable[[Column], bool]) -> type[BaseModel]:
    """A model whose fields are found by the columns' names; Python's own names for them do not matter."""
    fields: dict[str, Any] = {
        f"field_{place}": (given(column), _field(column, required=required(column)))
        for place, column in enumerate(table.columns.values())
        if column.fill is not Fill.ALWAYS
    }
    return create_model(f"{table.name.name}{suffix}", __config__=config, **fields)


def _arguments_model(function: Function) -> type[BaseModel]:
    fields: dict[str, Any] = {
        f"field_{place}": (given(as_column(each)), Field(default=None, alias=each.name))
        for place, each in enumerate(function.parameters)
        if each.name
    }
    return create_model(f"{function.name.name}Arguments", **fields)


def as_column(parameter: Parameter) -> Column:
    """A parameter as if it were a column. Only PostgreSQL's own types are judged here."""
    base = parameter.cast.removeprefix("pg_catalog.").removesuffix("[]").strip('"')
    known = parameter.cast.startswith("pg_catalog.")
    return Column(parameter.name, parameter.type, base if known else "", array=parameter.cast.endswith("[]"))


def _field(column: Column, *, required: bool) -> Any:
    return Field(default=... if required else None, alias=column.name, description=column.comment)


def given(column: Column) -> Any:
    """What a client may give. An array may be written as PostgreSQL writes it, and have more dimensions than one."""
    if column.representation is not None and column.representation.from_json is not None:
        return Any
    kind: Any = _scalar(column)
    if column.max_length is not None and kind is str:
        kind = Annotated[str, Field(max_length=column.max_length)]
    if column.array:
        kind = Annotated[list[kind | list[Any] | None], Field(fail_fast=True)] | str if kind is not Any else Any
    return kind | None if column.nullable and kind is not Any else kind


def _scalar(column: Column) -> Any:
    if column.enum:
        return Literal[column.enum]
    kind = _ENDLESS.get(column.base, _TYPES.get(column.base, Any))
    return Annotated[kind, _JUDGES[column.base]] if column.base in _JUDGES else kind


def _judge(taken: Callable[[Any], bool], wanted: str) -> WrapValidator:
    """What judges in Pydantic's place; of the type itself only the JSON Schema remains."""

    def judge(value: Any, _: object) -> Any:
        if not taken(value):
            raise PydanticCustomError("taken", "The value should be {wanted}", {"wanted": wanted})
        return value

    return WrapValidator(judge)


_JUDGES: Mapping[str, WrapValidator] = {base: _judge(*judge) for base, judge in TAKEN.items()}
