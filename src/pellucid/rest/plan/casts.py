"""Types that a client may cast to: PostgreSQL's own, and those that columns have."""

import re
from collections.abc import Mapping, Sequence

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
_NAME = re.compile(r'\.(?:"((?:[^"]|"")+)"|(\w+))$')
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


def find_type(text: str, catalog: Catalog, profile: Profile, schema: str = "") -> str:
    """The type of this name, as SQL writes it.

    Args:
        text: a type as the client writes it: ``text``, ``int4[]``, ``numeric(10,2)``, ``mood``.
        catalog: knows the types of columns.
        profile: how an error is told.
        schema: whose types come before those of other schemas.

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
    found = () if length else _of_columns(catalog).get(plain, ())
    if not found:
        raise _unknown(text, plain, profile)
    own = (f"{schema}.", f'"{schema}".')
    return next((each for each in found if each.startswith(own)), found[0]) + brackets


def is_own(cast: str) -> bool:
    """Whether a type, as `find_type` writes it, is PostgreSQL's own: one of somebody's may call functions of theirs."""
    return cast.startswith("pg_catalog.") or "." not in cast


def _of_columns(catalog: Catalog) -> Mapping[str, Sequence[str]]:
    """The types of columns that are not PostgreSQL's own, by their bare names; kept for as long as the catalog is the same."""
    if _kept and _kept[0][0] is catalog:
        return _kept[0][1]
    casts = {column.cast.removesuffix("[]") for table in catalog.tables.values() for column in table.columns.values()}
    types: dict[str, list[str]] = {}
    for cast in sorted(casts):
        found = _NAME.search(cast)
        if found and not cast.startswith("pg_catalog."):
            types.setdefault(found[1] or found[2], []).append(cast)
    _kept[:] = [(catalog, types)]
    return types


_kept: list[tuple[Catalog, Mapping[str, Sequence[str]]]] = []


def _unknown(text: str, plain: str, profile: Profile) -> MalformedQuery | StatementRefused:
    if profile.validates:
        return MalformedQuery(
            f"Cannot cast to {text}.", hint="Cast to a type of PostgreSQL's own, such as text, bigint or jsonb."
        )
    return StatementRefused(f'type "{plain}" does not exist', sqlstate="42704")
