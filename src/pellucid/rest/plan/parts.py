"""The parts that every read has: conditions, outputs, order, and the key in the path."""

from collections.abc import Sequence

from msgspec import Struct

from pellucid.database.catalog.model import Column, Table
from pellucid.errors import AggregatesOff, MalformedQuery, NotEmbedded, UnfitEmbedFilter, UnfitOrder
from pellucid.rest.grammar import filters as asked
from pellucid.rest.grammar.fields import Field
from pellucid.rest.grammar.filters import Operator
from pellucid.rest.grammar.order import Term
from pellucid.rest.grammar.select import Aggregate, Everything, Item, SelectItem
from pellucid.rest.plan.casts import find_type
from pellucid.rest.plan.model import Comparison, Condition, Embed, Junction, Operand, Output, Presence, Read, Sort
from pellucid.rest.plan.names import Context, readable_column
from pellucid.rest.profile import Profile

_COUNT = Field("count")


class Names(Struct, frozen=True):
    """Where names are looked up: the table, for whom, and the tables embedded in it.

    ``depth`` tells how deep the table is embedded. ``label`` is what PostgreSQL calls the table in its errors, where that is not its name.
    ``handed`` tells that a call hands the rows on, so that no privilege on the table counts.
    """

    table: Table
    context: Context
    embeds: tuple[Embed, ...] = ()
    depth: int = 0
    label: str = ""
    handed: bool = False

    @property
    def profile(self) -> Profile:
        """The face of the API that is asked."""
        return self.context.profile

    @property
    def role(self) -> str:
        """The caller's role."""
        return self.context.role

    def column(self, name: str) -> Column:
        """The column that a name means."""
        label = self.label or self.table.name.name
        return readable_column(self.table, name, self.context, label, handed=self.handed)

    def operand(self, field: Field) -> Operand:
        """The operand that a field means."""
        return Operand(self.column(field.name), field.path)

    def condition(self, condition: asked.Condition) -> Condition:
        """The condition, its columns found.

        Raises:
            UnfitEmbedFilter: an embedded table is compared with something else than null.
        """
        match condition:
            case asked.Filter():
                return (self._presence(condition) if self.embeds else None) or Comparison(
                    self.operand(condition.field),
                    condition.operator,
                    condition.values,
                    condition.negated,
                    condition.quantifier,
                    condition.language,
                )
            case asked.Logic(junction, members, negated):
                return Junction(junction, tuple(self.condition(member) for member in members), negated)

    def conditions(self, conditions: tuple[asked.Condition, ...]) -> tuple[Condition, ...]:
        """All of them."""
        return tuple(self.condition(condition) for condition in conditions)

    def _presence(self, condition: asked.Filter) -> Presence | None:
        """What ``other=is.null`` means where ``other`` is embedded."""
        name = condition.field.name
        place = self._embedded(name) if not condition.field.path else None
        if place is None:
            return None
        if condition.operator is Operator.IS and condition.values in (("null",), ("not_null",)):
            return Presence(place, negated=condition.negated is (condition.values == ("null",)))
        if name in self.table.columns or name in self.table.computed:
            return None
        if self.profile.validates:
            raise UnfitEmbedFilter(f"{name} is an embedded table, which has no value to compare with.")
        raise UnfitEmbedFilter(
            f"Bad operator on the '{name}' embedded resource",
            details="Only is null or not is null filters are allowed on embedded resources",
        )

    def _embedded(self, name: str) -> int | None:
        return next((place for place, embed in enumerate(self.embeds) if embed.name == name), None)

    def outputs(self, select: tuple[SelectItem, ...]) -> tuple[Output, ...]:
        """The columns of the answer, without those of embedded tables."""
        if len(select) == 1:
            return tuple(self._outputs(select[0]))
        outputs = [output for item in select for output in self._outputs(item)]
        return tuple(dict.fromkeys(outputs)) if self.profile.validates else tuple(outputs)

    def _outputs(self, item: SelectItem) -> Sequence[Output]:
        match item:
            case Everything():
                return self._everything()
            case Item(Field() as field, alias, None, None):
                return [self._plain(field, alias)]
            case Item():
                return [self._output(item)]
            case _:
                return []

    def _everything(self) -> Sequence[Output]:
        """What ``*`` means: every column; in the native profile those that the role may read."""
        outputs = _columns(self.table)
        readable = self.table.readable.get(self.role) if self.profile.validates and not self.handed else None
        return outputs if readable is None else [output for output in outputs if output.name in readable]

    def _plain(self, field: Field, alias: str | None) -> Output:
        if field == _COUNT and "count" not in self.table.columns and "count" not in self.table.computed:
            return Output(None, alias or "count", aggregate=Aggregate.COUNT)  # as PostgreSQL reads table.count
        return Output(self.operand(field), alias or _name(field))

    def _output(self, item: Item) -> Output:
        if item.aggregate and not self.context.aggregates:
            raise AggregatesOff("Use of aggregate functions is not allowed")
        default = item.aggregate.value if item.aggregate else _name(item.field) if item.field else "count"
        return Output(
            self.operand(item.field) if item.field else None,
            item.alias or default,
            self._type(item.cast),
            item.aggregate,
            self._type(item.aggregate_cast),
        )

    def _type(self, cast: str | None) -> str | None:
        return None if cast is None else find_type(cast, self.context.catalog, self.profile, self.table.name.schema)

    def order(self, terms: tuple[Term, ...]) -> tuple[Sort, ...]:
        """The order, its columns found.

        Raises:
            NotEmbedded: it names a table that is not embedded.
            UnfitOrder: a row may have many rows in that table.
        """
        return tuple(self._sort(term) for term in terms)

    def _sort(self, term: Term) -> Sort:
        if term.related is None:
            return Sort(self.operand(term.field), term.descending, term.nulls_first)
        place = self._embedded(term.related)
        if place is None:
            raise not_embedded(term.related, self.profile)
        embed = self.embeds[place]
        if not embed.relationship.to_one:
            if self.profile.validates:
                raise UnfitOrder(
                    f"A row of {self.table.name.name} may have many rows of {embed.name}: none of them says where it belongs."
                )
            raise UnfitOrder(
                f"A related order on '{embed.name}' is not possible",
                details=f"'{self.table.name.name}' and '{embed.name}' do not form a many-to-one or one-to-one relationship",
            )
        operand, output = self._related_operand(embed, term.field)
        return Sort(operand, term.descending, term.nulls_first, place, output)

    def _related_operand(self, embed: Embed, field: Field) -> tuple[Operand, str | None]:
        """What a name means in the order of the parent: an output of the embedded table, or else a column of it."""
        output = shown(embed.read, field.name)
        if output is None or output.operand is None:
            label = f"{self.table.name.name}_{embed.name}_{self.depth + 1}"
            return Operand(
                readable_column(embed.read.table or self.table, field.name, self.context, label), field.path
            ), None
        changed = output.cast or output.operand.path
        if output.operand.column.representation or (changed and field.path):
            return Operand(output.operand.column, output.operand.path + field.path), None
        return Operand(output.operand.column, field.path), field.name

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


