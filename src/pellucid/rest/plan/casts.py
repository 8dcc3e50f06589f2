"""Types that a client may cast to: PostgreSQL's own, and those that columns have."""

import re
from collections.abc import Iterable

from pellucid.database.catalog.model import Catalog
from pellucid.errors import MalformedQuery, StatementRefused
from pellucid.rest.profile import Profile

_NAMED = frozenset(
    name.strip()
    for names in (
        "bool, int2, int4, int8, float4, float8, numeric, money, oid",
        "text, varchar, bpchar, name, bytea, bit, varbit, uuid, json, jsonb, jsonpath, xml, tsvector, tsquery",
        "date, time, timetz, timestamp, timestamptz, interval, inet, cidr, macaddr, macaddr8, pg_lsn",
        "point, line, lseg, box, path, polygon, circle",
        "int4range, int8range, numrange, tsrange, tstzrange, daterange",
        "int4multirange, int8multirange, nummultirange, tsmultirange, tstzmultirange, datemultirange",
    )
    for name in names.split(",")
)
"""Names in ``pg_type``. Those that look names up (``regclass``) are left out: they would tell of what the role may not see."""
_SPELT = frozenset(
    name.strip()
    for names in (
        "boolean, smallint, int, integer, bigint, real, float, double precision, decimal, dec",
        "character varying, char varying, char, character, nchar, national character, national character varying",
        "bit varying, time with time zone, time without time zone",
        "timestamp with time zone, timestamp without time zone",
    )
    for name in names.split(",")
)
"""Spellings that SQL has of its own; in quotes they would be other names."""
_LENGTH = re.compile(r"\(\d{1,8}(,\d{1,8})?\)$")
_WITH_LENGTH = _SPELT | {
    "varchar",
    "bpchar",
    "numeric",
    "bit",
    "varbit",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "interval",
}


def find_type(text: str, catalog: Catalog, profile: Profile) -> str:
    """The type of this name, as SQL writes it.

    Args:
        text: a type as the client writes it: ``text``, ``int4[]``, ``numeric(10,2)``, ``mood``.
        catalog: knows the types of columns.
        profile: how an error is told.

    Raises:
        MalformedQuery, StatementRefused: there is no such type (each profile says it in its own way).
    """
    name = " ".join(text.lower().split())
    brackets = "[]" if name.endswith("[]") else ""
    plain = name.removesuffix("[]").strip()
    length = _LENGTH.search(plain)
    plain = _LENGTH.sub("", plain).strip()
    if plain in _SPELT or (length and plain in _WITH_LENGTH):
        return f"{plain}{length[0] if length else ''}{brackets}"
    if not length and plain.removeprefix("_") in _NAMED:
        return f'pg_catalog."{plain}"{brackets}'
    found = None if length else _of_columns(plain, catalog)
    if found is None:
        raise _unknown(text, plain, profile)
    return found + brackets


def _of_columns(name: str, catalog: Catalog) -> str | None:
    quoted = f'"{name}"'
    return next((cast for cast in _casts(catalog) if cast.endswith((f".{name}", f".{quoted}"))), None)


def _casts(catalog: Catalog) -> Iterable[str]:
    for table in catalog.tables.values():
        for column in table.columns.values():
            if not column.cast.startswith("pg_catalog."):
                yield column.cast.removesuffix("[]")


def _unknown(text: str, plain: str, profile: Profile) -> MalformedQuery | StatementRefused:
    if profile.validates:
        return MalformedQuery(
            f"Cannot cast to {text}.", hint="Cast to a type of PostgreSQL's own, such as text, bigint or jsonb."
        )
    return StatementRefused(f'type "{plain}" does not exist', sqlstate="42704")
