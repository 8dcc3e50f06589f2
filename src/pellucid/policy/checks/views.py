"""Views and the like, which may show what row level security hides."""

from collections.abc import Iterator

from pellucid.database.catalog.model import Table
from pellucid.policy.access import reachable_by
from pellucid.policy.facts import Facts
from pellucid.policy.findings import Finding, Severity, listed, shown
from pellucid.policy.quoting import relation, roles

COPIES = {"materialized": "A materialized view", "foreign": "A foreign table"}


def view_with_owners_rights(facts: Facts) -> Iterator[Finding]:
    """A view without ``security_invoker``: it reads its tables with the rights of its owner, whoever asks."""
    for view, takers in _reached(facts):
        if view.kind == "view" and not view.security_invoker:
            yield Finding(
                _severity(facts, view),
                shown(view.name),
                f"It reads {_beneath(facts, view)} with the rights of {facts.guards[view.name].owner}, for {listed(takers)}; "
                "production does not serve it.",
                f"alter view {relation(view.name)} set (security_invoker = true)",
            )


def unguarded_copy(facts: Facts) -> Iterator[Finding]:
    """A materialized view or foreign table in the API: no row level security can be set on it."""
    for view, takers in _reached(facts):
        if view.kind in COPIES:
            yield Finding(
                _severity(facts, view),
                shown(view.name),
                f"{COPIES[view.kind]} knows no row level security, and {listed(takers)} may read it; production does not serve it.",
                f"revoke all on {relation(view.name)} from {roles(('public', *takers))}",
            )


def _reached(facts: Facts) -> Iterator[tuple[Table, list[str]]]:
    for table in facts.tables:
        takers = [role.name for role in reachable_by(facts, table)]
        if takers:
            yield table, takers


def _severity(facts: Facts, view: Table) -> Severity:
    """It is an error where something beneath has rules that are passed by."""
    return Severity.ERROR if any(facts.guards[view.name].reads.values()) else Severity.WARNING


def _beneath(facts: Facts, view: Table) -> str:
    reads = facts.guards[view.name].reads
    return (
        listed([shown(table) for table, guarded in reads.items() if guarded] or map(shown, reads)) if reads else "data"
    )