def not_embedded(name: str, profile: Profile, legacy: tuple[str, str] | None = None) -> NotEmbedded:
    """The error for what is said of a table that ``select`` does not name.

    Args:
        name: what it is called.
        profile: how the error is told.
        legacy: the name of an embedded table that is known by an alias, and that alias, where just this is the fault.
    """
    if profile.validates:
        hint = f"Here it is known as {legacy[1]}: write that." if legacy else None
        return NotEmbedded(
            f"{name} is not embedded in this request.",
            hint=hint or f"Name it in select, as in select=*,{name}(*).",
        )
    message = f"'{name}' is not an embedded resource in this request"
    if legacy is None:
        return NotEmbedded(message, hint=f"Verify that '{name}' is included in the 'select' query parameter.")
    return NotEmbedded(
        message,
        details="Target names are not allowed in filters if they have an alias",
        hint=f"Change '{legacy[0]}' to '{legacy[1]}' in filters, orders or limits.",
    )


def _columns(table: Table) -> Sequence[Output]:
    """The table's columns as outputs: made once for as long as the catalog keeps the table."""
    kept = _KEPT.get(id(table))
    if kept is not None and kept[0] is table:
        return kept[1]
    if len(_KEPT) >= _MOST_KEPT:
        _KEPT.clear()
    outputs = tuple(Output(Operand(column), column.name) for column in table.columns.values())
    _KEPT[id(table)] = (table, outputs)
    return outputs


_KEPT: dict[int, tuple[Table, Sequence[Output]]] = {}
_MOST_KEPT = 1000


def shown(read: Read, name: str) -> Output | None:
    """The output of this name, among those of the tables that are spread in it too."""
    found = next((each for each in read.outputs if each.name == name), None)
    if found is not None:
        return found
    for embed in read.embeds:
        for lifted in embed.lifted:
            if lifted.name == name and embed.relationship.to_one:
                return shown(embed.read, lifted.source)
    return None


def _name(field: Field) -> str:
    """The name under which a field is answered: the last key of its path, or else the column's."""
    if not field.path:
        return field.name
    keys = [step.key for step in field.path if isinstance(step.key, str)]
    return keys[-1] if keys else field.name
