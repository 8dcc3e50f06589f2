"""Reads filters and the trees that ``and`` and ``or`` make of them."""

import re
from functools import partial
from typing import Literal

from msgspec import Struct

from pellucid.errors import BeyondLimit, MalformedQuery
from pellucid.rest.grammar.fields import Field, parse_field, scan_field, scan_quoted
from pellucid.rest.grammar.filters import Condition, Filter, Logic, Operator, Quantifier
from pellucid.rest.grammar.scanner import Scanner, Unfit, closing, comma, delimiter, opening

MAX_CONDITIONS = 200
"""How many filters one query may have."""
MAX_DEPTH = 32
"""How deep ``and`` and ``or`` may nest."""
MAX_LIST = 10_000
"""How many values one ``in`` may have."""
_QUANTIFIED = ("eq", "gte", "gt", "lte", "lt", "like", "ilike", "match", "imatch")
_SIMPLE = ("neq", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj")
_SEARCHES = ("fts", "plfts", "phfts", "wfts")
_HEAD = re.compile(
    r"(not\.)?(?:(in|is|isdistinct|neq|cs|cd|ov|sl|sr|nxr|nxl|adj)"
    r"|(eq|gte?|lte?|i?like|i?match)(?:\((any|all)\))?"
    r"|((?:pl|ph|w)?fts)(?:\(([\w $]+)\))?)\."
)
_JUNCTION = re.compile(r"(not\.)?(and|or)(?=[ \t]*\()")
_LANGUAGE = re.compile(r"[\w $]+")
_UNQUOTED = re.compile(r"[^,)]*")
_ARRAY = re.compile(r"\{[^{}]*\}")
_PLAIN_LIST = re.compile(r"\([ \t]*+([^()\"]*+)\)")
_ITEM_ENDS = ("", ",", ")")
_TRUTHS = ("null", "not_null", "true", "false", "unknown")
_TRUTH = re.compile("null|not_null|true|false|unknown", re.IGNORECASE)
_PATTERNS = (Operator.LIKE, Operator.ILIKE)
_OPERATOR_LABEL = "operator (eq, gt, ...)"
_IS_LABEL = "isVal: (null, not_null, true, false, unknown)"


class Tally:
    """How many filters a query has so far."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        """Count one more.

        Raises:
            BeyondLimit: it is one too many.
        """
        self.count += 1
        if self.count > MAX_CONDITIONS:
            raise BeyondLimit(
                f"The query has more than {MAX_CONDITIONS} filters.", hint='Use "in" for lists of values.'
            )


class Comparison(Struct, frozen=True):
    """A filter without its field: ``not.in.(1,2)``."""

    operator: Operator
    values: tuple[str, ...]
    negated: bool = False
    quantifier: Quantifier | None = None
    language: str | None = None

    def of(self, field: Field) -> Filter:
        """The filter on this field."""
        return Filter(field, self.operator, self.values, self.negated, self.quantifier, self.language)


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
    found = parse_comparison(text, strict=bare_equality, bare=bare_equality)
    return (found or Comparison(Operator.EQ, (text,))).of(field)


def parse_comparison(text: str, *, strict: bool, bare: bool) -> Comparison | None:
    """Read a parameter's value as a comparison.

    Args:
        text: ``[not.]operator.value``.
        strict: nothing may follow a list or a truth value; else what follows is passed over, as in PostgREST.
        bare: a text that begins with no operator is none; else it is an error.

    Raises:
        MalformedQuery: it is none; the error shows the place.
    """
    if bare and not _HEAD.match(text):
        return None
    return Scanner(text, f"filter ({text})").whole(
        partial(_scan_comparison, inside=False, strict=strict), finish=strict
    )


def parse_logic(key: str, text: str, *, strict: bool = True, tally: Tally | None = None) -> Logic:
    """Read ``and=(…)``, ``or=(…)`` and their negations.

    Args:
        key: ``and``, ``or``, ``not.and`` or ``not.or``.
        text: the conditions in parentheses.
        strict: nothing may follow; else what follows is passed over, as in PostgREST.
        tally: counts the filters of the whole query.

    Raises:
        MalformedQuery: it cannot be read.
        BeyondLimit: it nests deeper than `MAX_DEPTH`, or the query has more filters than `MAX_CONDITIONS`.
    """
    scanner = Scanner(key + text, f"logic tree ({text})")
    tree = scanner.whole(partial(_scan_condition, depth=0, strict=strict, tally=tally or Tally()), finish=strict)
    if isinstance(tree, Filter):  # the tree is no tree: "and=.eq.1"
        raise MalformedQuery(
            f'"failed to parse logic tree ({text})" (line 1, column {len(key) + 1})',
            details=f'unexpected "{text[:1]}" expecting "("',
            hint="Write the conditions in parentheses.",
        )
    return tree


def _scan_condition(scanner: Scanner, depth: int, *, strict: bool, tally: Tally) -> Condition:
    if not _JUNCTION.match(scanner.text, scanner.at):
        found = scanner.attempt(partial(_scan_filter, strict=strict))
        if found is not None:
            tally.add()
            return found
    negated, junction = _scan_head(scanner)
    if depth >= MAX_DEPTH:
        raise BeyondLimit(
            f"The conditions nest deeper than {MAX_DEPTH} levels.", hint='Flatten the "and" and "or" conditions.'
        )
    opening(scanner)
    members = scanner.several(partial(_scan_condition, depth=depth + 1, strict=strict, tally=tally), comma)
    closing(scanner)
    return Logic(junction, tuple(members), negated)


def _scan_head(scanner: Scanner) -> tuple[bool, Literal["and", "or"]]:
    negated = scanner.labelled("negation operator (not)", _scan_not)
    return negated, scanner.labelled("logic operator (and, or)", _scan_junction)


def _scan_not(scanner: Scanner) -> bool:
    mark = scanner.mark()
    try:
        scanner.literal("not")
        delimiter(scanner)
    except Unfit:
        scanner.step_back(*mark)
        return False
    return True


def _scan_junction(scanner: Scanner) -> Literal["and", "or"]:
    mark = scanner.mark()
    try:
        scanner.literal("and")
    except Unfit:
        scanner.step_back(*mark)
    else:
        return "and"
    scanner.literal("or")
    return "or"


def _scan_filter(scanner: Scanner, *, strict: bool) -> Filter:
    field = scan_field(scanner)
    delimiter(scanner)
    return _scan_comparison(scanner, inside=True, strict=strict).of(field)


def _scan_comparison(scanner: Scanner, *, inside: bool, strict: bool) -> Comparison:
    head = scanner.match(_HEAD)
    if head is None:
        _scan_not(scanner)
        scanner.labelled(_OPERATOR_LABEL, _no_operator)
        raise Unfit
    operator = Operator(head[2] or head[3] or head[5])
    quantifier: Quantifier | None = None if head[4] is None else "any" if head[4] == "any" else "all"
    language = head[6].strip() if head[6] else None
    values = _scan_values(scanner, operator, inside=inside, strict=strict)
    return Comparison(operator, values, bool(head[1]), quantifier, language)


def _no_operator(scanner: Scanner) -> None:
    """Note how far each operator fits, for none of them does."""
    for word in ("in", "is", "isdistinct", *_SEARCHES, *_SIMPLE, *_QUANTIFIED):
        scanner.attempt(partial(_scan_operator, word=word))
    raise Unfit


def _scan_operator(scanner: Scanner, *, word: str) -> None:
    scanner.literal(word)
    if word in _SEARCHES:
        scanner.attempt(_scan_language)
    elif word in _QUANTIFIED:
        scanner.attempt(_scan_quantifier)
    delimiter(scanner)


def _scan_language(scanner: Scanner) -> None:
    scanner.literal("(")
    scanner.run(_LANGUAGE)
    scanner.literal(")")


def _scan_quantifier(scanner: Scanner) -> None:
    scanner.literal("(")
    if scanner.attempt(partial(_scan_word, word="any")) is None:
        scanner.literal("all")
    scanner.literal(")")


def _scan_word(scanner: Scanner, *, word: str) -> str:
    scanner.literal(word)
    return word


def _scan_values(scanner: Scanner, operator: Operator, *, inside: bool, strict: bool) -> tuple[str, ...]:
    """Read what an operator compares with. A value alone is all of the text; one inside a tree ends there."""
    if operator is Operator.IN:
        return _scan_list(scanner, strict=strict)
    if operator is Operator.IS:
        return (scanner.labelled(_IS_LABEL, _scan_truth),)
    value = _scan_inner(scanner) if inside else _scan_rest(scanner)
    return (value.replace("*", "%") if operator in _PATTERNS else value,)


def _scan_truth(scanner: Scanner) -> str:
    found = scanner.match(_TRUTH)
    if found:
        return found[0].lower()
    text, start = scanner.text, scanner.at
    for truth in _TRUTHS:
        same = 0
        while start + same < len(text) and text[start + same].lower() == truth[same]:
            same += 1
        scanner.note(start + same, _IS_LABEL)
    raise Unfit


def _scan_rest(scanner: Scanner) -> str:
    rest = scanner.text[scanner.at :]
    scanner.advance(len(scanner.text))
    return rest


def _scan_inner(scanner: Scanner) -> str:
    quoted = _scan_delimited(scanner)
    if quoted is not None:
        return quoted
    if array := scanner.match(_ARRAY):
        return array[0]
    return _scan_unquoted(scanner)


def _scan_list(scanner: Scanner, *, strict: bool) -> tuple[str, ...]:
    if plain := scanner.match(_PLAIN_LIST):
        scanner.skip_spaces()
        items = plain[1].split(",")
        quoted = False
    else:
        opening(scanner)
        quoted = scanner.text.startswith('"', scanner.at)
        items = scanner.several(_scan_item, _list_comma)
        closing(scanner)
    if len(items) > MAX_LIST:
        raise BeyondLimit(f"A list has more than {MAX_LIST} values.", hint="Ask in several requests.")
    if items == [""] and not (strict and quoted):
        return ()  # so it is in PostgREST, even where the one value is quoted
    return tuple(items)


def _list_comma(scanner: Scanner) -> None:
    scanner.literal(",")


def _scan_item(scanner: Scanner) -> str:
    quoted = _scan_delimited(scanner)
    return _scan_unquoted(scanner) if quoted is None else quoted


def _scan_delimited(scanner: Scanner) -> str | None:
    """Read a text in quotes, if it is whole and the item ends with it."""
    if not scanner.text.startswith('"', scanner.at):
        return None
    return scanner.attempt(_scan_ended)


def _scan_ended(scanner: Scanner) -> str:
    value = scan_quoted(scanner)
    if scanner.text[scanner.at : scanner.at + 1] not in _ITEM_ENDS:
        raise Unfit
    return value


def _scan_unquoted(scanner: Scanner) -> str:
    found = scanner.match(_UNQUOTED)
    scanner.note(scanner.at)
    return found[0] if found else ""
