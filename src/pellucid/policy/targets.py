"""Finds the tables and columns that a preset is about, and says what is wrong with them. Pure."""

import re
from collections.abc import Iterable

from msgspec import Struct

from pellucid.database.catalog.model import Catalog, Column, Table, TableName
from pellucid.policy.access import VIEWS
from pellucid.policy.facts import Facts
from pellucid.policy.quoting import name, relation
from pellucid.policy.refusal import Refusal, nearest

ACCOUNTS = TableName("auth", "users")
OWNERS = (
    "owner",
    "owner_id",
    "user_id",
    "user",
    "account_id",
    "account",
    "author_id",
    "author",
    "created_by",
    "profile_id",
)
"""Names that a column of the account goes by, the likeliest first."""

TENANTS = ("tenant_id", "tenant", "organization_id", "organisation_id", "org_id", "team_id", "workspace_id", "group_id")
"""Names that a column of the tenant goes by."""

_ALIKE = dict.fromkeys(("int2", "int4", "int8"), "integer") | dict.fromkeys(("text", "varchar"), "text")
"""Types that an index compares with one another, by the name of their kind."""

_VIA = re.compile(r"(?P<table>[^()]+?)\s*(?:\(\s*(?P<tenant>[^(),]+?)\s*,\s*(?P<user>[^(),]+?)\s*\))?")


class Via(Struct, frozen=True):
    """A membership table as it was written: ``members(tenant_id,user_id)``; the columns are None where they are to be found."""

    table: str
    tenant: str | None = None
    user: str | None = None

    @property
    def schema(self) -> str | None:
        """The schema that stands before it."""
        schema, dot, _ = self.table.partition(".")
        return schema if dot else None


class Membership(Struct, frozen=True):
    """A membership table and its two columns."""

    table: Table
    tenant: str
    user: str


def read_via(text: str) -> Via:
    """What ``--via`` says.

    Raises:
        Refusal: it is not written like ``members(tenant_id,user_id)``.
    """
    found = _VIA.fullmatch(text.strip())
    if found is None:
        raise Refusal(
            f"--via {text} cannot be read", hint="write the table and its two columns: members(tenant_id,user_id)"
        )
    return Via(found["table"], found["tenant"], found["user"])


def find_table(catalog: Catalog, text: str) -> Table:
    """The table or view of this name, with its schema before it or without.

    Raises:
        Refusal: there is none.
    """
    schema, _, bare = text.partition(".")
    for candidate in (*(TableName(each, text) for each in catalog.schemas), TableName(schema, bare)):
        if candidate in catalog.tables:
            return catalog.tables[candidate]
    known = {each.name: each for each in catalog.tables} | {".".join(each): each for each in catalog.tables}
    raise Refusal(
        f"there is no table {text} in {', '.join(catalog.schemas)}",
        hint=nearest(
            text, known, "pellucid policy list shows those there are; the setting schemas names the exposed schemas"
        ),
    )


def ruled(table: Table) -> Table:
    """The same, where row level security can be set on it.

    Raises:
        Refusal: it is a view or the like.
    """
    if table.kind not in VIEWS:
        return table
    shown = relation(table.name)
    way_out = (
        f"let it ask with the caller's rights, so that the policies of its tables hold: alter view {shown} set (security_invoker = true)"
        if table.kind == "view"
        else f"take it out of the API: revoke all on {shown} from anon, authenticated"
    )
    kind = {"materialized": "materialized view", "foreign": "foreign table"}.get(table.kind, table.kind)
    raise Refusal(f"{'.'.join(table.name)} is a {kind}, and row level security is for tables", hint=way_out)


def find_column(table: Table, text: str) -> Column:
    """The column of this name.

    Raises:
        Refusal: there is none.
    """
    column = table.columns.get(text)
    if column is None:
        raise Refusal(
            f"the table {'.'.join(table.name)} has no column {text}",
            hint=nearest(text, table.columns, f"its columns are {', '.join(table.columns)}"),
        )
    return column


def account_column(table: Table, asked: str | None) -> str:
    """The column that holds whose row it is: a UUID.

    Args:
        table: where to look.
        asked: its name; None to find it, by its foreign key to the accounts or else by its name.

    Raises:
        Refusal: there is none, several, or it is not a UUID.
    """
    if asked is None:
        return _found(table, "owner", [name for name in referring(table, ACCOUNTS) if _is_uuid(table, name)], OWNERS)
    if not _is_uuid(table, find_column(table, asked).name):
        raise _not_uuid(table, asked)
    return asked


