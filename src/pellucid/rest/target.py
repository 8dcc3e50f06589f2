"""What a request names, and against what it is judged."""

from functools import partial

from msgspec.structs import replace

from pellucid.database.catalog.model import Catalog, Function, Table
from pellucid.rest.options import DataOptions
from pellucid.rest.plan.functions import find_function
from pellucid.rest.plan.names import Context, check_exposed, find_table, is_exposed
from pellucid.rest.profile import POSTGREST, Profile
from pellucid.rest.request import Envelope, RestRequest, parse_request
from pellucid.web.identity import Identity


def parsed(envelope: Envelope, profile: Profile, options: DataOptions) -> RestRequest:
    """The request, read as the options say.

    Raises:
        RequestError: it cannot be understood.
    """
    root = options.root_spec.name if options.root_spec and profile is POSTGREST else None
    return parse_request(envelope, profile, options.schemas, options.max_rows, root)


def context_of(
    catalog: Catalog,
    profile: Profile,
    identity: Identity,
    options: DataOptions,
    *,
    guarded: bool,
    anonymous: bool = False,
) -> Context:
    """For whom and against what a request is judged. ``guarded`` is for production: only what has row level security is served.

    ``anonymous`` tells that the role is the one of callers without a token.
    """
    return Context(
        catalog,
        profile,
        identity.role,
        anonymous,
        aggregates=options.aggregates,
        most_rows=options.max_rows,
        guarded=guarded,
        legacy_target_names=options.legacy_target_names,
    )


def find_target(asked: RestRequest, context: Context) -> Table | Function:
    """The table or the function that a request names.

    Raises:
        SchemaError: there is none, or it is not served.
    """
    if asked.call:
        return find_function(asked, context)
    find = partial(find_table, name=asked.name, role=context.role, profile=context.profile, guarded=context.guarded)
    table = find(context.catalog)
    if not table.privileges.get(context.role) and not is_exposed(table, context.role, guarded=context.guarded):
        return find(_without(context.catalog, table))
    check_exposed(table, context.role, guarded=context.guarded)
    return table


def _without(catalog: Catalog, table: Table) -> Catalog:
    """The catalog as one sees it who may not know of the table."""
    return replace(catalog, tables={name: each for name, each in catalog.tables.items() if each is not table})
