"""Filters: ``age=gte.18``, ``name=not.like.A*``, ``id=in.(1,2)``, ``or=(age.lt.18,age.gt.65)``."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pellucid.errors import MalformedQuery
from pellucid.rest.grammar.fields import Field, parse_field, scan_field, unescape
from pellucid.rest.grammar.scanner import Scanner


class Operator(StrEnum):
    """What a filter compares with. The value is the word in the query."""

    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    LIKE = "like"
    ILIKE = "ilike"
    MATCH = "match"
    IMATCH = "imatch"
    IN = "in"
    IS = "is"
    ISDISTINCT = "isdistinct"
    FTS = "fts"
    PLFTS = "plfts"
    PHFTS = "phfts"
    WFTS = "wfts"
    CS = "cs"
    CD = "cd"
    OV = "ov"
    SL = "sl"
    SR = "sr"
    NXR = "nxr"
    NXL = "nxl"
    ADJ = "adj"


@dataclass(frozen=True, slots=True)
class Filter:
    """One comparison. ``values`` holds one text, but for ``in``, which may have any number.

    With a ``quantifier`` the one text is a PostgreSQL array (``{a,b}``) of which any or all elements must fit. ``language`` is the text
    search configuration of ``fts`` and its kin.
    """

    field: Field
    operator: Operator
    values: tuple[str, ...]
    negated: bool = False
    quantifier: Literal["any", "all"] | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Logic:
    """Several conditions that must all hold (``and``) or of which one must (``or``)."""

    junction: Literal["and", "or"]
    members: tuple["Condition", ...]
    negated: bool = False


Condition = Filter | Logic

_JUNCTION = re.compile(r"(not\.)?(and|or)(?=\s*\()")
_COMPARISON = re.compile(r"(not\.)?([a-z]+)\.")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(?=[,)]|$)')
_BARE_VALUE = re.compile(r"[^,)]*")
_BARE_LIST = re.compile(r"\(([^()\"]*)\)")
_BRACED = re.compile(r"\{[^{}]*\}")
_IS_VALUES = {"null", "not_null", "true", "false", "unknown"}
_OPERATORS = {operator.value: operator for operator in Operator}
_UNSERVED = re.compile(
    r"(not\.)?((cs|cd|ov|sl|sr|nxl|nxr|adj|(pl|ph|w)?fts)(\(\w+\))?|(eq|gte?|lte?|i?like|i?match)\((any|all)\))\."
)
"""What the dialect knows and this server does not: never a value, for it would mean something else some day."""
MAX_DEPTH = 32
"""How deep ``and`` and ``or`` may nest."""


def parse_filter(key: str, text: str, *, bare_equality: bool) -> Filter:
    """Read one query parameter as a filter.

    Args:
        key: the column, with steps into its JSON where wanted.
        text: ``[not.]operator.value``.
        bare_equality: a text that begins with no operator is a value to be equal to.

    Raises:
        MalformedQuery: it is none; the error shows the place.
    """
    field = parse_field(key, "tree path")
    scanner = Scanner(text, f"filter ({text})")
    head = _COMPARISON.match(text)
    if head is None or head[2] not in _OPERATORS:
        if bare_equality and not _UNSERVED.match(text):
            return Filter(field, Operator.EQ, (text,))
        raise scanner.error('"not" or operator (eq, gt, ...)')
    scanner.at = head.end()
    operator = _OPERATORS[head[2]]
    values = _scan_values(scanner, operator, rest=text[scanner.at :])
    return Filter(field, operator, values, negated=bool(head[1]))


def parse_logic(key: str, text: str) -> Logic:
    """Read ``and=(…)``, ``or=(…)`` and their negations.

    Raises:
        MalformedQuery: it cannot be read, or nests deeper than `MAX_DEPTH`.
    """
    scanner = Scanner(key + text, f"logic tree ({text})")
    logic = _scan_logic(scanner, 0)
    if logic is None:
        raise scanner.error('"(" and conditions')
    scanner.finish()
    return logic


def _scan_logic(scanner: Scanner, depth: int) -> Logic | None:
    scanner.skip_spaces()
    head = scanner.match(_JUNCTION)
    if head is None:
        return None
    if depth >= MAX_DEPTH:
        raise MalformedQuery(
            f"The conditions nest deeper than {MAX_DEPTH} levels.", hint='Flatten the "and" and "or" conditions.'
        )
    scanner.expect("(")
    members = [_scan_condition(scanner, depth + 1)]
    while scanner.accept(","):
        members.append(_scan_condition(scanner, depth + 1))
    scanner.expect(")")
    return Logic("and" if head[2] == "and" else "or", tuple(members), negated=bool(head[1]))


def _scan_condition(scanner: Scanner, depth: int) -> Condition:
    if logic := _scan_logic(scanner, depth):
        return logic
    field = scan_field(scanner)
    scanner.expect(".")
    head = scanner.match(_COMPARISON)
    if head is None or head[2] not in _OPERATORS:
        raise scanner.error('"not" or operator (eq, gt, ...)')
    operator = _OPERATORS[head[2]]
    return Filter(field, operator, _scan_values(scanner, operator, rest=None), negated=bool(head[1]))


def _scan_values(scanner: Scanner, operator: Operator, *, rest: str | None) -> tuple[str, ...]:
    """Read what an operator compares with; ``rest`` is the whole remaining text where no tree limits it."""
    match operator:
        case Operator.IN:
            values = _scan_list(scanner)
            if rest is not None:
                scanner.finish()
            return values
        case Operator.IS:
            return (_is_value(scanner, rest if rest is not None else _scan_value(scanner)),)
        case Operator.LIKE | Operator.ILIKE:
            return ((rest if rest is not None else _scan_value(scanner)).replace("*", "%"),)
        case _:
            return (rest if rest is not None else _scan_value(scanner),)


def _is_value(scanner: Scanner, text: str) -> str:
    if text.lower() not in _IS_VALUES:
        raise MalformedQuery(
            f'"failed to parse {scanner.what}" (line 1, column {scanner.at + 1})',
            details="expecting null, not_null, true, false or unknown",
            hint='Use "eq" to compare with any other value.',
        )
    return text.lower()


def _scan_value(scanner: Scanner) -> str:
    if quoted := scanner.match(_QUOTED):
        return unescape(quoted[1])
    if braced := scanner.match(_BRACED):
        return braced[0]
    return _scan_bare(scanner)


def _scan_list(scanner: Scanner) -> tuple[str, ...]:
    if bare := scanner.match(_BARE_LIST):
        return tuple(bare[1].split(",")) if bare[1] else ()
    scanner.expect("(")
    items = [_scan_item(scanner)]
    while scanner.accept(","):
        items.append(_scan_item(scanner))
    scanner.expect(")")
    return tuple(items)


def _scan_item(scanner: Scanner) -> str:
    if quoted := scanner.match(_QUOTED):
        return unescape(quoted[1])
    return _scan_bare(scanner)


def _scan_bare(scanner: Scanner) -> str:
    bare = scanner.match(_BARE_VALUE)
    return bare[0] if bare else ""
