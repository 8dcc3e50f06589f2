"""Which function is meant: overloaded ones are told apart by the names of the arguments, and those with one unnamed parameter by the
body's content type."""

from collections.abc import Iterable, Sequence, Set

from pellucid.database.catalog.model import Function, Parameter, TableName
from pellucid.errors import AmbiguousFunction, Denied, Fault, InvalidFields, UnknownFunction
from pellucid.rest.grammar import media
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.rows import LONGEST_NAME
from pellucid.rest.plan.similar import most_similar
from pellucid.rest.profile import POSTGREST
from pellucid.rest.request import RestRequest

_UNNAMED = {
    media.JSON: frozenset({"json", "jsonb"}),
    media.TEXT: frozenset({"text"}),
    media.XML: frozenset({"xml"}),
    media.OCTETS: frozenset({"bytea"}),
}
"""What the one unnamed parameter of a function must be to take a body of this media type."""
_WHOLE = (media.TEXT, media.XML, media.OCTETS)
"""Bodies that are one value, never arguments by name."""
_MOST_ARGUMENTS = 100
"""The most arguments that a function of PostgreSQL takes (appendix K); an error repeats no more of them."""
_NAME_LIKENESS, _PARAMETERS_LIKENESS = 0.75, 0.33


def find_function(asked: RestRequest, context: Context) -> Function:
    """The function that a call means.

    Raises:
        UnknownFunction: none of this name takes these arguments.
        AmbiguousFunction: several do.
        InvalidFields: there is one function of this name, and the arguments are not its; the native profile tells which.
    """
    given = argument_names(asked)
    named = sorted(context.catalog.functions.get(asked.name, ()), key=_order)
    fitting = [function for function in named if _takes(function, given, asked)]
    if not fitting:
        fitting = [function for function in named if takes_whole(function, asked)]
    match fitting:
        case [function]:
            return function
        case []:
            told = frozenset(name[:LONGEST_NAME] for name in sorted(given)[:_MOST_ARGUMENTS])
            raise _unknown(asked, told, named, context)
        case _:
            raise _ambiguous(asked, fitting, context.role)


def argument_names(asked: RestRequest) -> frozenset[str]:
    """The names of the arguments that the request gives."""
    if asked.method != "POST":
        return frozenset(name for name, _ in asked.query.arguments)
    if asked.body is not None and asked.body.pairs is not None:
        return frozenset(name for name, _ in asked.body.pairs)
    if content(asked) == media.JSON and asked.query.columns is not None:
        return frozenset(asked.query.columns)
    return frozenset(asked.payload.rows[0]) if asked.payload and asked.payload.rows else frozenset()


def content(asked: RestRequest) -> str | None:
    """The media type of the body that the function is called with, None where it is called without one."""
    return asked.body.media if asked.method == "POST" and asked.body else None


def takes_whole(function: Function, asked: RestRequest) -> bool:
    """Whether the function's one parameter, which has no name, is the body as it came."""
    if len(function.parameters) != 1 or function.parameters[0].name:
        return False
    return function.parameters[0].type in _UNNAMED.get(content(asked) or "", ())


def _takes(function: Function, given: Set[str], asked: RestRequest) -> bool:
    """Whether the arguments given are parameters of the function, and all that it requires."""
    if not function.parameters:
        return not given and content(asked) not in _WHOLE
    required = {each.name for each in function.parameters if each.required}
    return required <= given <= {each.name for each in function.parameters}


def _order(function: Function) -> tuple[int, str, list[tuple[str, str]]]:
    """Fewer parameters come first."""
    return len(function.parameters), function.comment or "", [(each.name, each.type) for each in function.parameters]


# -- errors -----------------------------------------------------------------------------------------------------------


def _unknown(
    asked: RestRequest, given: Set[str], named: Sequence[Function], context: Context
) -> UnknownFunction | InvalidFields:
    """A hint names nothing that the role may not call."""
    callable_ = [function for function in named if context.role in function.executable_by]
    if not asked.profile.validates:
        return _unknown_by_dialect(asked, sorted(given), _hint(asked, sorted(given), callable_, context))
    if not callable_:
        similar = most_similar(asked.table, _names(asked.name.schema, context), _NAME_LIKENESS)
        hint = f"Did you mean {similar}?" if similar else "The functions that you may call are listed in /docs."
        return UnknownFunction(f"There is no function {asked.table}.", hint=hint)
    if len(callable_) == 1:
        return InvalidFields(f"These are not the arguments of {asked.table}.", faults=_faults(callable_[0], given))
    return UnknownFunction(
        f"No function {asked.table} takes {_told(given)}.",
        hint=f"There are {'; '.join(map(signature, callable_))}.",
    )


