"""What may be shown of values: parameters by the column that they are for, and the constants that PostgreSQL writes into plans.

Nothing is shown of a value unless something speaks for it. A parameter is shown where the statement tells its column and the column's
name is no secret's; a text constant in a plan is shown where it is such a parameter, or stands in the statement itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pellucid.trace.witness.tokens import Kind, bare, binds, constants, content, tokens
from pellucid.web.redact import BLOT, is_secret, redact

LONGEST = 200
"""Characters of a value that are shown."""

_NUMBER = re.compile(r"(?<![\w.$])(?<!Plan )-?\.?\d[\w.]*+(?:(?<=[eE])[+-]\d++)?")
"""A number, however it is written. ``(SubPlan 1)`` in a condition is none, but the name of a part of the plan."""
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

_WORDS = frozenset({"Node Type", "Parent Relationship", "Subplan Name", "Sort Method"})
"""Parts of a plan that hold PostgreSQL's own words, and no constant."""

_DROPPED = frozenset({"Output", "Query Text", "Query Parameters"})
"""Parts of a plan that are not kept: they repeat the statement, or hold whole rows."""


class Masked(Struct, frozen=True):
    """The parameters of a statement as they may be shown, and what that means for its plan.

    ``known`` are constants that may be shown wherever they stand; ``hidden`` are numbers that may not. Without ``numbers`` no other number
    may be shown either.
    """

    shown: tuple[str | None, ...] = ()
    known: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    numbers: bool = False

    def knowing(self, texts: Iterable[str]) -> "Masked":
        """The same, where the constants of these texts may be shown as well: they stand in the schema, or are an author's."""
        return replace(self, known=self.known.union(*(_constants(text) for text in texts)))

    def shows(self, number: str) -> bool:
        """Whether a number may be shown."""
        return number not in self.hidden and (self.numbers or number in self.known)


def masked(sql: str, args: Sequence[Any], *, all_of_them: bool = False) -> Masked:
    """Judge the parameters of a statement.

    Args:
        sql: with ``$1``, ``$2``, …
        args: their values.
        all_of_them: show none, whatever they are for; statements on accounts are always masked so.
    """
    hide = all_of_them or of_accounts(sql)
    columns = {} if hide else columns_of(sql)
    shown: list[str | None] = []
    known, hidden = set[str]() if hide or not args else set(constants(sql)), set[str]()
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
    return Masked(tuple(shown), frozenset(known), frozenset(hidden), numbers=bool(args) and not hide)


def unseen(sql: str) -> Masked:
    """What may be shown in the plan of a statement whose values nobody has told: the constants of its author."""
    return Masked().knowing([sql] if binds(sql) and not of_accounts(sql) else ())


def of_accounts(sql: str) -> bool:
    """Whether a statement is on accounts: it names a table of the schema ``auth``. Functions such as ``auth.uid()`` are everybody's."""
    return _ACCOUNTS.search(sql) is not None


def columns_of(sql: str) -> dict[int, str]:
    """The column that each parameter is compared with, set to or inserted into, as far as the statement's text tells."""
    text = bare(sql)
    found: dict[int, str] = {}
    for match in _COMPARED.finditer(text):
        _find(found, int(match[3]), _unquoted(match))
    for match in _INSERTED.finditer(text):
        for number, column in _in_order(match[1], match[2]):
            _find(found, number, column)
    return found


def statement(sql: str, *, bound: bool | None = None) -> str:
    """A statement as it may be shown. Constants of one that binds its values are its author's; those of others may be anybody's.

    Args:
        sql: the statement.
        bound: whether it was given values, where that is known; otherwise its text tells.
    """
    return redact(sql) if (binds(sql) if bound is None else bound) else anonymous(sql)


def one_line(sql: str) -> str:
    """A statement on one line, without the constants in it, and without comments."""
    return " ".join(anonymous(sql).split())


def anonymous(sql: str) -> str:
    """A statement without the constants in it, and without comments."""
    return redact("".join(_anonymous(kind, text) for kind, text in tokens(sql)))


def plan(value: Any, known: Masked) -> Any:
    """A plan as it may be shown: without the constants that nothing speaks for."""
    match value:
        case str():
            return expression(value, known)
        case Mapping():
            return {
                key: part if key in _WORDS else plan(part, known) for key, part in value.items() if key not in _DROPPED
            }
        case list():
            return [plan(part, known) for part in value]
        case _:
            return value


def expression(text: str, known: Masked) -> str:
    """A condition as it may be shown. Where a part of it names a secret, no constant of that part is shown."""
    pieces = [(kind, piece) for kind, piece in tokens(text) if kind is not Kind.COMMENT]
    literals = [piece for kind, piece in pieces if kind is Kind.CONSTANT]
    whole = "".join(_HOLE if kind is Kind.CONSTANT else piece for kind, piece in pieces)
    return "".join(_part(part, known, literals) for part in _JOINED.split(whole))


def cut(text: str) -> str:
    """A text of at most `LONGEST` characters."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


# -- parts ------------------------------------------------------------------------------------------------------------


def _anonymous(kind: Kind, text: str) -> str:
    match kind:
        case Kind.COMMENT:
            return " "
        case Kind.CONSTANT:
            return f"'{BLOT}'"
        case Kind.NAME:
            return text
        case Kind.REST:
            return _NUMBER.sub("?", text)


def _find(found: dict[int, str], number: int, column: str) -> None:
    """Note what a parameter is for; where it is for several columns the one with a secret counts."""
    if not is_secret(found.get(number, "")):
        found[number] = column


def _part(part: str, known: Masked, literals: list[str]) -> str:
    """One comparison of a condition, with its constants put back, which are the next in the list."""
    telling = any(is_secret(name) for name in _names(part))
    part = _NUMBER.sub(lambda match: match[0] if not telling and known.shows(match[0]) else BLOT, part)
    while _HOLE in part:
        literal = literals.pop(0)
        part = part.replace(_HOLE, f"'{BLOT}'" if telling or content(literal) not in known.known else literal, 1)
    return part


def _in_order(columns: str, values: str) -> Iterator[tuple[int, str]]:
    """The parameters of ``insert into … (a, b) values ($1, $2), ($3, $4)``."""
    names = [_unquoted(match) for match in _NAME.finditer(columns)]
    for row in re.split(r"\)\s*,\s*\(", values):
        for name, value in zip(names, row.split(","), strict=False):
            if placed := _PLACED.fullmatch(value):
                yield int(placed[1]), name


def _unquoted(match: re.Match[str]) -> str:
    return match[1].replace('""', '"') if match[1] else match[2]


def _names(text: str) -> Iterator[str]:
    return (_unquoted(match) for match in _NAME.finditer(bare(text)))


def _constants(sql: str) -> Iterator[str]:
    """The constants of a text, the numbers among them too."""
    yield from constants(sql)
    yield from (match[0] for match in _NUMBER.finditer(bare(sql)))


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
