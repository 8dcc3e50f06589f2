"""SQL in pieces, as PostgreSQL reads it (4.1): comments, constants, quoted names, and what lies between. Also of a text that was cut."""

import re
from collections.abc import Iterator
from enum import StrEnum


class Kind(StrEnum):
    """What a piece is."""

    COMMENT = "comment"
    CONSTANT = "constant"
    NAME = "name"
    """A quoted one."""
    REST = "rest"


_TOKEN = re.compile(
    r"""
    (?P<line>--[^\n\r]*+)
    |(?P<block>/\*)
    |(?P<dollars>(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*+)?)\$.*?(?:\$(?P=tag)\$|\Z))
    |(?P<escaped>(?<![\w$])[eE]'(?:[^'\\]|\\.|''|'[ \t\f\v]*+(?:--[^\n\r]*+)?[\n\r]\s*+')*+(?:'|\\?\Z))
    |(?P<plain>'(?:[^']|'')*+(?:'|\Z))
    |(?P<name>"(?:[^"]|"")*+(?:"|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {"line": Kind.COMMENT, "name": Kind.NAME}
_EDGE = re.compile(r"/\*|\*/")
_PARAMETER = re.compile(r"(?<![\w$])\$\d")
_ESCAPE = re.compile(r"\\(.?)|''", re.DOTALL)


def tokens(sql: str) -> Iterator[tuple[Kind, str]]:
    """All pieces of a text, in their order. What has no end, because the text was cut, ends with the text."""
    at = 0
    while match := _TOKEN.search(sql, at):
        if match.start() > at:
            yield Kind.REST, sql[at : match.start()]
        block = match["block"] is not None
        at_end = _end_of_comment(sql, match.end()) if block else match.end()
        kind = Kind.COMMENT if block else _KINDS.get(match.lastgroup or "", Kind.CONSTANT)
        yield kind, sql[match.start() : at_end]
        at = at_end
    if at < len(sql):
        yield Kind.REST, sql[at:]


def constants(sql: str) -> Iterator[str]:
    """What the quoted constants of a text say."""
    return (content(text) for kind, text in tokens(sql) if kind is Kind.CONSTANT)


def bare(sql: str) -> str:
    """A text without what its constants say, and without comments."""
    stand_in = {Kind.COMMENT: " ", Kind.CONSTANT: "''"}
    return "".join(stand_in.get(kind, text) for kind, text in tokens(sql))


def binds(sql: str) -> bool:
    """Whether a statement has places for values (``$1``), not counting what only looks so in a constant or a comment."""
    return any(kind is Kind.REST and _PARAMETER.search(text) for kind, text in tokens(sql))


def content(constant: str) -> str:
    """What a quoted constant says."""
    if constant.startswith("$"):
        edge = constant.index("$", 1) + 1
        return constant[edge : -edge if constant.endswith(constant[:edge]) and len(constant) >= 2 * edge else None]
    if constant[0] in "eE":
        return _ESCAPE.sub(lambda match: match[1] or "'", constant[2:].removesuffix("'"))
    return constant[1:].removesuffix("'").replace("''", "'")


def _end_of_comment(sql: str, start: int) -> int:
    """Where the comment ends that has just begun; comments lie in one another."""
    depth = 1
    for edge in _EDGE.finditer(sql, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)
