"""Plans: what the database will be asked to do. They hold columns of the catalog, never a client's names."""

from enum import Enum
from typing import Literal

from msgspec import Struct

from pellucid.database.catalog.model import Column, Function, Parameter, Relationship, Table
from pellucid.rest.grammar.fields import Step
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.grammar.preferences import Count
from pellucid.rest.grammar.ranges import ALL, Range
from pellucid.rest.grammar.select import Aggregate


class Operand(Struct, frozen=True):
    """A column, plain or computed, and the steps into its JSON."""

    column: Column
    path: tuple[Step, ...] = ()


class Comparison(Struct, frozen=True):
    """One comparison of an operand with values, which stay text until PostgreSQL reads them."""

    operand: Operand
    operator: Operator
    values: tuple[str, ...]
    negated: bool = False
    quantifier: Literal["any", "all"] | None = None
    language: str | None = None


class Presence(Struct, frozen=True):
    """Whether a row has no rows in an embedded table (``negated``: it has some), by the place of the embed in its `Read`."""

    embed: int
    negated: bool = False


class Junction(Struct, frozen=True):
    """Several conditions joined by ``and`` or ``or``."""

    junction: Literal["and", "or"]
    members: tuple["Condition", ...]
    negated: bool = False


Condition = Comparison | Presence | Junction


class Output(Struct, frozen=True):
    """One column of the answer, under its name there. Without an operand it stands for the row itself, whatever is in it.

    ``cast`` is a type as SQL writes it; it comes before the aggregate, ``aggregate_cast`` after it.
    """

    operand: Operand | None
    name: str
    cast: str | None = None
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


class Sort(Struct, frozen=True):
    """One term of the order.

    ``embed`` is the place of the embed that the operand belongs to, None for the table itself. ``output`` is the name that it has among
    the embed's outputs, where it is one of them.
    """

    operand: Operand
    descending: bool
    nulls_first: bool | None
    embed: int | None = None
    output: str | None = None


class Lifted(Struct, frozen=True):
    """A column of a spread table, as it stands among the row's own: ``source`` is its name in the table that was spread."""

    source: str
    name: str
    aggregate: Aggregate | None = None
    aggregate_cast: str | None = None


class Embed(Struct, frozen=True):
    """Rows of a related table within each row.

    ``inner`` drops rows that have none. ``hidden`` answers nothing of them. ``spread`` puts the ``lifted`` columns among the row's own,
    each as a list where there may be many rows. ``asked`` tells that a condition asks whether there are any.
    """

    name: str
    read: "Read"
    relationship: Relationship
    inner: bool = False
    spread: bool = False
    hidden: bool = False
    lifted: tuple[Lifted, ...] = ()
    asked: bool = False


class Read(Struct, frozen=True):
    """Rows of a table, or of what a write or a call hands on, with the rows embedded in them.

    ``table`` is None where nobody knows the columns (a bare ``record``) or there are none (a scalar): everything is answered then.
    """

    table: Table | None
    outputs: tuple[Output, ...]
    where: tuple[Condition, ...] = ()
    order: tuple[Sort, ...] = ()
    range: Range = ALL
    embeds: tuple[Embed, ...] = ()

    @property
    def grouped(self) -> bool:
        """Whether rows are taken together: what is no aggregate is grouped by."""
        return any(output.aggregate for output in self.outputs) or any(
            lifted.aggregate for embed in self.embeds for lifted in embed.lifted
        )


class OnConflict(Enum):
    """What an insert does with a row whose key is there already."""

    MERGE = "merge"
    IGNORE = "ignore"


class Group(Struct, frozen=True):
    """Rows of a body that fill the same columns; ``places`` are their positions in it, counted from 0, None for all of them."""

    columns: tuple[Column, ...]
    places: tuple[int, ...] | None


class Reading(Struct, frozen=True):
    """A request for rows. ``count`` tells whether, and how, all of them are counted, those outside the range too.

    ``enough`` is the number of rows up to which an estimated count is exact; None where it always is.
    """

    read: Read
    count: Count | None = None
    enough: int | None = None


class Insert(Struct, frozen=True):
    """New rows. ``answer`` reads what comes back from the rows written, None where nothing is to; ``located`` asks for its key.

    Only those rows of the body are written for which ``where`` holds: a ``PUT`` names its row twice, in its address and in its body.
    An upsert gives ``reset`` columns their defaults where the body's row lacks them and the table has the row already.
    """

    table: Table
    groups: tuple[Group, ...]
    rows: str
    answer: Read | None
    located: bool
    conflict: OnConflict | None = None
    target: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    reset: tuple[Column, ...] = ()


class Update(Struct, frozen=True):
    """Changed rows. Beside what the row gives, ``nulled`` are set to null, as a replacement does, and ``defaulted`` to their defaults."""

    table: Table
    columns: tuple[Column, ...]
    row: str
    where: tuple[Condition, ...]
    answer: Read | None
    nulled: tuple[Column, ...] = ()
    defaulted: tuple[Column, ...] = ()


class Delete(Struct, frozen=True):
    """Rows to be removed."""

    table: Table
    where: tuple[Condition, ...]
    answer: Read | None


class Call(Struct, frozen=True):
    """A function to be called. ``read`` reads what it answers.

    Its arguments are ``named`` (each a text, or several for a variadic parameter), or those ``given`` by the first object of the JSON
    array ``body``, or the one unnamed parameter ``single``, which is the body as it came: bytes for ``bytea``, else text.
    """

    function: Function
    read: Read
    named: tuple[tuple[Parameter, str | tuple[str, ...]], ...] = ()
    given: tuple[Parameter, ...] = ()
    body: str | None = None
    single: str | bytes | None = None
    count: Count | None = None


Plan = Reading | Insert | Update | Delete | Call
