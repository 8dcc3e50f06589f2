"""Where the columns of views come from, read off their stored queries (PostgreSQL, 53.43: ``pg_rewrite``)."""

import re
from collections import defaultdict
from collections.abc import Mapping

from pellucid.database.catalog.found import Rows

ESCAPED = re.compile(r"\\.")
LEAF = re.compile(r"\{(?!TARGETENTRY)[^{}]*\}")
ENTRY = re.compile(r"\{TARGETENTRY[^{}]* :resno (\d+) [^{}]* :resorigtbl (\d+) :resorigcol (\d+) [^{}]*\}")
MARK = re.compile(r"«(\d+) (\d+) (\d+)»")

Origin = tuple[int, int]
"""A relation's oid, and the number of one of its columns."""


def origins(rules: Rows) -> Mapping[int, Mapping[Origin, tuple[int, ...]]]:
    """For each view, which of its columns show a column of what lies under it, through other views too, by their numbers."""
    direct = {rule["view"]: target_list(rule["action"]) for rule in rules}
    return {view: _through(view, direct) for view in direct}


def target_list(action: str) -> dict[int, Origin]:
    """The columns of a stored query that are columns of a table or view, by number.

    PostgreSQL prints the tree of the query with a brace around each node. Nodes without nodes in them are taken away until nothing but
    the outermost query is left: what subqueries select goes with them, and the entries of its own target list stay, as marks.
    """
    text, count = ESCAPED.sub("", action)[2:], 1  # without its own first brace, the outermost query never goes
    while count:
        text, leaves = LEAF.subn("", text)
        text, entries = ENTRY.subn(r"«\1 \2 \3»", text)
        count = leaves + entries
    found = (tuple(map(int, mark.groups())) for mark in MARK.finditer(text))
    return {number: (relation, column) for number, relation, column in found if relation}


def _through(view: int, direct: Mapping[int, Mapping[int, Origin]]) -> dict[Origin, tuple[int, ...]]:
    shown: dict[Origin, list[int]] = defaultdict(list)
    for number, origin in sorted(direct[view].items()):
        for passed in _path(origin, direct):
            shown[passed].append(number)
    return {origin: tuple(numbers) for origin, numbers in shown.items()}


def _path(origin: Origin, direct: Mapping[int, Mapping[int, Origin]]) -> list[Origin]:
    """The column itself, and the one that it shows when it belongs to a view, and so on down; views may run in a circle."""
    path: list[Origin] = []
    following: Origin | None = origin
    while following is not None and following not in path:
        path.append(following)
        relation, column = following
        following = direct.get(relation, {}).get(column)
    return path
