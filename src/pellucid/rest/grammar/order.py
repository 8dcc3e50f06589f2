"""The order: ``order=age.desc,other(name).asc.nullslast``."""

from functools import lru_cache, partial

from msgspec import Struct

from pellucid.errors import BeyondLimit
from pellucid.rest.grammar.fields import Field, quoted, scan_field, scan_name
from pellucid.rest.grammar.scanner import Scanner, Unfit, delimiter

MAX_TERMS = 64
"""How many terms an order may have."""


class Term(Struct, frozen=True):
    """One term of an order. ``nulls_first`` None leaves it to PostgreSQL: last when ascending, first when descending.

    ``related`` is the embedded table that the field belongs to: ``order=other(name).desc``.
    """

    field: Field
    descending: bool = False
    nulls_first: bool | None = None
    related: str | None = None

    def __str__(self) -> str:
        """The term as the query writes it."""
        field = str(self.field) if self.related is None else f"{quoted(self.related)}({self.field})"
        nulls = "" if self.nulls_first is None else ".nullsfirst" if self.nulls_first else ".nullslast"
        return f"{field}{'.desc' if self.descending else ''}{nulls}"


@lru_cache(maxsize=256)
def parse_order(text: str, *, strict: bool = True) -> tuple[Term, ...]:
    """Read an order.

    Args:
        text: terms, parted by commas; an empty text is none.
        strict: else an empty text is an error, as in PostgREST.

    Raises:
        MalformedQuery: it cannot be read; the error shows the place.
        BeyondLimit: it has more than `MAX_TERMS`.
    """
    if strict and not text:
        return ()
    return Scanner(text, f"order ({text})").whole(_scan_terms, finish=strict)


def _scan_terms(scanner: Scanner) -> tuple[Term, ...]:
    terms = scanner.several(_scan_term, _comma, MAX_TERMS)
    if len(terms) > MAX_TERMS:
        raise BeyondLimit(f"The order has more than {MAX_TERMS} terms.", hint="Order by fewer columns.")
    return tuple(terms)


def _comma(scanner: Scanner) -> None:
    scanner.literal(",")


def _scan_term(scanner: Scanner) -> Term:
    scanner.skip_spaces()
    found = scanner.attempt(_scan_related)
    related, field = found if found else (None, scan_field(scanner))
    descending = scanner.attempt(partial(_scan_word, words=("asc", "desc"))) == "desc"
    nulls = scanner.attempt(partial(_scan_word, words=("nullsfirst", "nullslast")))
    scanner.ahead(",")
    return Term(field, descending, None if nulls is None else nulls == "nullsfirst", related)


def _scan_related(scanner: Scanner) -> tuple[str, Field]:
    name = scan_name(scanner)
    scanner.literal("(")
    field = scan_field(scanner)
    scanner.literal(")")
    return name, field


def _scan_word(scanner: Scanner, *, words: tuple[str, str]) -> str:
    for word in words:
        if scanner.attempt(partial(_scan_suffix, word=word)):
            return word
    raise Unfit


def _scan_suffix(scanner: Scanner, *, word: str) -> bool:
    delimiter(scanner)
    scanner.literal(word)
    return True
