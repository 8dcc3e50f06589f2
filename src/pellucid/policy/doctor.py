"""All checks, and what they find. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from pellucid.policy.checks import functions, grants, roles, speed, tables, views
from pellucid.policy.facts import Facts
from pellucid.policy.findings import Finding, Severity

Check = Callable[[Facts], Iterable[Finding]]

_CHECKS: tuple[Check, ...] = (
    tables.table_without_rls,
    tables.open_writes,
    tables.unforced_owner,
    tables.rls_without_policy,
    views.view_with_owners_rights,
    views.unguarded_copy,
    functions.open_search_path,
    functions.definer_function,
    grants.columns_in_vain,
    grants.writable_sequence,
    grants.unusable_sequence,
    grants.future_tables,
    roles.bypassing_role,
    roles.powerful_role,
    roles.powerful_login,
    roles.private_schema,
    roles.writable_schema,
    roles.exposed_extension,
    speed.foreign_key_without_index,
    speed.asked_each_row,
)


def _named(check: Check) -> str:
    return getattr(check, "__name__", "").replace("_", "-")


CHECKS: Mapping[str, Check] = MappingProxyType({_named(check): check for check in _CHECKS})
"""Each by its name, the worst first."""

_ORDER = tuple(Severity)


def examine(facts: Facts) -> list[Finding]:
    """Everything that is found: errors first, then warnings, then what is good to know."""
    found = [replace(finding, check=check) for check, finds in CHECKS.items() for finding in finds(facts)]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))
