"""The ways from table to table: foreign keys, seen from both ends, through junctions, and through views."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from pellucid.database.catalog.found import Row
from pellucid.database.catalog.model import Cardinality, Junction, Relationship, Table, TableName

Names = tuple[str, ...]
Shown = Mapping[tuple[int, int], tuple[int, ...]]
RANK = {
    Cardinality.ONE_TO_MANY: 0,
    Cardinality.MANY_TO_ONE: 1,
    Cardinality.ONE_TO_ONE: 2,
    Cardinality.MANY_TO_MANY: 3,
}
"""The order in which PostgREST lists relationships to the same table."""


class View(NamedTuple):
    """One exposed view: its name, its columns' names by number, and which of them show which column under it."""

    name: TableName
    names: Mapping[int, str]
    shown: Shown


class Places:
    """Where the columns of a key can be seen: in their own table where it is exposed, and in the views over it."""

    def __init__(self, tables: Mapping[int, tuple[TableName, Mapping[int, str]]], views: Sequence[View]) -> None:
        """Prepare it.

        Args:
            tables: the exposed tables by oid, each with its columns' names by number.
            views: the exposed views.
        """
        self._tables = tables
        self._views: dict[int, list[View]] = defaultdict(list)
        for view in views:
            for relation in dict.fromkeys(relation for relation, _ in view.shown):
                self._views[relation].append(view)

    def of(self, relation: int, numbers: Iterable[int]) -> Iterator[tuple[TableName, Names]]:
        """Each table or view that shows all these columns, with the names they have there; once for each way to name them."""
        if (own := self._tables.get(relation)) is not None:
            name, names = own
            yield name, tuple(names[number] for number in numbers)
        for view in self._views.get(relation, ()):
            shown = [_names(view, (relation, number)) for number in numbers]
            for names_there in product(*shown):
                yield view.name, names_there


def _names(view: View, origin: tuple[int, int]) -> list[str]:
    return [view.names[number] for number in view.shown.get(origin, ()) if number in view.names]


def view_keys(keys: Iterable[Row], places: Places, views: Iterable[View]) -> dict[TableName, Names]:
    """The primary keys of views: those of all tables under a view that it shows whole, in the order of the tables in it.

    A key that is shown twice is taken where it is shown first.
    """
    found: dict[TableName, dict[int, Names]] = defaultdict(dict)
    exposed = {view.name: list(view.names.values()) for view in views}
    for key in keys:
        if key["kind"] == "p":
            for name, names in places.of(key["table"], key["columns"]):
                if name in exposed:
                    found[name].setdefault(key["table"], names)
    return {name: _in_order(parts.values(), exposed[name]) for name, parts in found.items()}


def _in_order(parts: Iterable[Names], columns: Sequence[str]) -> Names:
    ordered = sorted(parts, key=lambda part: min(columns.index(name) for name in part))
    return tuple(dict.fromkeys(name for part in ordered for name in part))


def build_relationships(
    keys: Iterable[Row], places: Places, tables: Mapping[TableName, Table], computed: Iterable[Relationship]
) -> dict[TableName, tuple[Relationship, ...]]:
    """All relationships by origin, those that PostgREST knows.

    Args:
        keys: rows of ``pg_constraint``.
        places: where the keys' columns can be seen.
        tables: the exposed ones, views with the primary keys that they show.
        computed: what functions make; one takes the place of what leads to a table of the function's name.
    """
    owned = list(_owned(keys, places))
    found = [*owned, *map(_inverse, owned), *_through_junctions(owned, tables)]
    made = list(computed)
    hidden = {(each.origin, each.function) for each in made}
    ways: dict[TableName, list[Relationship]] = defaultdict(list)
    for each in found:
        if each.origin.schema == each.target.schema and (each.origin, each.target) not in hidden:
            ways[each.origin].append(each)
    for each in made:
        ways[each.origin].append(each)
    return {origin: tuple(sorted(each, key=_order)) if each[1:] else tuple(each) for origin, each in ways.items()}


def _owned(keys: Iterable[Row], places: Places) -> Iterator[Relationship]:
    """From the side that holds the foreign key."""
    keys = list(keys)
    unique: dict[int, set[frozenset[int]]] = defaultdict(set)
    for key in keys:
        if key["kind"] in ("p", "u"):
            unique[key["table"]].add(frozenset(key["columns"]))
    for key in keys:
        if key["kind"] == "f" and not key["inherited"]:
            single = frozenset(key["columns"]) in unique[key["table"]]
            cardinality = Cardinality.ONE_TO_ONE if single else Cardinality.MANY_TO_ONE
            targets = list(places.of(key["target_oid"], key["target_columns"]))
            if targets:
                for (origin, near), (target, far) in product(places.of(key["table"], key["columns"]), targets):
                    columns = tuple(zip(near, far, strict=True))
                    yield Relationship(origin, target, cardinality, key["name"], columns, owner=True)


def _inverse(way: Relationship) -> Relationship:
    single = way.cardinality is Cardinality.ONE_TO_ONE
    cardinality = Cardinality.ONE_TO_ONE if single else Cardinality.ONE_TO_MANY
    return Relationship(way.target, way.origin, cardinality, way.constraint, _swapped(way.columns))


def _through_junctions(owned: Iterable[Relationship], tables: Mapping[TableName, Table]) -> Iterator[Relationship]:
    """Many-to-many: by each table with two foreign keys, the columns of both within its primary key."""
    outward: dict[TableName, list[Relationship]] = defaultdict(list)
    for way in owned:
        if way.cardinality is Cardinality.MANY_TO_ONE:
            outward[way.origin].append(way)
    for junction, ways in outward.items():
        key = set(tables[junction].primary_key)
        inside = [way for way in ways if key.issuperset(near for near, _ in way.columns)]
        for one, other in product(inside, inside):
            if one.constraint != other.constraint:
                yield _many_to_many(junction, one, other)


def _many_to_many(junction: TableName, one: Relationship, other: Relationship) -> Relationship:
    between = Junction(junction, (one.constraint, other.constraint), _swapped(one.columns), other.columns)
    return Relationship(one.target, other.target, Cardinality.MANY_TO_MANY, junction=between)


def _swapped(columns: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((far, near) for near, far in columns)


def _order(way: Relationship) -> tuple[object, ...]:
    """PostgREST's order: by target, kind and key; computed ones last."""
    if way.junction is not None:
        between = way.junction
        far = tuple((target, near) for near, target in between.far)
        details: tuple[object, ...] = (between.table, *between.constraints, between.near, far)
    else:
        details = (way.constraint, way.columns, not way.owner)
    computed = way.function is not None
    return computed, way.function or way.target, way.target, way.reflexive, RANK[way.cardinality], *details