def tenant_column(table: Table, asked: str | None) -> str:
    """The column that holds the tenant.

    Raises:
        Refusal: there is none, or several.
    """
    return _found(table, "tenant", [], TENANTS) if asked is None else find_column(table, asked).name


def find_membership(facts: Facts, table: Table, tenant: str, via: Via | None) -> Membership:
    """The table that says who is a member of which tenant.

    Args:
        facts: where to look.
        table: the one that the members are to see.
        tenant: its column.
        via: which it is; None to find the one that refers to the same tenants and to the accounts.

    Raises:
        Refusal: there is none, several, or its columns do not fit.
    """
    members = _sought(facts, table, tenant) if via is None else ruled(find_table(facts.catalog, via.table))
    if members.name == table.name:
        raise Refusal(
            f"{'.'.join(table.name)} is the membership table itself, and a policy on it that reads it would never end",
            hint=f"let members see their own memberships: pellucid policy add {table.name.name} owner --may select",
        )
    user = account_column(members, via.user if via else None)
    held = via.tenant if via and via.tenant else _tenant_of(members, table, tenant)
    own, theirs = table.columns[tenant], find_column(members, held)
    if not _comparable(own, theirs):
        raise Refusal(
            f"{table.name.name}.{tenant} is {own.type}, and {members.name.name}.{held} is {theirs.type}",
            hint="give both columns the same type, or name others with --column and --via",
        )
    return Membership(members, held, user)


def referring(table: Table, target: TableName) -> list[str]:
    """The columns that refer to a table by themselves."""
    return [key.columns[0] for key in table.foreign_keys if key.target == target and len(key.columns) == 1]


def _sought(facts: Facts, table: Table, tenant: str) -> Table:
    targets = _targets(table, tenant)
    found = [
        each
        for each in facts.catalog.tables.values()
        if each.name != table.name
        and referring(each, ACCOUNTS)
        and any(key.target in targets for key in each.foreign_keys)
    ]
    if len(found) == 1:
        return found[0]
    raise Refusal(
        f"it is not clear which table says who is a member: {', '.join('.'.join(each.name) for each in found)}"
        if found
        else "no table was found that says who is a member",
        hint="name it with its columns of the tenant and of the account: --via 'members(tenant_id,user_id)'",
    )


def _targets(table: Table, tenant: str) -> set[TableName]:
    """The tables of tenants: what the column refers to, or the table itself by its key."""
    referred = {key.target for key in table.foreign_keys if key.columns == (tenant,)}
    return referred | ({table.name} if table.primary_key == (tenant,) else set())


def _tenant_of(members: Table, table: Table, tenant: str) -> str:
    targets = _targets(table, tenant)
    found = [key.columns[0] for key in members.foreign_keys if key.target in targets and len(key.columns) == 1]
    if len(found) == 1:
        return found[0]
    return _found(members, "tenant", found, (tenant, *TENANTS))


def _found(table: Table, what: str, referring: list[str], usual: Iterable[str]) -> str:
    """The one column that refers to what is meant, or that is called as is usual."""
    if len(referring) == 1:
        return referring[0]
    fitting = [each for each in usual if each in (referring or table.columns)]
    if what == "owner" and not referring:
        fitting = [each for each in fitting if _is_uuid(table, each)] or fitting
    if fitting:
        if what == "owner" and not _is_uuid(table, fitting[0]):
            raise _not_uuid(table, fitting[0])
        return fitting[0]
    raise Refusal(
        f"it is not clear which column of {'.'.join(table.name)} holds the {what}",
        hint=f"name it with --column: {', '.join(referring or table.columns)}; or add one: {_addition(table, what)}",
    )


def _addition(table: Table, what: str) -> str:
    column = "owner uuid default auth.uid()" if what == "owner" else "tenant_id uuid"
    return f"alter table {relation(table.name)} add column {column}"


def _comparable(one: Column, other: Column) -> bool:
    return (_ALIKE.get(one.base, one.base), one.array) == (_ALIKE.get(other.base, other.base), other.array)


def _is_uuid(table: Table, column: str) -> bool:
    found = table.columns[column]
    return found.base == "uuid" and not found.array


def _not_uuid(table: Table, column: str) -> Refusal:
    shown = name(column)
    return Refusal(
        f"{'.'.join(table.name)}.{column} is {table.columns[column].type}, and the id of an account is a uuid",
        hint=f"choose another with --column, or: alter table {relation(table.name)} alter column {shown} type uuid using {shown}::uuid",
    )
