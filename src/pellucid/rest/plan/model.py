"""Plans: what the database will be asked to do. They hold columns of the catalog, never a client's names."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from pellucid.database.catalog.model import Column, Table
from pellucid.rest.grammar.fields import Step
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.grammar.ranges import Range


@dataclass(frozen=True, slots=True)
class Operand:
    """A column, and the steps into its JSON."""

    column: Column
    path: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of an operand with values, which stay text until PostgreSQL reads them."""

    operand: Operand
    operator: Operator
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Junction:
    """Several conditions joined by ``and`` or ``or``."""

    junction: Literal["and", "or"]
    members: tuple["Condition", ...]
    negated: bool = False


Condition = Comparison | Junction


@dataclass(frozen=True, slots=True)
class Output:
    """One column of the answer, under its name there."""

    operand: Operand
    name: str
    cast: str | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """One term of the order."""

    operand: Operand
    descending: bool
    nulls_first: bool | None


@dataclass(frozen=True, slots=True)
class Read:
    """Rows of a table."""

    table: Table
    outputs: tuple[Output, ...]
    where: tuple[Condition, ...]
    order: tuple[Sort, ...]
    range: Range
    counted: bool


class OnConflict(Enum):
    """What an insert does with a row whose key is there already."""

    MERGE = "merge"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a body that fill the same columns; ``places`` are their positions in it, counted from 0, None for all of them."""

    columns: tuple[Column, ...]
    places: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Insert:
    """New rows. ``outputs`` is empty where nothing is to come back; ``located`` asks for the new rows' keys."""

    table: Table
    groups: tuple[Group, ...]
    rows: str
    outputs: tuple[Output, ...]
    located: bool
    conflict: OnConflict | None = None
    target: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """Changed rows. ``nulled`` are set to null beside what the row gives, as a replacement does."""

    table: Table
    columns: tuple[Column, ...]
    row: str
    where: tuple[Condition, ...]
    outputs: tuple[Output, ...]
    nulled: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """Rows to be removed."""

    table: Table
    where: tuple[Condition, ...]
    outputs: tuple[Output, ...]


Plan = Read | Insert | Update | Delete
