"""Names and texts as PostgreSQL reads them, quoted only where they must be: what is written here is for people to keep."""

import re
from collections.abc import Iterable

from pellucid.database.catalog.model import TableName

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char character
    check coalesce collate collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do else end except exists
    extract false fetch float for foreign freeze from full grant greatest group grouping having ilike in initially inner inout int
    integer intersect interval into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query
    json_scalar json_serialize json_table json_value lateral leading least left like limit localtime localtimestamp merge_action
    national natural nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing
    position precision primary real references returning right row select session_user setof similar smallint some substring
    symmetric system_user table tablesample then time timestamp to trailing treat trim true union unique user using values varchar
    variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
    xmlserialize xmltable
    """.split()  # noqa: SIM905 - words are read as words
)
"""Every key word of PostgreSQL that cannot be a name everywhere (PostgreSQL, appendix C)."""


def name(text: str) -> str:
    """A name (PostgreSQL, 4.1.1)."""
    if _PLAIN.fullmatch(text) and text not in _RESERVED:
        return text
    return '"' + text.replace('"', '""') + '"'


def names(texts: Iterable[str]) -> str:
    """Several, with commas between."""
    return ", ".join(name(text) for text in texts)


def roles(texts: Iterable[str]) -> str:
    """Roles of a GRANT or a policy. No role can be called ``public``: it stands for everybody."""
    return ", ".join("public" if text == "public" else name(text) for text in texts)


def relation(table: TableName) -> str:
    """A table, view or function with its schema."""
    return f"{name(table.schema)}.{name(table.name)}"
