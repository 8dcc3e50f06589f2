"""Who may do what with a table, as PostgreSQL decides it (PostgreSQL, 5.8 and 5.9). Pure."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from pellucid.database.catalog.model import Privilege, Table, TableName
from pellucid.policy.facts import PUBLIC, Facts, Guard, Policy, Role

VIEWS = ("view", "materialized", "foreign")
"""Kinds that no row level security can be set on."""


class Reach(StrEnum):
    """How far a right goes."""

    NONE = "no grant"
    ALL = "every row"
    """Row level security is off."""
    PASSES = "every row, by right"
    """The role is not held by row level security: BYPASSRLS, a superuser, or the owner of a table without FORCE."""
    POLICIES = "by policy"
    NOTHING = "no row"
    """The grant is there, and no policy lets anything through."""
    INVOKER = "as the caller"
    """A view that reads its tables with the rights of whoever asks."""
    DEFINER = "as the owner"
    """A view that reads its tables with the rights of its owner, or a copy of them."""


class Access(Struct, frozen=True):
    """What one role may do with one table. ``columns`` are those it is granted, empty where it is the whole table."""

    table: TableName
    role: str
    privilege: Privilege
    reach: Reach
    policies: tuple[Policy, ...] = ()
    columns: tuple[str, ...] = ()


def accesses(facts: Facts, table: Table) -> Iterator[Access]:
    """Every role and every privilege on a table."""
    for role in facts.roles.values():
        for privilege in Privilege:
            yield access(facts, table, role, privilege)


def access(facts: Facts, table: Table, role: Role, privilege: Privilege) -> Access:
    """What a role may do."""
    guard = facts.guards[table.name]
    columns = granted(facts, table, role, privilege)
    if columns is None:
        return Access(table.name, role.name, privilege, Reach.NONE)
    policies = applying(guard, role, privilege)
    reach = _reach(table, guard, role, policies)
    return Access(table.name, role.name, privilege, reach, policies if reach is Reach.POLICIES else (), columns)


def granted(facts: Facts, table: Table, role: Role, privilege: Privilege) -> tuple[str, ...] | None:
    """The columns a role may use; an empty tuple for all of them, None where it has no right at all."""
    if not table.allows(role.name, privilege):
        return None
    mine = [grant for grant in facts.guards[table.name].grants if _is_for(grant.grantee, role)]
    columns = tuple(dict.fromkeys(each.column for each in mine if each.privilege is privilege and each.column))
    whole = any(each.privilege is privilege and each.column is None for each in mine)
    return () if whole or not columns else columns


def applying(guard: Guard, role: Role, privilege: Privilege) -> tuple[Policy, ...]:
    """The policies that hold a role, those that let rows through first."""
    mine = [
        policy
        for policy in guard.policies
        if privilege in policy.commands and any(_is_for(name, role) for name in policy.roles)
    ]
    return tuple(sorted(mine, key=lambda policy: not policy.permissive))


def passes(guard: Guard, role: Role) -> bool:
    """Whether row level security does not hold a role on this table."""
    return role.unbound or (guard.owner in role.held and not guard.forced)


def reachable_by(facts: Facts, table: Table) -> tuple[Role, ...]:
    """The roles with a grant on a table that row level security would hold."""
    return tuple(role for role in facts.bound if table.privileges.get(role.name))


def _reach(table: Table, guard: Guard, role: Role, policies: tuple[Policy, ...]) -> Reach:
    if table.kind in VIEWS:
        return Reach.INVOKER if table.security_invoker else Reach.DEFINER
    if not table.row_security:
        return Reach.ALL
    if passes(guard, role):
        return Reach.PASSES
    return Reach.POLICIES if any(policy.permissive for policy in policies) else Reach.NOTHING


def _is_for(grantee: str, role: Role) -> bool:
    return grantee == PUBLIC or grantee in role.held
