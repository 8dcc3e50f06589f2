"""The parts that every plan has: conditions, outputs, order, and the key in the path."""

import re
from dataclasses import dataclass

from pellucid.database.catalog.model import Table
from pellucid.errors import MalformedQuery, NotImplementedYet
from pellucid.rest.grammar import filters as asked
from pellucid.rest.grammar.fields import Field
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.grammar.order import Term
from pellucid.rest.grammar.select import Everything, Item, SelectItem
from pellucid.rest.plan.model import Comparison, Condition, Junction, Operand, Output, Sort
from pellucid.rest.plan.names import Context, find_column
from pellucid.rest.profile import Profile

_CASTS = frozenset(
    name.strip()
    for names in (
        "bool, boolean, smallint, int2, int, integer, int4, bigint, int8",
        "real, float4, float, float8, double precision, numeric, decimal, money",
        "text, varchar, character varying, char, character, bpchar, name, bytea, bit, bit varying",
        "uuid, json, jsonb, xml, tsvector, tsquery",
        "date, time, timetz, time with time zone, time without time zone, interval, inet, cidr, macaddr",
        "timestamp, timestamptz, timestamp with time zone, timestamp without time zone",
    )
    for name in names.split(",")
)
_LENGTH = re.compile(r"\(\d+(,\d+)?\)")


@dataclass(frozen=True, slots=True)
class Names:
    """Where names are looked up: the table, and for whom."""

    table: Table
    context: Context

    @property
    def profile(self) -> Profile:
        """The face of the API that is asked."""
        return self.context.profile

    @property
    def role(self) -> str:
        """The caller's role."""
        return self.context.role

    def operand(self, field: Field) -> Operand:
        """The operand that a field means."""
        return Operand(find_column(self.table, field.name, self.profile, self.role), field.path)

    def condition(self, condition: asked.Condition) -> Condition:
        """The condition, its columns found."""
        match condition:
            case asked.Filter(field, operator, values, negated):
                return Comparison(self.operand(field), operator, values, negated)
            case asked.Logic(junction, members, negated):
                return Junction(junction, tuple(self.condition(member) for member in members), negated)

    def conditions(self, conditions: tuple[asked.Condition, ...]) -> tuple[Condition, ...]:
        """All of them."""
        return tuple(self.condition(condition) for condition in conditions)

    def outputs(self, select: tuple[SelectItem, ...]) -> tuple[Output, ...]:
        """The columns of the answer."""
        if len(select) == 1:
            return tuple(self._outputs(select[0]))
        return tuple(dict.fromkeys(output for item in select for output in self._outputs(item)))

    def _outputs(self, item: SelectItem) -> list[Output]:
        match item:
            case Everything():
                return [Output(Operand(column), column.name) for column in self.table.columns.values()]
            case Item(Field() as field, alias, cast):
                return [Output(self.operand(field), alias or _name(field), _checked(cast))]
            case _:
                raise NotImplementedYet("Embedded tables and aggregates are not served yet.")

    def order(self, terms: tuple[Term, ...]) -> tuple[Sort, ...]:
        """The order, its columns found."""
        return tuple(Sort(self.operand(term.field), term.descending, term.nulls_first) for term in terms)

    def key(self, key: tuple[str, ...] | None) -> tuple[Condition, ...]:
        """The condition that the path's key sets.

        Raises:
            MalformedQuery: the table has no primary key, or one of other length.
        """
        if key is None:
            return ()
        columns = self.table.primary_key
        if not columns:
            raise MalformedQuery(
                f"{self.table.name.name} has no primary key, so no row has an address.",
                hint=f"Filter instead: /{self.table.name.name}?column=value.",
            )
        if len(columns) != len(key):
            raise MalformedQuery(
                f"The primary key of {self.table.name.name} has {len(columns)} parts ({', '.join(columns)}), the path has {len(key)}.",
                hint="Write the parts in this order, with commas between them; percent-encode a comma inside a part as %2C.",
            )
        return tuple(
            Comparison(Operand(self.table.columns[name]), Operator.EQ, (value,))
            for name, value in zip(columns, key, strict=True)
        )


def _name(field: Field) -> str:
    """The name under which a field is answered: the last key of its path, or else the column's."""
    keys = [step.key for step in field.path if isinstance(step.key, str)]
    return keys[-1] if keys else field.name


def _checked(cast: str | None) -> str | None:
    if cast is None:
        return None
    plain = _LENGTH.sub("", cast.removesuffix("[]")).strip().lower()
    if plain not in _CASTS:
        raise MalformedQuery(
            f"Cannot cast to {cast}.", hint="Cast to a type of PostgreSQL's own, such as text, bigint or jsonb."
        )
    return cast.lower()
