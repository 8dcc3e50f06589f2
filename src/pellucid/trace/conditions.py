"""What a condition of a plan compares, as far as an index could serve it. Pure."""

import re

MOST = 3
"""Columns of an index that is named, at most."""

_LITERAL = re.compile(r"'(?:[^']|'')*+'")
_NAME = r'(?:"(?:[^"]|"")++"|[^\W\d]\w*+)'
_COLUMN = re.compile(rf'(?<![\w".:]){_NAME}\.({_NAME})(?!\()')
"""A column as PostgreSQL writes it where a plan is verbose: behind its table. What a parenthesis follows is a function."""
_ALONE = re.compile(rf'\(*{_COLUMN.pattern}\)*(?:::[\w ."]+(?:\(\d+\))?\)*)?')
"""A column, or one that is cast, and no more."""
_COMPARED = re.compile(r" (=|<|>|<=|>=) ")


def columns_of(condition: str) -> tuple[str, ...]:
    """The columns that an index could serve, quoted where they must be: those compared for equality, then one that is compared otherwise.

    Of a condition with alternatives (OR) nothing is said.
    """
    text = _LITERAL.sub("''", condition)
    if " OR " in text or "NOT " in text:
        return ()
    found = [pair for part in text.split(" AND ") if (pair := _compared(part)) is not None]
    equal = [column for column, operator in found if operator == "="]
    ranged = [column for column, operator in found if operator != "=" and column not in equal]
    return tuple(dict.fromkeys([*equal, *ranged[:1]]))[:MOST]


def _compared(part: str) -> tuple[str, str] | None:
    """The column that a part of a condition compares with something that is no column, and how."""
    left, *rest = _COMPARED.split(part, maxsplit=1)
    if not rest:
        return None
    operator, right = rest
    column, other = (left, right) if _ALONE.fullmatch(left) else (right, left)
    found = _ALONE.fullmatch(column)
    return (found[1], operator) if found is not None and _COLUMN.search(other) is None else None
