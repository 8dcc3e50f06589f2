"""Calls of functions, by name and with named arguments."""

from pellucid.database.catalog.model import Parameter
from pellucid.rest.compile.write import handed_on
from pellucid.rest.compile.writer import Parameters, identifier, relation
from pellucid.rest.plan.form import SCALAR
from pellucid.rest.plan.model import Call
from pellucid.rest.plan.read import needed


def call(plan: Call, parameters: Parameters) -> str:
    """A SELECT of what the function answers: the columns that are read of its rows, or its values in the column ``SCALAR``."""
    source, arguments = _arguments(plan, parameters)
    function = f"{relation(plan.function.name)}({arguments})"
    if plan.read.table is None:
        return f"SELECT {function} AS {identifier(SCALAR)}" + (f" FROM {source}" if source else "")
    columns = handed_on(needed(plan.read), "c")
    return f"SELECT {columns} FROM {f'{source}, LATERAL ' if source else ''}{function} AS c"


def _arguments(plan: Call, parameters: Parameters) -> tuple[str, str]:
    """What the arguments are taken from, where that is the body, and the arguments."""
    if plan.single is not None:
        cast = "bytea" if isinstance(plan.single, bytes) else "text"
        return "", f"{parameters.bind(plan.single, cast)}::{plan.function.parameters[0].cast}"
    if plan.body is None:
        return "", ", ".join(_named(each, _text(each, value, parameters)) for each, value in plan.named)
    types = ", ".join(f"{identifier(each.name)} {each.cast}" for each in plan.given)
    rows = f"json_to_recordset({parameters.bind(plan.body, 'json')}) AS b({types})"
    arguments = ", ".join(_named(each, f"b.{identifier(each.name)}") for each in plan.given)
    return f"(SELECT * FROM {rows} LIMIT 1) AS b", arguments


def _text(parameter: Parameter, value: str | tuple[str, ...], parameters: Parameters) -> str:
    if isinstance(value, tuple):
        return f"{parameters.bind(list(value), 'text[]')}::{parameter.cast}"
    return f"{parameters.bind(value, 'text')}::{parameter.cast}"


def _named(parameter: Parameter, value: str) -> str:
    return f"{'VARIADIC ' if parameter.variadic else ''}{identifier(parameter.name)} => {value}"
