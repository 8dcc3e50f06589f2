"""What a filter is: ``age=gte.18``, ``name=not.like.A*``, ``id=in.(1,2)``, ``or=(age.lt.18,age.gt.65)``."""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from pellucid.rest.grammar.fields import Field, in_quotes


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


Quantifier = Literal["any", "all"]


class Filter(Struct, frozen=True):
    """One comparison. ``values`` holds one text, but for ``in``, which may have any number.

    With a ``quantifier`` the one text is a PostgreSQL array (``{a,b}``) of which any or all elements must fit. ``language`` is the text
    search configuration of ``fts`` and its kin.
    """

    field: Field
    operator: Operator
    values: tuple[str, ...]
    negated: bool = False
    quantifier: Quantifier | None = None
    language: str | None = None

    def __str__(self) -> str:
        """The filter as a member of a tree: ``age.not.gte."18"``."""
        modifier = f"({self.quantifier or self.language})" if self.quantifier or self.language else ""
        return f"{self.field}.{'not.' if self.negated else ''}{self.operator}{modifier}.{self._compared}"

    @property
    def _compared(self) -> str:
        if self.operator is Operator.IN:
            return f"({','.join(map(in_quotes, self.values))})"
        return self.values[0] if self.operator is Operator.IS else in_quotes(self.values[0])


class Logic(Struct, frozen=True):
    """Several conditions that must all hold (``and``) or of which one must (``or``)."""

    junction: Literal["and", "or"]
    members: tuple["Condition", ...]
    negated: bool = False

    def __str__(self) -> str:
        """The tree as the query writes it: ``not.or(age.lt."18",age.gt."65")``."""
        return f"{'not.' if self.negated else ''}{self.junction}({','.join(map(str, self.members))})"


Condition = Filter | Logic
