"""Which relationship an embed means: by the name of the other table, of a foreign key, of a column or of a function, and by a hint."""

from collections.abc import Iterable, Sequence

from pellucid.database.catalog.model import Cardinality, Relationship, Table, TableName
from pellucid.errors import AmbiguousRelationship, Denied, UnknownRelationship
from pellucid.rest.grammar.select import Related
from pellucid.rest.plan.names import Context, denied
from pellucid.rest.plan.similar import most_similar

_LIKENESS = 0.33
_MOST_NAMED = 20
_VIEWS = ("view", "materialized")


def find_relationship(origin: Table, related: Related, context: Context) -> Relationship:
    """The one relationship that the embed means.

    Raises:
        UnknownRelationship: there is none.
        AmbiguousRelationship: there are several.
        Denied: there are several, and the role may see none of them.
    """
    schema = origin.name.schema
    ways = [each for each in context.catalog.relationships.get(origin.name, ()) if each.target.schema == schema]
    fitting = [each for each in ways if each.function and each.function.name == related.name] or [
        each for each in ways if each.function is None and _fits(each, related, context)
    ]
    match fitting:
        case [relationship]:
            return relationship
        case []:
            raise _unknown(origin.name, related, ways, context)
        case _:
            raise _ambiguous(origin.name, related.name, fitting, context)


def _fits(way: Relationship, related: Related, context: Context) -> bool:
    name, hint = related.name, related.hint
    if way.reflexive:
        # One foreign key to the same table is two ways: the rows that point here by the table's name, the row pointed at by the column's.
        many = way.cardinality is Cardinality.ONE_TO_MANY
        if hint is not None:
            return name == way.target.name and many and _far_column(way) == hint
        one = way.cardinality is Cardinality.MANY_TO_ONE
        return (name == way.target.name and many) or (one and _near_column(way) == name)
    if hint is None:
        return name == way.target.name or (name in _names(way) and not _leads_to_view(way, context))
    if name != way.target.name:
        return False
    return (
        hint in _names(way)
        or hint == _far_column(way)
        or (way.junction is not None and hint == way.junction.table.name)
    )


def _names(way: Relationship) -> tuple[str | None, ...]:
    """What a foreign key is known by where it starts, beside the table that it leads to."""
    return () if way.junction else (way.constraint, _near_column(way))


def _near_column(way: Relationship) -> str | None:
    return way.columns[0][0] if len(way.columns) == 1 and not way.junction else None


def _far_column(way: Relationship) -> str | None:
    return way.columns[0][1] if len(way.columns) == 1 and not way.junction else None


def _leads_to_view(way: Relationship, context: Context) -> bool:
    target = context.catalog.tables.get(way.target)
    return target is not None and target.kind in _VIEWS


# -- errors -----------------------------------------------------------------------------------------------------------


def _unknown(
    origin: TableName, related: Related, ways: Sequence[Relationship], context: Context
) -> UnknownRelationship:
    similar = _similar(related.name, ways, context)
    if context.profile.validates:
        return _unknown_plainly(origin, related, ways, similar, context)
    hinted = f"' using the hint '{related.hint}" if related.hint else ""
    return UnknownRelationship(
        f"Could not find a relationship between '{origin.name}' and '{related.name}' in the schema cache",
        details=f"Searched for a foreign key relationship between '{origin.name}' and '{related.name}{hinted}'"
        f" in the schema '{origin.schema}', but no matches were found.",
        hint=f"Perhaps you meant '{similar}' instead of '{related.name}'." if similar else None,
    )


def _unknown_plainly(
    origin: TableName, related: Related, ways: Sequence[Relationship], similar: str | None, context: Context
) -> UnknownRelationship:
    """The same in the native profile's words, which name what can be embedded: of the tables that the role may see."""
    seen = [way for way in ways if _seen_whole(way, context)]
    which = [way for way in seen if way.target.name == related.name]
    if related.hint and which:
        return UnknownRelationship(
            f"{origin.name} and {related.name} are related, but not by {related.hint}.",
            hint=f"Write {_choice(which)}.",
        )
    known = sorted({way.target.name for way in seen})
    hint = f"Did you mean {similar}?" if similar else None
    if known and not hint:
        hint = (
            f"It is related to {', '.join(known[:_MOST_NAMED])}; for another table, add a foreign key between the two."
        )
    return UnknownRelationship(f"No foreign key relates {origin.name} to {related.name}.", hint=hint)


def _choice(ways: Iterable[Relationship]) -> str:
    """These relationships as ``select`` tells them apart."""
    return " or ".join(dict.fromkeys(_written(way) for way in ways))


def _written(way: Relationship) -> str:
    if way.function:
        return way.function.name
    if way.reflexive and not way.junction:
        one = way.cardinality is Cardinality.MANY_TO_ONE
        return (_near_column(way) if one else None) or f"{way.target.name}!{_far_column(way)}"
    return f"{way.target.name}!{way.junction.table.name if way.junction else way.constraint}"


def _similar(name: str, ways: Iterable[Relationship], context: Context) -> str | None:
    """The table that may be meant, where the name is none that is related; only one that the role may see."""
    known = {way.target.name for way in ways if _seen(way.target, context)}
    return most_similar(name, known, _LIKENESS) if name not in known else None


def _ambiguous(
    origin: TableName, name: str, fitting: Iterable[Relationship], context: Context
) -> AmbiguousRelationship | Denied:
    seen = [way for way in fitting if _seen_whole(way, context)]
    target = next(iter(fitting)).target
    if not seen and target in context.catalog.tables:
        return denied(context.catalog.tables[target], context)
    if context.profile.validates:
        return AmbiguousRelationship(
            f"{origin.name} and {name} are related in more than one way.",
            details=[_described(way) for way in seen],
            hint=f"Say which is meant: {_choice(seen)}.",
        )
    ways = ", ".join(
        f"'{way.target.name}!{way.junction.table.name if way.junction else way.constraint}'" for way in seen
    )
    return AmbiguousRelationship(
        f"Could not embed because more than one relationship was found for '{origin.name}' and '{name}'",
        details=[_described(way) for way in seen],
        hint=f"Try changing '{name}' to one of the following: {ways}. Find the desired relationship in the 'details' key.",
    )


def _described(way: Relationship) -> dict[str, str]:
    if way.junction:
        near, far = way.junction.constraints
        columns = _listed(column for _, column in way.junction.near), _listed(column for column, _ in way.junction.far)
        told = f"{way.junction.table.name} using {near}{columns[0]} and {far}{columns[1]}"
    else:
        near_columns, far_columns = _listed(near for near, _ in way.columns), _listed(far for _, far in way.columns)
        told = f"{way.constraint} using {way.origin.name}{near_columns} and {way.target.name}{far_columns}"
    return {
        "cardinality": way.cardinality.value,
        "embedding": f"{way.origin.name} with {way.target.name}",
        "relationship": told,
    }


def _listed(columns: Iterable[str]) -> str:
    return f"({', '.join(columns)})"


def _seen_whole(way: Relationship, context: Context) -> bool:
    """Whether the role may see where it leads, and what is between."""
    return _seen(way.target, context) and (not way.junction or _seen(way.junction.table, context))


def _seen(name: TableName, context: Context) -> bool:
    table = context.catalog.tables.get(name)
    return table is not None and bool(table.privileges.get(context.role))
