"""PostgreSQL's errors in plain words: which field, what is wrong with it, and the way out.

Most is taken from the error's fields and from the catalog. Where only the server's message says it, the English one is understood; in
any other language that part is left out, never guessed.
"""

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from pellucid.database.catalog.model import Catalog, Table
from pellucid.errors import DatabaseError, Fault

KEY = re.compile(r"^Key \((?P<columns>.*?)\)=\(.*\) .*$", re.DOTALL)
CAST = re.compile(r"::[\w ]+")
COLUMN = re.compile(r"\b(\w+)\b(?!\()")
SYNTAX = re.compile(r'^invalid input (?:syntax for type|value for enum) (?P<type>.+?): "(?P<value>.*)"$', re.DOTALL)
TARGET = re.compile(r'(?:present in|referenced from) table "(?P<table>.*)"\.$')
SHOWN = 80
"""Characters of a bad value that are shown."""


class Refusal(Struct, frozen=True):
    """What PostgreSQL said, and the table it said it of where the catalog knows that one."""

    sqlstate: str
    message: str
    detail: str = ""
    hint: str | None = None
    column: str = ""
    constraint: str = ""
    table: Table | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the constraint: by the catalog, or else by the detail, which row level security hides."""
        if self.table is not None and self.table.constraints.get(self.constraint):
            return self.table.constraints[self.constraint]
        match = KEY.match(self.detail)
        if match is None:
            return (self.column,) if self.column else ()
        return tuple(dict.fromkeys(COLUMN.findall(CAST.sub("", match["columns"]))))

    @property
    def target(self) -> str:
        """The table at the other end of the foreign key."""
        match = TARGET.search(self.detail)
        if match is not None:
            return f"table {match['table']}"
        return "another table"


def faults(refusal: Refusal, family: type[DatabaseError], *, anonymous: bool) -> tuple[Fault, ...]:
    """Say it in plain words. There is at least one fault, and each has a way out.

    Args:
        refusal: what PostgreSQL said.
        family: the class it is translated to.
        anonymous: whether the caller has proved nothing.
    """
    if family.code == "denied":
        return (_denied(refusal, anonymous=anonymous),)
    if family.code in BY_CODE:
        return BY_CODE[family.code](refusal)
    if family.status >= 500:  # its text may tell more of the insides than a client should know
        return (Fault("", f"{family.title}.", family.way_out),)
    return (Fault("", _sentence(refusal.message), refusal.hint or family.way_out),)


def table_of(catalog: Catalog, schema: str | None, name: str | None) -> Table | None:
    """The table that an error names, if it is exposed."""
    return catalog.table(schema, name) if schema and name else None


def _duplicate(refusal: Refusal) -> tuple[Fault, ...]:
    columns = refusal.columns
    if not columns:
        named = f"the key {refusal.constraint}" if refusal.constraint else "a unique key"
        return (Fault("", f"Another row has the same value for {named}.", "Choose another value, or update that row."),)
    text = f"Another row has this {' and '.join(columns)} already."
    return tuple(Fault(each, text, f"Choose another {each}, or update the row that is there.") for each in columns)


def _reference(refusal: Refusal) -> tuple[Fault, ...]:
    """Tell the two sides apart: a row that points at nothing, and a row that others still point at."""
    needed = refusal.sqlstate == "23001" or refusal.message.startswith("update or delete on table")
    if needed:
        text = f"Rows of {refusal.target} still point at this one."
        return (Fault("", text, "Delete or change those rows first, or give the foreign key ON DELETE CASCADE."),)
    text = f"No row of {refusal.target} has this value."
    columns = refusal.columns or ("",)
    return tuple(Fault(each, text, "Create that row first, or give the key of one that exists.") for each in columns)


def _missing(refusal: Refusal) -> tuple[Fault, ...]:
    column = refusal.column
    if not column:
        return (Fault("", _sentence(refusal.message), "Send a value; null will not do."),)
    return (Fault(column, f"{column} must have a value.", f"Send a value for {column}; null will not do."),)


def _check(refusal: Refusal) -> tuple[Fault, ...]:
    name, columns = refusal.constraint, refusal.columns or ("",)
    if refusal.sqlstate == "44000":
        return (Fault("", "The view does not show the row that you write.", "Send values that the view shows."),)
    if refusal.sqlstate == "23P01":
        text = f"The row collides with another one under the rule {name}."
        return tuple(Fault(each, text, "Choose values that leave the other row alone.") for each in columns)
    if not name:
        return (Fault(refusal.column, _sentence(refusal.message), "Send values that satisfy the rule."),)
    field = columns[0] if len(columns) == 1 else ""
    return (Fault(field, f"The values break the rule {name}.", f"Send values that satisfy {name}."),)


def _value(refusal: Refusal) -> tuple[Fault, ...]:
    match = SYNTAX.match(refusal.message)
    if match is None:
        way = _WAYS.get(refusal.sqlstate, "Send a value that fits the column.")
        return (Fault(refusal.column, _sentence(refusal.message), way),)
    kind, value = match["type"], match["value"]
    shown = value if len(value) <= SHOWN else f"{value[: SHOWN - 1]}…"
    text = f'"{shown}" is not a valid {kind}.'
    return (Fault(refusal.column, text, _EXAMPLES.get(kind, f"Send a value of type {kind}.")),)


def _denied(refusal: Refusal, *, anonymous: bool) -> Fault:
    text, way = _sentence(refusal.message), "Ask whoever runs this server to grant your role the right."
    if "row-level security" in refusal.message:
        text, way = (
            "Row level security does not let you write this row.",
            "Write a row that a policy of the table allows.",
        )
    return Fault("", text, "Sign in, and send the access token as Authorization: Bearer <token>." if anonymous else way)


def _sentence(text: str) -> str:
    words = text.strip() or "the database refused"
    return words[0].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")


BY_CODE: Mapping[str, Callable[[Refusal], tuple[Fault, ...]]] = {
    "duplicate": _duplicate,
    "broken-reference": _reference,
    "missing-value": _missing,
    "broken-check": _check,
    "invalid-value": _value,
}

_EXAMPLES = {
    "uuid": "Send a UUID such as 018f3c5e-7d2a-7c4e-9b1a-2f6d8e0c4b7a.",
    "integer": "Send a whole number such as 42.",
    "bigint": "Send a whole number such as 42.",
    "smallint": "Send a whole number such as 42.",
    "numeric": "Send a number such as 42.5.",
    "double precision": "Send a number such as 42.5.",
    "real": "Send a number such as 42.5.",
    "boolean": "Send true or false.",
    "date": "Send a date such as 2031-12-24.",
    "timestamp with time zone": "Send a time such as 2031-12-24T18:00:00Z.",
    "timestamp without time zone": "Send a time such as 2031-12-24T18:00:00.",
    "time": "Send a time of day such as 18:00:00.",
    "interval": "Send a span of time such as 2 days 03:00:00.",
    "json": "Send valid JSON.",
    "jsonb": "Send valid JSON.",
    "inet": "Send an address such as 192.0.2.1.",
}

_WAYS = {
    "22001": "Send a shorter value.",
    "22003": "Send a number that the column's type can hold.",
    "22007": "Send a date or a time such as 2031-12-24T18:00:00Z.",
    "22008": "Send a date or a time that exists.",
    "22021": "Send text without bytes that UTF-8 does not know, and without NUL.",
    "22P05": "Send text without \\u0000.",
    "2201B": "Send a valid regular expression.",
    "22012": "Send a value that is not divided by zero.",
    "428C9": "Leave the column out: the database fills it.",
}
