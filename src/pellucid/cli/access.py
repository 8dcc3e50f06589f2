"""How it looks who may do what: tables for a person, one line a fact for a program, JSON for another."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from pellucid.cli.errors import line
from pellucid.database.catalog.model import Privilege, Table
from pellucid.policy.access import Access, Reach, accesses
from pellucid.policy.facts import Facts, Policy, Routine
from pellucid.policy.findings import shown

NOTHING = "-"
COLOURS = {
    Reach.ALL: "bold red",
    Reach.DEFINER: "yellow",
    Reach.POLICIES: "green",
    Reach.NONE: "dim",
    Reach.NOTHING: "dim",
}
"""Every row in spite of everything is for the eye to find first."""


def as_json(facts: Facts, tables: Iterable[Table], roles: Iterable[str], routines: Iterable[Routine]) -> dict[str, Any]:
    """Everything, for a program."""
    names = set(roles)
    return {
        "tables": [_table_json(facts, table, names) for table in tables],
        "functions": [_routine_json(routine, names) for routine in routines],
    }


def as_lines(facts: Facts, tables: Iterable[Table], roles: Iterable[str], routines: Iterable[Routine]) -> Iterator[str]:
    """One line for each role and right: object, role, right, how far, and by what; tabs between."""
    names = set(roles)
    for table in tables:
        for each in accesses(facts, table):
            if each.role in names:
                yield _joined(shown(table.name), each.role, each.privilege.value, each.reach.value, _by(each))
    for routine in routines:
        for role in routine.executable_by:
            if role in names:
                path = "" if routine.path is None else f"search_path = {routine.path}"
                yield _joined(_signature(routine), role, "execute", _runs_as(routine), path)


def as_tables(
    facts: Facts, tables: Iterable[Table], roles: Iterable[str], routines: Iterable[Routine]
) -> RenderableType:
    """For a person at a terminal."""
    names, kept = set(roles), list(tables)
    shown_routines = list(routines)
    parts: list[RenderableType] = [_rights(facts, kept, names)]
    if any(facts.guards[table.name].policies for table in kept):
        parts += [Text(), _policies(facts, kept)]
    if shown_routines:
        parts += [Text(), _functions(shown_routines, names)]
    return Group(*parts)


# -- for a person -----------------------------------------------------------------------------------------------------


def _rights(facts: Facts, tables: Iterable[Table], roles: set[str]) -> Grid:
    grid = _grid("Who may do what", "table", "role", *(privilege.value for privilege in Privilege))
    for table in tables:
        by_role: dict[str, list[Access]] = {}
        for each in accesses(facts, table):
            if each.role in roles:
                by_role.setdefault(each.role, []).append(each)
        title = Text.assemble(line(shown(table.name)), ("\n" + _state(facts, table), "dim"))
        for role, cells in by_role.items():
            grid.add_row(title, Text(line(role)), *(_cell(each) for each in cells))
            title = Text()
        grid.add_section()
    return grid


def _cell(access: Access) -> Text:
    if access.reach is Reach.NONE:
        return Text(NOTHING, "dim")
    words = ", ".join(policy.name for policy in access.policies) or access.reach.value
    columns = f"\n({', '.join(access.columns)})" if access.columns else ""
    return Text(line(words) + ("\n" + line(columns) if columns else ""), COLOURS.get(access.reach, ""))


def _state(facts: Facts, table: Table) -> str:
    guard = facts.guards[table.name]
    if table.kind == "view":
        return "view, as the caller" if table.security_invoker else f"view, as {guard.owner}"
    if table.kind in ("materialized", "foreign"):
        return f"{table.kind}, as {guard.owner}"
    if not table.row_security:
        return "row level security off"
    return f"row level security {'forced' if guard.forced else 'on'}"


def _policies(facts: Facts, tables: Iterable[Table]) -> Grid:
    grid = _grid("Policies", "table", "policy", "for", "to", "condition")
    for table in tables:
        for policy in facts.guards[table.name].policies:
            kind = "" if policy.permissive else " (restrictive)"
            cells = (policy.name + kind, _commands(policy), ", ".join(policy.roles), _condition(policy))
            grid.add_row(*(Text(line(cell)) for cell in (shown(table.name), *cells)))
    return grid


def _functions(routines: Iterable[Routine], roles: set[str]) -> Grid:
    grid = _grid("Functions", "function", "callable by", "runs", "search path")
    for routine in routines:
        callers = ", ".join(role for role in routine.executable_by if role in roles) or NOTHING
        path = Text("the caller's", "dim") if routine.path is None else Text(line(routine.path))
        runs = Text(_runs_as(routine), "yellow" if routine.definer else "")
        grid.add_row(Text(line(_signature(routine))), Text(line(callers)), runs, path)
    return grid


def _grid(title: str, *columns: str) -> Grid:
    grid = Grid(*columns, title=title, title_justify="left", title_style="bold", header_style="dim")
    for column in grid.columns:
        column.overflow = "fold"
    return grid


# -- for programs -----------------------------------------------------------------------------------------------------


def _table_json(facts: Facts, table: Table, roles: set[str]) -> dict[str, Any]:
    guard = facts.guards[table.name]
    return {
        "table": shown(table.name),
        "kind": table.kind,
        "owner": guard.owner,
        "row_security": table.row_security,
        "forced": guard.forced,
        "security_invoker": table.security_invoker,
        "policies": [_policy_json(policy) for policy in guard.policies],
        "access": [_access_json(each) for each in accesses(facts, table) if each.role in roles],
    }


def _policy_json(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name,
        "permissive": policy.permissive,
        "commands": [privilege.value for privilege in Privilege if privilege in policy.commands],
        "roles": list(policy.roles),
        "using": policy.using,
        "check": policy.check,
    }


def _access_json(access: Access) -> dict[str, Any]:
    return {
        "role": access.role,
        "privilege": access.privilege.value,
        "reach": access.reach.value,
        "policies": [policy.name for policy in access.policies],
        "columns": list(access.columns),
    }


def _routine_json(routine: Routine, roles: set[str]) -> dict[str, Any]:
    return {
        "function": _signature(routine),
        "owner": routine.owner,
        "security_definer": routine.definer,
        "search_path": routine.path,
        "executable_by": [role for role in routine.executable_by if role in roles],
    }


# -- words ------------------------------------------------------------------------------------------------------------


def _by(access: Access) -> str:
    parts = [f"{policy.name}: {_condition(policy)}" for policy in access.policies]
    return "; ".join([f"({', '.join(access.columns)})", *parts] if access.columns else parts)


def _condition(policy: Policy) -> str:
    using = f"using ({policy.using})" if policy.using is not None else ""
    check = f"with check ({policy.check})" if policy.check is not None else ""
    return f"{using} {check}".strip()


def _commands(policy: Policy) -> str:
    whole = policy.commands == frozenset(Privilege)
    return "all" if whole else ", ".join(privilege.value for privilege in Privilege if privilege in policy.commands)


def _runs_as(routine: Routine) -> str:
    return f"as {routine.owner}" if routine.definer else Reach.INVOKER.value


def _signature(routine: Routine) -> str:
    return f"{shown(routine.name)}({routine.arguments})"


def _joined(*fields: str) -> str:
    return "\t".join(line(field) for field in fields).rstrip()
