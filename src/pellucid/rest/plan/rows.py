"""What a body's rows fill: columns, groups, conflicts; the plans of ``POST`` and ``PUT``."""

import json
from collections.abc import Iterable
from typing import Any

from pellucid.database.catalog.model import Column, Fill, Privilege, Table
from pellucid.errors import BeyondLimit, MalformedBody, MalformedQuery, StatementRefused, UnknownColumn
from pellucid.rest.grammar.preferences import Missing, Resolution, Return
from pellucid.rest.plan.model import Group, Insert, OnConflict, Read, Update
from pellucid.rest.plan.names import find_column
from pellucid.rest.plan.parts import Names
from pellucid.rest.request import Payload, RestRequest

MAX_GROUPS = 128
"""How many different sets of keys the rows of one body may have."""
LONGEST_NAME = 200
"""How much of a name or a value an error repeats, in characters; the names in a database are shorter."""


def plan_insert(asked: RestRequest, names: Names, answer: Read | None) -> Insert:
    """The plan of ``POST``.

    Raises:
        MalformedBody, UnknownColumn: the rows do not fit together, or do not fit the table.
    """
    payload = required(asked)
    conflict, target = _conflict(asked, names)
    located = len(payload.rows) == 1 and bool(names.table.primary_key) and _wants_location(asked, names)
    return Insert(
        names.table,
        _groups(asked, payload, names),
        payload.raw,
        answer,
        located,
        conflict,
        target,
        reset=_reset(asked, names) if conflict is OnConflict.MERGE else (),
    )


def _reset(asked: RestRequest, names: Names) -> tuple[Column, ...]:
    """PostgREST puts the defaults of ``missing=default`` into rows that are there already; natively they keep what they have."""
    if asked.profile.validates or asked.preferences.missing is not Missing.DEFAULT:
        return ()
    return known(asked.query.columns or (), names)


def plan_replacement(asked: RestRequest, names: Names, answer: Read | None) -> Insert | Update:
    """The plan of ``PUT``: the row at this key becomes what the body says (RFC 9110, 9.3.4).

    Columns that the body leaves out become null, but for those that the database fills by itself: they keep what they have, so
    that doing it twice does no more than doing it once. A row that is not there is made, where keys are the client's to choose.

    Raises:
        MalformedBody: the body is not one row, or has another key than the path.
    """
    payload = required(asked)
    _check_key(asked, payload, names)
    table, key = names.table, set(names.table.primary_key)
    where = names.key(asked.key)
    given = known(payload.rows[0], names)
    nulled = tuple(
        column
        for column in table.columns.values()
        if column.fill is Fill.NOTHING and column not in given and column.name not in key
    )
    rest = tuple(column for column in given if column.name not in key)
    if not rest and not nulled and _made_by_database(table):
        raise MalformedBody(
            "There is nothing to replace: the body names no column, and the database fills all that are left out.",
            hint="Name the columns that shall change, or GET the row to see it.",
        )
    if _made_by_database(table):
        return Update(table, rest, payload.raw, where, answer, nulled)
    columns = (*(table.columns[name] for name in table.primary_key), *rest, *nulled)
    rows = _with_key(payload.raw, dict(zip(table.primary_key, asked.key or (), strict=True)))
    return Insert(
        table,
        (Group(columns, None),),
        rows,
        answer,
        located=False,
        conflict=OnConflict.MERGE,
        target=table.primary_key,
    )


def _made_by_database(table: Table) -> bool:
    """Whether the table's keys are the database's to choose."""
    return any(table.columns[name].fill is not Fill.NOTHING for name in table.primary_key)


def required(asked: RestRequest) -> Payload:
    """The body, which this method must have."""
    if asked.payload is None:
        raise MalformedBody("The body is empty.", hint="Send a JSON object, or a list of objects.")
    return asked.payload


