"""How the transaction of a data request begins: with everything about the request that functions and policies may look at."""

import json
from collections.abc import Iterator, Mapping, Sequence

from pellucid.database.caller import Caller
from pellucid.database.catalog.model import Function
from pellucid.database.opening import ISOLATION, Beginning
from pellucid.rest.compile.writer import identifier, relation
from pellucid.rest.grammar.preferences import Preferences, TransactionEnd
from pellucid.rest.options import DataOptions
from pellucid.rest.plan.model import Call, Plan, Reading
from pellucid.rest.request import Envelope, RestRequest
from pellucid.web.cookies import OWN
from pellucid.web.identity import Identity

Pairs = Sequence[tuple[str, str]]


def beginning(
    envelope: Envelope, asked: RestRequest, plan: Plan, identity: Identity, options: DataOptions
) -> Beginning:
    """Work out how the transaction begins.

    Args:
        envelope: the HTTP request; its method, path, headers and cookies can be seen with ``current_setting``.
        asked: the same, understood.
        plan: what it became; it tells whether anything may be written.
        identity: who asks.
        options: what goes for all transactions.
    """
    function = plan.function if isinstance(plan, Call) else None
    settings = (
        *_request(envelope),
        *_timezone(asked.preferences),
        *_hoisted(function, options),
        *options.app_settings,
    )
    path = ", ".join(identifier(schema) for schema in (asked.name.schema, *options.extra_search_path))
    return Beginning(
        Caller(identity.role, claims_of(identity), settings, path),
        read_only=identity.read_only or reads(asked, plan),
        isolation=dict(function.settings).get(ISOLATION) if function else None,
        first=_pre_request(options),
        commits=commits(asked.preferences, options),
    )


def _pre_request(options: DataOptions) -> str | None:
    name = options.pre_request
    return f"SELECT {relation(name) if name.schema else identifier(name.name)}()" if name else None


def reads(asked: RestRequest, plan: Plan) -> bool:
    """Whether PostgreSQL shall refuse every write: functions may write only where they are volatile and called by POST."""
    match plan:
        case Reading():
            return True
        case Call(function):
            return asked.reads or function.volatility != "volatile"
        case _:
            return False


def ending(preferences: Preferences, options: DataOptions) -> TransactionEnd | None:
    """The end that the client wishes for, where it may."""
    return preferences.end if options.tx_end.overridable else None


def commits(preferences: Preferences, options: DataOptions) -> bool:
    """Whether what is written stays."""
    wished = ending(preferences, options)
    return options.tx_end.commits if wished is None else wished is TransactionEnd.COMMIT


def claims_of(identity: Identity) -> str:
    """The token's claims with the role that the request has, as JSON text."""
    if identity.claims.get("role") == identity.role:
        return identity.claims_json
    return _json(dict(sorted({**identity.claims, "role": identity.role}.items())))


def _request(envelope: Envelope) -> Iterator[tuple[str, str]]:
    yield "request.method", envelope.method
    yield "request.path", "/" + "/".join(envelope.path)
    yield "request.headers", _json({name: _text(value) for name, value in envelope.headers if name != "cookie"})
    yield "request.cookies", _json(dict(_cookies(envelope.headers)))


def _cookies(headers: Pairs) -> Iterator[tuple[str, str]]:
    """The cookies of the application; Pellucid's own prove who somebody is, and a function could keep them."""
    for name, value in headers:
        for cookie in value.split(";") if name == "cookie" else ():
            key, _, text = cookie.strip().partition("=")
            if key and key not in OWN:
                yield key, _text(text)


def _text(value: str) -> str:
    """A header's value: UTF-8 where it is, though HTTP promises no encoding."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _timezone(preferences: Preferences) -> Pairs:
    return (("timezone", preferences.timezone),) if preferences.timezone is not None else ()


def _hoisted(function: Function | None, options: DataOptions) -> Pairs:
    """What a function's definition sets for the whole transaction: time limits, above all, count from its beginning."""
    settings = function.settings if function else ()
    return [(name, value) for name, value in settings if name in options.hoisted_settings]


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
