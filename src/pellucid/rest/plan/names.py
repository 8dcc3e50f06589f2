"""From the client's names to the catalog's. What is not in the catalog goes no further."""

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import Struct

from pellucid.database.catalog.model import Catalog, Column, Privilege, Table, TableName
from pellucid.database.friendly import Refusal, faults
from pellucid.errors import Denied, NotExposed, StatementRefused, UnknownColumn, UnknownTable
from pellucid.rest.plan.similar import most_similar, same_but_for_a_slip
from pellucid.rest.profile import Profile

_NAMES_TO_SEARCH = 2000
_TABLE_LIKENESS = 0.75
_KINDS = {"view": "view", "materialized": "materialized view", "foreign": "foreign table"}


class Context(Struct, frozen=True):
    """For whom, and against what, a request is judged.

    ``anonymous`` tells that the role is the one of callers who have proved nothing. ``aggregates`` lets rows be taken together.
    ``most_rows`` bounds what any read answers with, embedded rows of one row included. ``guarded`` (production): only what has row level
    security is served. ``legacy_target_names``: filters may speak of an embedded table by its name where it has an alias.
    """

    catalog: Catalog
    profile: Profile
    role: str
    anonymous: bool = False
    aggregates: bool = False
    most_rows: int | None = None
    guarded: bool = False
    legacy_target_names: bool = True


def find_table(catalog: Catalog, name: TableName, role: str, profile: Profile, *, guarded: bool = False) -> Table:
    """The table or view of this name. ``guarded``: it is production that lacks it, where no request makes a table.

    Raises:
        UnknownTable: there is none; the hint names a similar one that the role may see.
    """
    table = catalog.tables.get(name)
    if table is not None:
        return table
    seen = (
        each.name.name
        for each in catalog.tables.values()
        if each.name.schema == name.schema and each.privileges.get(role)
    )
    similar = most_similar(name.name, _some(seen), _TABLE_LIKENESS)
    if not profile.validates:
        raise UnknownTable(
            f"Could not find the table '{name.schema}.{name.name}' in the schema cache",
            hint=f"Perhaps you meant the table '{name.schema}.{similar}'" if similar else None,
        )
    listed = "The tables are listed in /docs" + ("." if guarded else "; a POST makes a new one in development.")
    raise UnknownTable(f"There is no table {name.name}.", hint=f"Did you mean {similar}?" if similar else listed)


def check_exposed(table: Table, role: str, *, guarded: bool) -> None:
    """Refuse a table that is not served.

    Raises:
        NotExposed: it has no row level security where everything must have it.
    """
    if is_exposed(table, role, guarded=guarded):
        return
    name = ".".join(table.name)
    if table.kind in ("view", "materialized", "foreign"):
        raise NotExposed(
            f"{name} is not served in production, because it may show rows that row level security hides.",
            hint="Serve a view with security_invoker: CREATE VIEW … WITH (security_invoker = true) AS …",
        )
    raise NotExposed(
        f"The table {name} is not served in production, because row level security is off on it.",
        hint=f"Switch it on (ALTER TABLE {name} ENABLE ROW LEVEL SECURITY) and write a policy that says who may do what.",
    )


def is_exposed(table: Table, role: str, *, guarded: bool) -> bool:
    """Whether the table is served: where everything is guarded (production), only with row level security, or to a role made to see all."""
    return not guarded or table.row_security or table.security_invoker or role == "service_role"


def readable_column(table: Table, name: str, context: Context, label: str, *, handed: bool = False) -> Column:
    """The column of this name, plain or computed, for reading it.

    Where a role may not read all of a table, a column that is not there is told apart by nothing from one that the role may not read:
    otherwise one could find out the names of columns by asking.

    Args:
        table: where to look.
        name: as the client writes it.
        context: who asks.
        label: what PostgreSQL would call the table in its error.
        handed: whether a call hands the rows on, so that no privilege on the table counts.

    Raises:
        UnknownColumn, StatementRefused: there is none (each profile says it in its own way).
        Denied: there is none, or the role may not see it.
    """
    column = table.columns.get(name) or table.computed.get(name)
    if column is not None:
        return column
    if not handed and (not table.allows(context.role, Privilege.SELECT) or context.role in table.readable):
        raise denied(table, context)
    raise _unknown(table, name, label, context.profile, table.columns)


def find_column(table: Table, name: str, profile: Profile, role: str) -> Column:
    """The column of this name, for writing to it.

    Raises:
        UnknownColumn, StatementRefused: there is none (each profile says it in its own way).
        Denied: the role may not see the table, so it is not told what is in it.
    """
    column = table.columns.get(name)
    if column is not None:
        return column
    if not table.privileges.get(role):
        raise denied(table, None)
    raise _unknown(table, name, table.name.name, profile, seen_columns(table, role))


def seen_columns(table: Table, role: str) -> tuple[str, ...]:
    """The names of the columns that a role may read, and so may be told, in the table's order."""
    if not table.allows(role, Privilege.SELECT):
        return ()
    readable = table.readable.get(role)
    return tuple(name for name in table.columns if readable is None or name in readable)


def denied(table: Table, context: Context | None) -> Denied:
    """What PostgreSQL answers when the role may not do what is asked with the table."""
    anonymous = context is not None and context.anonymous
    message = f"permission denied for {_KINDS.get(table.kind, 'table')} {table.name.name}"
    error = Denied(
        message,
        sqlstate="42501",
        faults=faults(Refusal("42501", message), Denied, anonymous=anonymous),
        headers={"WWW-Authenticate": "Bearer"} if anonymous else None,
        postgrest_status=401 if anonymous else 403,
    )
    if anonymous:
        error.status = 401
    return error


def closest(name: str, names: Iterable[str]) -> str | None:
    """The most similar of the names, if one is similar enough."""
    return next(iter(get_close_matches(name, _some(names), n=1, cutoff=0.75)), None)


def _unknown(
    table: Table, name: str, label: str, profile: Profile, known: Iterable[str]
) -> UnknownColumn | StatementRefused:
    if profile.validates:
        similar = closest(name, known)
        return UnknownColumn(
            f"The table {table.name.name} has no column {name}.",
            hint=f"Did you mean {similar}?" if similar else "The table's columns are listed in /docs.",
        )
    meant = " or the column ".join(f'"{label}.{each}"' for each in same_but_for_a_slip(name, known))
    return StatementRefused(
        f"column {label}.{name} does not exist",
        sqlstate="42703",
        hint=f"Perhaps you meant to reference the column {meant}." if meant else None,
    )


def _some(names: Iterable[str]) -> list[str]:
    return [name for name, _ in zip(names, range(_NAMES_TO_SEARCH), strict=False)]
