"""The order: ``order=age.desc,name.asc.nullslast``."""

import re
from dataclasses import dataclass

from pellucid.rest.grammar.fields import Field, scan_field
from pellucid.rest.grammar.scanner import Scanner

_DIRECTION = re.compile(r"\.(asc|desc)(?=[.,]|$)")
_NULLS = re.compile(r"\.(nullsfirst|nullslast)(?=,|$)")


@dataclass(frozen=True, slots=True)
class Term:
    """One term of an order. ``nulls_first`` None leaves it to PostgreSQL: last when ascending, first when descending.

    ``related`` is the embedded table that the field belongs to: ``order=other(name).desc``.
    """

    field: Field
    descending: bool = False
    nulls_first: bool | None = None
    related: str | None = None


def parse_order(text: str) -> tuple[Term, ...]:
    """Read an order; an empty text is none.

    Raises:
        MalformedQuery: it cannot be read; the error shows the place.
    """
    if not text:
        return ()
    scanner = Scanner(text, f"order ({text})")
    terms = [_scan_term(scanner)]
    while scanner.accept(","):
        terms.append(_scan_term(scanner))
    scanner.skip_spaces()
    if not scanner.done:
        raise scanner.error('"asc", "desc", "nullsfirst", "nullslast" or ","')
    return tuple(terms)


def _scan_term(scanner: Scanner) -> Term:
    field = scan_field(scanner)
    direction = scanner.match(_DIRECTION)
    nulls = scanner.match(_NULLS)
    return Term(field, direction is not None and direction[1] == "desc", nulls[1] == "nullsfirst" if nulls else None)
