"""Embedded tables: which relationship each means, and what is said of each in the query."""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from pellucid.database.catalog.model import Privilege, Relationship, Table, TableName
from pellucid.errors import AmbiguousRelationship, NotExposed, UnknownRelationship
from pellucid.rest.grammar.query import Part
from pellucid.rest.grammar.ranges import ALL, Range, parse_range
from pellucid.rest.grammar.select import Related, SelectItem
from pellucid.rest.plan.model import Condition, Embed, Junction, Presence, Read
from pellucid.rest.plan.names import Context, check_exposed, denied
from pellucid.rest.plan.parts import Names, not_embedded
from pellucid.rest.plan.relate import find_relationship
from pellucid.rest.plan.spread import lifted

_NOTHING = Part()


class Said(Struct):
    """What the query says of one embedded table, and of those inside it by their place in its ``select``."""

    part: Part = _NOTHING
    inside: "dict[int, Said]" = field(default_factory=dict)


class Embedder(Struct, frozen=True):
    """Plans the tables embedded in a table, to any depth.

    ``ranged`` tells that limits count: what a write answers has none. ``handed`` tells that a call hands on the rows of the first table.
    """

    context: Context
    ranged: bool
    handed: bool = False

    def embeds(
        self, select: tuple[SelectItem, ...], origin: Table, said: Mapping[int, Said], depth: int = 1
    ) -> tuple[Embed, ...]:
        """The embedded tables of a select list.

        Args:
            select: the list.
            origin: the table that it selects from.
            said: what the query says of each, by its place in the list.
            depth: how deep they are.
        """
        return tuple(
            self._embed(item, origin, said.get(place) or Said(), depth)
            for place, item in enumerate(select)
            if isinstance(item, Related)
        )

    def _embed(self, related: Related, origin: Table, said: Said, depth: int) -> Embed:
        relationship = self._relationship(origin, related, depth)
        target = self._exposed(relationship)
        label = target.name.name if relationship.junction else f"{target.name.name}_{depth}"
        embeds = self.embeds(related.select, target, said.inside, depth + 1)
        names = Names(target, self.context, embeds, depth, label)
        read = completed(
            Read(
                target,
                names.outputs(related.select),
                names.conditions(said.part.conditions),
                names.order(said.part.order),
                self._range(said.part, relationship),
                embeds,
            )
        )
        hidden = _empty(read)
        embed = Embed(related.known_as, read, relationship, bool(related.inner), related.spread and not hidden, hidden)
        return lifted(embed, self.context.profile) if embed.spread else embed

    def _relationship(self, origin: Table, related: Related, depth: int) -> Relationship:
        """The way to the other table; who may not read this one is not told which ways there are from it."""
        try:
            return find_relationship(origin, related, self.context)
        except (UnknownRelationship, AmbiguousRelationship):
            if origin.allows(self.context.role, Privilege.SELECT) or (self.handed and depth == 1):
                raise
            raise denied(origin, self.context) from None

    def _range(self, part: Part, relationship: Relationship) -> Range:
        if not self.ranged:
            return ALL
        strict = self.context.profile.guards
        asked = parse_range(part.limit, part.offset, None, strict=strict) if part.limit or part.offset else ALL
        return asked if relationship.to_one and self.context.most_rows else asked.capped(self.context.most_rows)

    def _exposed(self, relationship: Relationship) -> Table:
        """The table that it leads to, which must be served, and so must the table between."""
        if relationship.junction is not None:
            self._served(relationship.junction.table)
        target = self._served(relationship.target)
        if target is None:
            raise NotExposed(f"The table {'.'.join(relationship.target)} is not served.")
        return target

    def _served(self, name: TableName) -> Table | None:
        table = self.context.catalog.tables.get(name)
        if table is not None:
            check_exposed(table, self.context.role, guarded=self.context.guarded)
        elif self.context.guarded:
            raise NotExposed(
                f"The table {'.'.join(name)} is not served in production, because its schema is not.",
                hint="Serve its schema too, or make a view of it in one that is.",
            )
        return table


def arranged(
    select: tuple[SelectItem, ...], embedded: Mapping[tuple[str, ...], Part], context: Context
) -> dict[int, Said]:
    """Bring what the query says of embedded tables to their places in ``select``.

    Raises:
        NotEmbedded: it speaks of a table that is not embedded.
    """
    said: dict[int, Said] = {}
    for path, part in embedded.items():
        items, inside, here = select, said, Said()
        for name in path:
            place = _place(items, name, context)
            here = inside.setdefault(place, Said())
            item = items[place]
            items, inside = (item.select if isinstance(item, Related) else ()), here.inside
        here.part = _both(here.part, part)
    return said


def _place(items: tuple[SelectItem, ...], name: str, context: Context) -> int:
    """Where the table known by this name stands. PostgREST still knows it by its own name too, where it has an alias."""
    related = [(place, item) for place, item in enumerate(items) if isinstance(item, Related)]
    for place, item in related:
        if name == item.known_as or (context.legacy_target_names and name == item.name):
            return place
    aliased = next((item for _, item in related if item.name == name), None)
    raise not_embedded(name, context.profile, (aliased.name, aliased.known_as) if aliased else None)


def _both(one: Part, other: Part) -> Part:
    if one is _NOTHING:
        return other
    return Part(
        one.conditions + other.conditions,
        one.order or other.order,
        one.limit or other.limit,
        one.offset or other.offset,
    )


def _empty(read: Read) -> bool:
    """Whether nothing is answered of it: it only serves conditions and orders."""
    return not read.outputs and all(embed.hidden for embed in read.embeds)


def completed(read: Read) -> Read:
    """The read, its embeds told which of them its conditions ask about."""
    asked = set(_asked(read.where)) if read.embeds else None
    if not asked:
        return read
    return replace(
        read,
        embeds=tuple(replace(embed, asked=place in asked) for place, embed in enumerate(read.embeds)),
    )


def _asked(conditions: Iterable[Condition]) -> Iterable[int]:
    for condition in conditions:
        match condition:
            case Presence(embed):
                yield embed
            case Junction(_, members):
                yield from _asked(members)
            case _:
                pass
