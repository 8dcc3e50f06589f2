"""All checks, and what they find. Pure."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from pellucid.policy.checks import functions, grants, roles, speed, tables, views
from pellucid.policy.facts import Facts
from pellucid.policy.findings import Finding, Severity

Check = Callable[[Facts], Iterable[Finding]]

_ERROR, _WARNING, _INFO = Severity

_CHECKS: tuple[tuple[Check, tuple[Severity, ...]], ...] = (
    (tables.table_without_rls, (_ERROR, _WARNING)),
    (tables.open_writes, (_ERROR, _WARNING)),
    (tables.unforced_owner, (_ERROR,)),
    (tables.rls_without_policy, (_INFO,)),
    (views.view_with_owners_rights, (_ERROR, _WARNING)),
    (views.unguarded_copy, (_ERROR, _WARNING)),
    (functions.open_search_path, (_ERROR, _INFO)),
    (functions.definer_function, (_WARNING,)),
    (grants.columns_in_vain, (_WARNING,)),
    (grants.writable_sequence, (_WARNING,)),
    (grants.unusable_sequence, (_WARNING,)),
    (grants.future_tables, (_WARNING,)),
    (roles.bypassing_role, (_ERROR,)),
    (roles.powerful_role, (_ERROR,)),
    (roles.powerful_login, (_WARNING,)),
    (roles.private_schema, (_ERROR,)),
    (roles.writable_schema, (_ERROR,)),
    (roles.exposed_extension, (_WARNING,)),
    (speed.foreign_key_without_index, (_INFO,)),
    (speed.asked_each_row, (_INFO,)),
)


def _named(check: Check) -> str:
    return getattr(check, "__name__", "").replace("_", "-")


CHECKS: Mapping[str, Check] = MappingProxyType({_named(check): check for check, _ in _CHECKS})
"""Each by its name, the worst first."""

SEVERITIES: Mapping[str, tuple[Severity, ...]] = MappingProxyType({_named(check): each for check, each in _CHECKS})
"""How bad what it finds can be."""

_ORDER = tuple(Severity)


def examine(facts: Facts) -> list[Finding]:
    """Everything that is found: errors first, then warnings, then what is good to know."""
    found = [replace(finding, check=check) for check, finds in CHECKS.items() for finding in finds(facts)]
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))
