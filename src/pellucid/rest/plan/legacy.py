"""Embedded tables that a query speaks of by their name although they have an alias: it works, and its days are counted."""

from collections.abc import Iterator

from pellucid.rest.grammar.query import Query
from pellucid.rest.grammar.select import Related, SelectItem


def legacy_names(query: Query) -> tuple[tuple[str, str], ...]:
    """The names so used, each with the alias that should be used."""
    return tuple(dict.fromkeys(pair for path in query.embedded for pair in _along(query.select, path)))


def _along(select: tuple[SelectItem, ...], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name in path:
        related = [item for item in select if isinstance(item, Related)]
        item = next((each for each in related if name in (each.known_as, each.name)), None)
        if item is None:
            return
        if item.alias is not None and name != item.alias:
            yield item.name, item.alias
        select = item.select
