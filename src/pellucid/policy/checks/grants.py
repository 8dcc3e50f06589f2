"""Grants that give more than they seem to, or less."""

from collections.abc import Iterator

from pellucid.database.catalog.model import Privilege, Table
from pellucid.policy.facts import PUBLIC, Facts, Grant, Role
from pellucid.policy.findings import Finding, Severity, listed, shown
from pellucid.policy.quoting import name, names, relation, roles


def columns_in_vain(facts: Facts) -> Iterator[Finding]:
    """A grant on some columns beside a grant on the whole table: it limits nothing."""
    for table in facts.tables:
        for role in facts.bound:
            for privilege in Privilege:
                yield from _in_vain(facts, table, role, privilege)


def writable_sequence(facts: Facts) -> Iterator[Finding]:
    """A sequence that requests may set back: ids would be given twice."""
    for sequence in facts.sequences:
        setters = [role.name for role in facts.bound if role.name in sequence.writable_by]
        if setters and _in_scope(facts, sequence.name.schema):
            yield Finding(
                Severity.WARNING,
                shown(sequence.name),
                f"{listed(setters)} may set the sequence to any number, so ids could come twice.",
                f"revoke update on sequence {relation(sequence.name)} from {roles((PUBLIC, *setters))}",
            )


def unusable_sequence(facts: Facts) -> Iterator[Finding]:
    """A right to insert without the right to draw from the sequence of a ``serial`` column: inserting fails."""
    for sequence in facts.sequences:
        if sequence.serves is None or sequence.identity or not _in_scope(facts, sequence.name.schema):
            continue
        table = facts.catalog.tables.get(sequence.serves[0])
        unable = [
            role.name
            for role in facts.roles.values()
            if table and table.allows(role.name, Privilege.INSERT) and role.name not in sequence.usable_by
        ]
        if unable:
            yield Finding(
                Severity.WARNING,
                shown(sequence.name),
                f"{listed(unable)} may insert into {shown(sequence.serves[0])}, but not draw its {sequence.serves[1]} from here.",
                f"grant usage on sequence {relation(sequence.name)} to {roles(unable)}",
            )


def future_tables(facts: Facts) -> Iterator[Finding]:
    """Default privileges that open every table to come before it has any rule."""
    takers = {role.name for role in facts.bound} | {PUBLIC}
    for future in facts.futures:
        if future.grantee not in takers:
            continue
        within = f" in schema {name(future.schema)}" if future.schema else ""
        yield Finding(
            Severity.WARNING,
            future.schema or "every schema",
            f"Tables that {future.owner} will make are open to {future.grantee} from the start.",
            f"alter default privileges for role {name(future.owner)}{within} revoke all on tables from {roles((future.grantee,))}",
        )


def _in_vain(facts: Facts, table: Table, role: Role, privilege: Privilege) -> Iterator[Finding]:
    guard = facts.guards[table.name]
    mine = [each for each in guard.grants if each.privilege is privilege and each.grantee in (role.name, PUBLIC)]
    columns = [each.column for each in mine if each.column and each.grantee == role.name]
    whole = _grantees(mine)
    if columns and whole and guard.owner != role.name:
        yield Finding(
            Severity.WARNING,
            shown(table.name),
            f"{role.name} is granted {privilege} on {listed(columns)}, which limits nothing: {listed(whole)} has it on the whole table.",
            f"revoke {privilege} on {relation(table.name)} from {roles(whole)};\n"
            f"grant {privilege} ({names(columns)}) on {relation(table.name)} to {name(role.name)}",
        )


def _grantees(grants: list[Grant]) -> list[str]:
    return list(dict.fromkeys(each.grantee for each in grants if each.column is None))


def _in_scope(facts: Facts, schema: str) -> bool:
    return schema in facts.scope.schemas
