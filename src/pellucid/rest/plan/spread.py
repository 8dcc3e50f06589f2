"""Spread tables: their columns stand among those of the row they belong to, and their aggregates are made there."""

from msgspec.structs import replace

from pellucid.errors import NotImplementedYet
from pellucid.rest.plan.model import Embed, Lifted
from pellucid.rest.profile import Profile


def lifted(embed: Embed, profile: Profile) -> Embed:
    """The spread table with its columns lifted out of it.

    Where a row has one row of it at most, an aggregate in it would have nothing to take together: it is made of the rows that it is
    spread among, and what is spread there is the bare value.

    Raises:
        NotImplementedYet: a row may have many rows of it, and one of its columns is an aggregate.
    """
    columns = _columns(embed)
    if not any(column.aggregate for column in columns):
        return replace(embed, lifted=columns)
    if not embed.relationship.to_one:
        if profile.validates:
            raise NotImplementedYet(
                f"{embed.name} is spread as lists, and no aggregate is made of its rows.",
                hint=f"Leave out the dots: select={embed.name}(count()), for example.",
            )
        raise NotImplementedYet(
            "Feature not implemented",
            details="Aggregates are not implemented for one-to-many or many-to-many spreads.",
        )
    outputs = tuple(replace(output, aggregate=None, aggregate_cast=None) for output in embed.read.outputs)
    embeds = tuple(_bare(inner) for inner in embed.read.embeds)
    return replace(embed, read=replace(embed.read, outputs=outputs, embeds=embeds), lifted=columns)


def _columns(embed: Embed) -> tuple[Lifted, ...]:
    columns = [
        Lifted(output.name, output.name, output.aggregate, output.aggregate_cast) for output in embed.read.outputs
    ]
    for inner in embed.read.embeds:
        if inner.spread:
            columns += [replace(column, source=column.name) for column in inner.lifted]
        elif not inner.hidden:
            columns.append(Lifted(inner.name, inner.name))
    return tuple(columns)


def _bare(embed: Embed) -> Embed:
    return replace(embed, lifted=tuple(replace(column, aggregate=None, aggregate_cast=None) for column in embed.lifted))