def _told(given: Set[str]) -> str:
    return f"the arguments {', '.join(sorted(given))}" if given else "no arguments"


def signature(function: Function) -> str:
    """The function and its parameters as one would write a call: ``add(a integer, b integer = default)``."""
    parameters = (
        f"{'variadic ' if each.variadic else ''}{each.name} {each.type}{'' if each.required else ' = default'}".strip()
        for each in function.parameters
    )
    return f"{function.name.name}({', '.join(parameters)})"


def _faults(function: Function, given: Set[str]) -> tuple[Fault, ...]:
    names = [each.name for each in function.parameters if each.name]
    missing = [each for each in function.parameters if each.required and each.name and each.name not in given]
    faults = [
        Fault(name[:80], f"{function.name.name} has no parameter {name[:80]}.", _way_out(function, name, names))
        for name in sorted(given - set(names))
    ]
    faults += [
        Fault(each.name, "A value is required.", f"Give {each.name} a value of type {each.type}.") for each in missing
    ]
    return tuple(faults) or (_unnamed(function.parameters[0]),)


def _unnamed(parameter: Parameter) -> Fault:
    how = next((kind for kind, types in _UNNAMED.items() if parameter.type in types), None)
    if how is None:
        return Fault("", "The function has a parameter without a name.", "Give its parameters names in the database.")
    if how == media.TEXT:  # any page can make a browser send it, so that the native profile does not read it
        return Fault(
            "", "The function takes plain text.", f"Send it to {POSTGREST.prefix}/rpc, or give its parameter a name."
        )
    return Fault("", "The function takes the body as it is.", f"Send it by POST with the header Content-Type: {how}.")


def _way_out(function: Function, name: str, names: Sequence[str]) -> str:
    if function.result is not None and name in function.result.columns:
        return f"To filter the rows that it answers, write {name}=eq.value."
    similar = most_similar(name, names, _PARAMETERS_LIKENESS)
    if similar:
        return f"Did you mean {similar}?"
    return (
        f"Leave it out; the parameters are {', '.join(names)}." if names else "Leave it out: there are no parameters."
    )


def _unknown_by_dialect(asked: RestRequest, given: Sequence[str], hint: str | None) -> UnknownFunction:
    name, kind = f"{asked.name.schema}.{asked.table}", content(asked)
    listed = f"({', '.join(given)})" if given else " without parameters"
    searched = f" with parameter{'s' if len(given) > 1 else ''} {', '.join(given)}" if given else " without parameters"
    match kind:
        case media.TEXT | media.XML | media.OCTETS:
            listed, hint = "", None
            searched = f" with a single unnamed {next(iter(_UNNAMED[kind]))} parameter"
        case media.JSON:
            searched += " or with a single unnamed json/jsonb parameter"
    return UnknownFunction(
        f"Could not find the function {name}{listed} in the schema cache",
        details=f"Searched for the function {name}{searched}, but no matches were found in the schema cache.",
        hint=hint,
    )


def _hint(asked: RestRequest, given: Iterable[str], named: Sequence[Function], context: Context) -> str | None:
    start = f"Perhaps you meant to call the function {asked.name.schema}."
    if not named:
        similar = most_similar(asked.table, _names(asked.name.schema, context), _NAME_LIKENESS)
        return start + similar if similar else None
    lists = [_listed(parameter.name for parameter in function.parameters) for function in named]
    similar = most_similar(_listed(given), lists, _PARAMETERS_LIKENESS)
    return f"{start}{asked.table}{similar}" if similar else None


def _listed(names: Iterable[str]) -> str:
    return f"({', '.join(sorted(names))})"


def _names(schema: str, context: Context) -> list[str]:
    """The functions of a schema that the role may call."""
    return [
        name.name
        for name, functions in context.catalog.functions.items()
        if _callable(name, schema, functions, context.role)
    ]


def _callable(name: TableName, schema: str, functions: Iterable[Function], role: str) -> bool:
    return name.schema == schema and any(role in function.executable_by for function in functions)


def _ambiguous(asked: RestRequest, fitting: Sequence[Function], role: str) -> AmbiguousFunction | Denied:
    seen = [function for function in fitting if role in function.executable_by]
    if not seen:
        return Denied(f"permission denied for function {asked.table}", sqlstate="42501")
    listed = ", ".join(
        f"{'.'.join(function.name)}({', '.join(f'{each.name} => {each.type}' for each in function.parameters)})"
        for function in seen
    )
    return AmbiguousFunction(
        f"Could not choose the best candidate function between: {listed}",
        hint="Try renaming the parameters or the function itself in the database so function overloading can be resolved",
    )