def _groups(asked: RestRequest, payload: Payload, names: Names) -> tuple[Group, ...]:
    """The rows, grouped by the columns that they fill, so that what a row leaves out takes its default."""
    if (
        asked.query.columns is not None
        and asked.preferences.missing is not Missing.DEFAULT
        and not asked.profile.validates
    ):
        return (Group(known(asked.query.columns, names), None),)
    wanted = None if asked.query.columns is None else frozenset(asked.query.columns)
    places: dict[frozenset[str], list[int]] = {}
    for place, row in enumerate(payload.rows):
        keys = frozenset(row) if wanted is None else wanted.intersection(row)
        places.setdefault(keys, []).append(place)
    if len(places) > 1 and wanted is None and not asked.profile.validates:
        raise MalformedBody("All object keys must match")
    if len(places) > MAX_GROUPS:
        raise BeyondLimit(
            f"The rows have more than {MAX_GROUPS} different sets of keys.",
            hint="Give all rows the same keys, or send fewer at once.",
        )
    if len(places) == 1:
        return (Group(known(next(iter(places)), names), None),)
    return tuple(Group(known(keys, names), tuple(found)) for keys, found in places.items())


def known(keys: Iterable[str], names: Names) -> tuple[Column, ...]:
    """The columns of these names, in the table's own order: the same keys in any order are the same statement.

    Raises:
        UnknownColumn: the table has no column of this name.
        Denied: the role may not see the table, so it is not told what is in it.
    """
    wanted = set(keys)
    for name in sorted(wanted - names.table.columns.keys()):
        unknown = name[:LONGEST_NAME]
        if names.profile.validates or not names.table.privileges.get(names.role):
            find_column(names.table, unknown, names.profile, names.role)
        raise UnknownColumn(f"Could not find the '{unknown}' column of '{names.table.name.name}' in the schema cache")
    return tuple(column for column in names.table.columns.values() if column.name in wanted)


def _conflict(asked: RestRequest, names: Names) -> tuple[OnConflict | None, tuple[str, ...]]:
    target = _target(asked.query.on_conflict or names.table.primary_key, names)
    match asked.preferences.resolution:
        case Resolution.MERGE if target:
            return OnConflict.MERGE, target
        case Resolution.IGNORE if target:
            return OnConflict.IGNORE, target
        case None if asked.query.on_conflict and asked.profile.validates:
            raise MalformedQuery(
                "on_conflict says where, but not what to do.",
                hint="Send the header Prefer: resolution=merge-duplicates (or ignore-duplicates).",
            )
        case _:
            return None, ()


def _target(keys: Iterable[str], names: Names) -> tuple[str, ...]:
    """The columns of the key that may be there already. PostgREST leaves it to PostgreSQL to miss one."""
    columns = dict.fromkeys(keys)
    unknown = [name for name in columns if name not in names.table.columns]
    if unknown and not names.profile.validates:
        raise StatementRefused(f'column "{unknown[0]}" does not exist', sqlstate="42703")
    known(unknown, names)
    return tuple(columns)


def _wants_location(asked: RestRequest, names: Names) -> bool:
    """Whether the answer tells where the new row lies; natively it does wherever the caller may know."""
    wanted = asked.preferences.returned
    if not asked.profile.returns_rows:
        return wanted is Return.HEADERS_ONLY
    table, readable = names.table, names.table.readable.get(names.role)
    known = table.allows(names.role, Privilege.SELECT) if readable is None else readable.issuperset(table.primary_key)
    return known and wanted is not Return.MINIMAL


def _check_key(asked: RestRequest, payload: Payload, names: Names) -> None:
    if payload.listed:
        raise MalformedBody("PUT takes one object, not a list.", hint="Send the whole row as one JSON object.")
    for name, value in zip(names.table.primary_key, asked.key or (), strict=False):
        said = payload.rows[0].get(name, value)
        if not _agree(said, value):
            raise MalformedBody(
                f"The body says {name} is {str(said)[:LONGEST_NAME]}, the address says {value}.",
                hint=f"Leave {name} out of the body, or make the two agree.",
            )


def _agree(said: Any, addressed: str) -> bool:
    if isinstance(said, str):
        return said == addressed
    try:
        return bool(json.loads(addressed) == said)  # 1.10 is 1.1
    except ValueError:
        return False


def _with_key(rows: str, key: dict[str, str]) -> str:
    """The one row of a JSON list, with its key behind: of a name given twice PostgreSQL takes the last, which is the address's."""
    row = rows.strip()[1:-1].strip()
    inside = row[1:-1].strip()
    return f"[{{{inside}{', ' if inside else ''}{json.dumps(key)[1:-1]}}}]"
