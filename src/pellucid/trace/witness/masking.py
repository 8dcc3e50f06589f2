"""What may be shown of values: parameters by the column that they are for, and the constants that PostgreSQL writes into plans.

Nothing is shown of a value unless something speaks for it. A parameter is shown where the statement tells its column and the column's
name is no secret's; a text constant in a plan is shown where it is such a parameter, or stands in the statement itself.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pellucid.web.redact import BLOT, is_secret, redact

LONGEST = 200
"""Characters of a value that are shown."""

_LITERAL = re.compile(r"E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'", re.DOTALL)
_DOLLARS = re.compile(r"\$([A-Za-z_]\w*)?\$.*?\$\1\$", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.$])-?\d+(?:\.\d+)?(?![\w.])")
_NAME = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_]\w*)')
_COMPARED = re.compile(
    r"""(?:"((?:[^"]|""){1,200}+)"|(?<![\w"$])([A-Za-z_]\w*+))
    (?:\s*+(?:\)|::\s*+"?\w++"?(?:\."?\w++"?)?(?:\[\])?(?:\(\d++\))?(?:\ varying|\ precision|\ with(?:out)?\ time\ zone)?)){0,4}\s*+
    (?:[=<>~!@&|-]{1,3}+|\b(?:not\s+)?(?:i?like|in|similar\s+to)\b|\bis\s+(?:not\s+)?distinct\s+from\b|(?<=limit\s)|(?<=offset\s))\s*+
    (?:(?:any|all)\s*+)?\({0,4}+\$(\d++)""",
    re.VERBOSE | re.IGNORECASE,
)
_INSERTED = re.compile(
    r"\binsert\s+into\s+[^()]{1,300}\(([^()]*)\)\s*values\s*\(([^;]*?)\)\s*(?:returning|on\s|$)",
    re.IGNORECASE | re.DOTALL,
)
_PLACED = re.compile(r"\s*\$(\d+)(?:::[\w.\s\"\[\]]+)?\s*")
_ACCOUNTS = re.compile(r'(?<![\w."])"?auth"?\s*\.\s*"?\w+"?(?!\w*"?\s*\()', re.IGNORECASE)
_JOINED = re.compile(r"( AND | OR |, )")
_HOLE = "\0"
"""Stands for a constant while the rest is looked at; no text of PostgreSQL's has one."""

_DROPPED = frozenset({"Output", "Query Text", "Query Parameters"})
"""Parts of a plan that are not kept: they repeat the statement, or hold whole rows."""


@dataclass(frozen=True, slots=True)
class Masked:
    """The parameters of a statement as they may be shown, and what that means for its plan.

    ``known`` are texts that may be shown wherever they stand; ``hidden`` are numbers that may not.
    """

    shown: tuple[str | None, ...] = ()
    known: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    def knowing(self, texts: Sequence[str]) -> "Masked":
        """The same, where the constants of these texts may be shown as well: they stand in the schema."""
        return replace(self, known=self.known.union(*(_literals(text) for text in texts)))


def masked(sql: str, args: Sequence[Any], *, all_of_them: bool = False) -> Masked:
    """Judge the parameters of a statement.

    Args:
        sql: with ``$1``, ``$2``, …
        args: their values.
        all_of_them: show none, whatever they are for; statements on accounts are always masked so.
    """
    columns = {} if all_of_them or of_accounts(sql) else columns_of(sql)
    shown: list[str | None] = []
    known, hidden = set(_literals(sql)), set[str]()
    for number, value in enumerate(args, 1):
        column = columns.get(number)
        if value is None:
            shown.append(None)
        elif column is None or is_secret(column):
            shown.append(BLOT if column else _kind(value))
            hidden.update(_numbers(value))
        else:
            text = _text(value)
            shown.append(cut(redact(text)))
            known.update({text} if redact(text) == text else ())
    return Masked(tuple(shown), frozenset(known), frozenset(hidden))


def of_accounts(sql: str) -> bool:
    """Whether a statement is on accounts: it names a table of the schema ``auth``. Functions such as ``auth.uid()`` are everybody's."""
    return _ACCOUNTS.search(sql) is not None


def columns_of(sql: str) -> dict[int, str]:
    """The column that each parameter is compared with, set to or inserted into, as far as the statement's text tells."""
    found = {int(match[3]): _unquoted(match) for match in _COMPARED.finditer(sql)}
    for match in _INSERTED.finditer(sql):
        found |= _in_order(match[1], match[2])
    return found


def statement(sql: str, *, bound: bool) -> str:
    """A statement as it may be shown. Constants of one that binds its values are its author's; those of others may be anybody's."""
    return redact(sql) if bound else anonymous(sql)


def anonymous(sql: str) -> str:
    """A statement without the constants in it, and without comments."""
    bare = _COMMENT.sub(" ", _DOLLARS.sub(f"'{BLOT}'", _LITERAL.sub(f"'{BLOT}'", sql)))
    return redact(_NUMBER.sub("?", bare))


def plan(value: Any, known: Masked) -> Any:
    """A plan as it may be shown: without the constants that nothing speaks for."""
    match value:
        case str():
            return expression(value, known)
        case Mapping():
            return {key: plan(part, known) for key, part in value.items() if key not in _DROPPED}
        case list():
            return [plan(part, known) for part in value]
        case _:
            return value


def expression(text: str, known: Masked) -> str:
    """A condition as it may be shown. Where a part of it names a secret, no constant of that part is shown."""
    literals = _LITERAL.findall(text)
    parts = _JOINED.split(_LITERAL.sub(_HOLE, text))
    return "".join(_part(part, known, literals) for part in parts)


def cut(text: str) -> str:
    """A text of at most `LONGEST` characters."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


# -- parts ------------------------------------------------------------------------------------------------------------


def _part(part: str, known: Masked, literals: list[str]) -> str:
    """One comparison of a condition, with its constants put back, which are the next in the list."""
    telling = any(is_secret(name) for name in _names(part))
    part = _NUMBER.sub(lambda match: BLOT if telling or match[0] in known.hidden else match[0], part)
    while _HOLE in part:
        literal = literals.pop(0)
        part = part.replace(_HOLE, f"'{BLOT}'" if telling or _content(literal) not in known.known else literal, 1)
    return part


def _in_order(columns: str, values: str) -> dict[int, str]:
    """The parameters of ``insert into … (a, b) values ($1, $2), ($3, $4)``."""
    names = [_unquoted(match) for match in _NAME.finditer(columns)]
    found: dict[int, str] = {}
    for row in re.split(r"\)\s*,\s*\(", values):
        for name, value in zip(names, row.split(","), strict=False):
            if placed := _PLACED.fullmatch(value):
                found[int(placed[1])] = name
    return found


def _unquoted(match: re.Match[str]) -> str:
    return match[1].replace('""', '"') if match[1] else match[2]


def _names(text: str) -> Iterator[str]:
    return (_unquoted(match) for match in _NAME.finditer(_LITERAL.sub("", text)))


def _literals(sql: str) -> Iterator[str]:
    return (_content(match[0]) for match in _LITERAL.finditer(sql))


def _content(literal: str) -> str:
    """What a constant says."""
    if literal.startswith("E"):
        return re.sub(r"\\(.)", r"\1", literal[2:-1].replace("''", "'"))
    return literal[1:-1].replace("''", "'")


def _text(value: Any) -> str:
    """A value as PostgreSQL writes it, as far as that is easily said."""
    match value:
        case bool():
            return "t" if value else "f"
        case bytes():
            return _kind(value)
        case list() | tuple():
            return "{" + ",".join(_text(part) for part in value) + "}"
        case _:
            return str(value)


def _kind(value: Any) -> str:
    """What a value is, without saying it."""
    match value:
        case str():
            return f"{BLOT} (text, {len(value)} characters)"
        case bytes():
            return f"{BLOT} ({len(value)} bytes)"
        case list() | tuple():
            return f"{BLOT} ({len(value)} values)"
        case _:
            return f"{BLOT} ({type(value).__name__})"


def _numbers(value: Any) -> Iterator[str]:
    """The numbers in a value that must not be shown."""
    return (match[0] for match in _NUMBER.finditer(_text(value))) if not isinstance(value, bytes) else iter(())
