"""Calls of functions: what each parameter is given, and what is read of the rows that come back."""

from pellucid.database.catalog.model import Function, Parameter
from pellucid.errors import MalformedBody
from pellucid.rest.grammar import media
from pellucid.rest.plan.functions import argument_names, content, takes_whole
from pellucid.rest.plan.model import Call
from pellucid.rest.plan.names import Context
from pellucid.rest.plan.read import plan_read
from pellucid.rest.request import RestRequest


def plan_call(asked: RestRequest, function: Function, context: Context) -> Call:
    """Judge a call of ``function``, which `find_function` has found for these arguments.

    Raises:
        MalformedBody: the one unnamed parameter is text, and the body is not.
        SchemaError, RequestError: it names what is not in the rows that the function answers with.
    """
    read = plan_read(asked, function.result, context)
    count = asked.preferences.count
    if takes_whole(function, asked):
        return Call(function, read, single=_whole(function, asked), count=count)
    names = argument_names(asked)
    given = tuple(parameter for parameter in function.parameters if parameter.name in names)
    if asked.payload is not None and content(asked) is not None:
        return Call(function, read, given=given, body=asked.payload.raw if given else None, count=count)
    return Call(function, read, named=tuple((each, _value(each, asked)) for each in given), count=count)


def _value(parameter: Parameter, asked: RestRequest) -> str | tuple[str, ...]:
    """The text of an argument: all that are given to a variadic parameter, else the last."""
    pairs = asked.query.arguments if asked.body is None else asked.body.pairs or ()
    values = tuple(text for name, text in pairs if name == parameter.name)
    return values if parameter.variadic else values[-1]


def _whole(function: Function, asked: RestRequest) -> str | bytes:
    """The body as it came. PostgREST takes JSON that is neither an object nor a list for an empty list."""
    if asked.body is None:
        return ""
    if function.parameters[0].type == "bytea":
        return asked.body.content
    try:
        text = asked.body.content.decode()
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.", hint="Send it as UTF-8.") from None
    if "\0" in text:
        raise MalformedBody("The body holds a NUL character.", hint="PostgreSQL has no such text; leave it out.")
    if asked.body.media == media.JSON and asked.payload is not None and text.strip()[:1] not in ("", "{", "["):
        return asked.payload.raw
    return text
