"""Writes: which rows, which columns, and what comes back."""

from msgspec.structs import replace

from pellucid.database.catalog.model import Privilege
from pellucid.errors import LimitOnUpsert, MalformedBody, MalformedQuery, StatementRefused, UnfitUpsert
from pellucid.rest.grammar.filters import Condition as Asked
from pellucid.rest.grammar.filters import Filter, Operator
from pellucid.rest.grammar.preferences import Missing, Return
from pellucid.rest.plan.model import Condition, Delete, Group, Insert, OnConflict, Read, Update
from pellucid.rest.plan.parts import Names
from pellucid.rest.plan.read import plan_read
from pellucid.rest.plan.rows import known, plan_replacement, required
from pellucid.rest.request import Payload, RestRequest


def returned(asked: RestRequest, names: Names) -> Read | None:
    """What a write answers with; nothing where the client wants nothing, or may insert but not see."""
    wanted = asked.preferences.returned
    if wanted is None and asked.profile.returns_rows and names.table.allows(names.role, Privilege.SELECT):
        wanted = Return.REPRESENTATION
    if wanted is not Return.REPRESENTATION:
        return None
    return plan_read(asked, names.table, names.context)


def plan_update(asked: RestRequest, names: Names) -> Update:
    """The plan of ``PATCH``: with ``missing=default``, columns that the row lacks go back to their defaults.

    Raises:
        MalformedBody, UnknownColumn: the row does not fit the table.
        MalformedQuery: the native profile wants to know which rows are meant.
    """
    payload = required(asked)
    columns = known(_keys(asked, payload), names)
    row = payload.rows[0] if payload.rows else {}
    lacking = frozenset[str]()
    if asked.query.columns is not None and asked.preferences.missing is Missing.DEFAULT:
        lacking = frozenset(asked.query.columns) - row.keys()
    return Update(
        names.table,
        tuple(column for column in columns if column.name not in lacking),
        payload.raw,
        _which(asked, names),
        returned(asked, names),
        defaulted=tuple(column for column in columns if column.name in lacking),
    )


def plan_delete(asked: RestRequest, names: Names) -> Delete:
    """The plan of ``DELETE``.

    Raises:
        MalformedQuery: the native profile wants to know which rows are meant.
    """
    return Delete(names.table, _which(asked, names), returned(asked, names))


def plan_put(asked: RestRequest, names: Names) -> Insert | Update:
    """The plan of ``PUT``: the row is at its own address, or named by filters on its whole key.

    Raises:
        UnfitUpsert: the filters are other than the key.
        LimitOnUpsert: there is a limit or an offset.
        MalformedBody: the body does not fit the address or the table.
    """
    if asked.query.limit is not None or asked.query.offset is not None:
        raise LimitOnUpsert("limit/offset querystring parameters are not allowed for PUT")
    if asked.key is not None:
        if asked.query.conditions:
            raise MalformedQuery(
                "A filter has no meaning for PUT.", hint="Leave it out; the address says which row is meant."
            )
        return plan_replacement(asked, names, returned(asked, names))
    key = {one.field.name: one.values for one in asked.query.conditions if isinstance(one, Filter)}
    whole = bool(key) and key.keys() == set(names.table.primary_key)
    twice = asked.profile.validates and len(key) < len(asked.query.conditions)
    elsewhere = any(part.conditions for part in asked.query.embedded.values())
    if not whole or twice or elsewhere or not all(_plain(one) for one in asked.query.conditions):
        if asked.profile.validates:
            key_columns = ", ".join(names.table.primary_key) or "it has none"
            raise UnfitUpsert(f"PUT names its row by the whole primary key of {asked.table} ({key_columns}).")
        raise UnfitUpsert("Filters must include all and only primary key columns with 'eq' operators")
    if asked.profile.validates:
        at_key = replace(asked, key=tuple(key[name][0] for name in names.table.primary_key))
        return plan_replacement(at_key, names, returned(asked, names))
    return _upsert(asked, names)


def _plain(condition: Asked) -> bool:
    """Whether it says that a column equals a value, and no more."""
    match condition:
        case Filter(field, Operator.EQ, _, negated, quantifier):
            return not (field.path or negated or quantifier)
        case _:
            return False


def _upsert(asked: RestRequest, names: Names) -> Insert:
    """What PostgREST makes of ``PUT``: the rows of the body that are at the address are inserted, or replace what is there."""
    payload = required(asked)
    columns = known(payload.rows[0] if payload.rows else (), names)
    for name in names.table.primary_key:
        if all(column.name != name for column in columns):
            raise StatementRefused(f"column pgrst_body.{name} does not exist", sqlstate="42703")
    return Insert(
        names.table,
        (Group(columns, None),),
        payload.raw,
        returned(asked, names),
        located=False,
        conflict=OnConflict.MERGE,
        target=names.table.primary_key,
        where=names.conditions(asked.query.conditions),
    )


def _keys(asked: RestRequest, payload: Payload) -> tuple[str, ...]:
    """The columns that the one row of a ``PATCH`` fills."""
    if asked.profile.validates and (payload.listed or not payload.rows[0]):
        raise MalformedBody(
            "PATCH takes one object with the columns to change.", hint='Send, for example, {"name": "new"}.'
        )
    if asked.query.columns is not None:
        return asked.query.columns
    return tuple(payload.rows[0]) if payload.rows else ()


def _which(asked: RestRequest, names: Names) -> tuple[Condition, ...]:
    """Which rows a write touches."""
    where = names.key(asked.key) + names.conditions(asked.query.conditions)
    if asked.profile.guards and not where:
        raise MalformedQuery(
            f"{asked.method} /{asked.table} would touch every row.",
            hint=f"Name a row (/{asked.table}/1) or add a filter; one that holds for every row, if you mean all of them.",
        )
    return where
