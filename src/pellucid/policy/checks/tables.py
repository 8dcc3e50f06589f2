"""Tables: row level security, and the policies on them."""

from collections.abc import Iterator, Mapping

from pellucid.database.catalog.model import Privilege, Table
from pellucid.policy.access import VIEWS, applying, granted, passes, reachable_by
from pellucid.policy.facts import Facts, Policy, Role
from pellucid.policy.findings import Finding, Severity, listed, shown
from pellucid.policy.presets import DEVELOPMENT
from pellucid.policy.quoting import name, relation, roles

WRITES = (Privilege.INSERT, Privilege.UPDATE, Privilege.DELETE)


def table_without_rls(facts: Facts) -> Iterator[Finding]:
    """A table that requests reach and that has no row level security: a grant alone opens every row."""
    for table in _tables(facts):
        takers = [role.name for role in facts.roles.values() if table.privileges.get(role.name)]
        if table.row_security or not takers:
            continue
        held = [role.name for role in reachable_by(facts, table)]
        idle = f" Without effect: {', '.join(table.policies)}." if table.policies else ""
        yield Finding(
            Severity.ERROR if held else Severity.WARNING,
            shown(table.name),
            f"Row level security is off, so {listed(held or takers)} may reach every row; production does not serve it.{idle}",
            f"alter table {relation(table.name)} enable row level security",
        )


def rls_without_policy(facts: Facts) -> Iterator[Finding]:
    """A table with grants and row level security, and no policy: its rows are hidden from everybody."""
    for table in _tables(facts):
        held = [role for role in reachable_by(facts, table) if not passes(facts.guards[table.name], role)]
        if not table.row_security or not held or any(_admitted(facts, table, role) for role in held):
            continue
        yield Finding(
            Severity.INFO,
            shown(table.name),
            f"No policy lets a row through, so the grants of {listed(role.name for role in held)} show and change nothing.",
            hint=f"pellucid policy add {table.name.name} public-read, owner or tenant; or nobody, which takes the grants back",
        )


def open_writes(facts: Facts) -> Iterator[Finding]:
    """A policy that lets anybody change any row: its condition is just ``true``."""
    for table in _tables(facts):
        if not table.row_security:
            continue
        for policy in facts.guards[table.name].policies:
            open_to = {each: _opened(facts, table, policy, each) for each in WRITES}
            if any(open_to.values()):
                yield _open_policy(facts, table, policy, open_to)


def unforced_owner(facts: Facts) -> Iterator[Finding]:
    """A table that belongs to a role which requests may take: policies do not hold its owner."""
    for table in _tables(facts):
        guard = facts.guards[table.name]
        owners = [role.name for role in facts.bound if guard.owner in role.held]
        if owners and not guard.forced and table.row_security:
            yield Finding(
                Severity.ERROR,
                shown(table.name),
                f"Requests may take the role {listed(owners)}, which owns the table, so its policies do not hold them.",
                f"alter table {relation(table.name)} force row level security",
            )


def _open_policy(facts: Facts, table: Table, policy: Policy, open_to: Mapping[Privilege, list[str]]) -> Finding:
    takers = list(dict.fromkeys(role for roles in open_to.values() for role in roles))
    writes = listed(command.value for command, roles in open_to.items() if roles)
    dropped = f"drop policy {name(policy.name)} on {relation(table.name)}"
    reads = Privilege.SELECT in policy.commands and policy.using == "true" and policy.name != DEVELOPMENT
    kept = (
        f"create policy {name(policy.name)} on {relation(table.name)} for select to {roles(policy.roles)} using (true)"
    )
    opened = (
        "Development mode left it open" if policy.name == DEVELOPMENT else f'The policy "{policy.name}" is always true'
    )
    return Finding(
        Severity.ERROR if facts.scope.anon in takers else Severity.WARNING,
        shown(table.name),
        f"{opened}: {listed(takers)} may {writes} any row.",
        f"{dropped};\n{kept}" if reads else dropped,
    )


def _opened(facts: Facts, table: Table, policy: Policy, command: Privilege) -> list[str]:
    """The roles that a policy by itself lets do this with any row."""
    if not policy.permissive or command not in policy.commands or policy.picks(command) != "true":
        return []
    return [role.name for role in facts.bound if _is_open_to(facts, table, role, policy, command)]


def _is_open_to(facts: Facts, table: Table, role: Role, policy: Policy, command: Privilege) -> bool:
    guard = facts.guards[table.name]
    held = applying(guard, role, command)
    narrowed = any(not each.permissive for each in held)
    return (
        policy in held and not narrowed and not passes(guard, role) and granted(facts, table, role, command) is not None
    )


def _admitted(facts: Facts, table: Table, role: Role) -> bool:
    guard = facts.guards[table.name]
    return any(policy.permissive for privilege in Privilege for policy in applying(guard, role, privilege))


def _tables(facts: Facts) -> Iterator[Table]:
    return (table for table in facts.tables if table.kind not in VIEWS)
