"""The conditions that row level security added to a statement."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from pellucid.trace.plans import Node, nodes_of
from pellucid.trace.witness.lookout import Lookout

_POLICIES = """
with wanted as (
  select c.oid, c.oid::regclass::text as name, t.commands from unnest($1::text[], $2::text[], $3::text[]) as t(schema, name, commands)
  join pg_namespace n on n.nspname = t.schema join pg_class c on c.relnamespace = n.oid and c.relname = t.name, pg_roles r
  where r.rolname = $4 and c.relrowsecurity and not r.rolsuper and not r.rolbypassrls
    and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'USAGE')))
select w.name as table, p.polname::text as policy, p.polpermissive as permissive,
  pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as checked
from wanted w left join pg_policy p on p.polrelid = w.oid
  and (p.polcmd = '*' or strpos(w.commands, p.polcmd::text) > 0)
  and exists (select from unnest(p.polroles) as role(id) where id = 0 or pg_has_role($4::name, id, 'USAGE'))
order by 1, p.polpermissive desc, 2"""


_COMMANDS = {"Insert": "a", "Update": "w", "Delete": "d"}
"""PostgreSQL's letters for commands in ``pg_policy.polcmd``; a merge is whatever its parts are."""


async def policies(lookout: Lookout, plan: Mapping[str, Any] | None, role: str) -> tuple[str, ...]:
    """Each policy that held for a role on the tables of a plan: one of the permissive ones must hold, and all of the restrictive ones.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: they cannot be read.
    """
    if not (touched := _touched(plan)):
        return ()
    schemas, names = [schema for schema, _ in touched], [name for _, name in touched]
    commands = ["".join(sorted(letters)) for letters in touched.values()]
    return tuple(_said(row) for row in await lookout.ask(_POLICIES, schemas, names, commands, role))


def _touched(plan: Mapping[str, Any] | None) -> dict[tuple[str, str], frozenset[str]]:
    """The tables of a plan, as schema and name, with what is done to them, as PostgreSQL's letters: ``r`` read, ``a`` insert, …"""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for node in nodes_of(plan):
        if "Relation Name" in node.raw and "Schema" in node.raw:
            key = (node.raw["Schema"], node.raw["Relation Name"])
            found[key] = found.get(key, frozenset()) | _commands(node)
    return found


def _commands(node: Node) -> frozenset[str]:
    if node.kind != "ModifyTable":
        return frozenset("r")
    operation = _COMMANDS.get(node.raw.get("Operation", ""))
    updates = frozenset("w") if node.raw.get("Conflict Resolution") == "UPDATE" else frozenset[str]()
    return (frozenset(operation) if operation else frozenset("awd")) | updates


def _said(row: asyncpg.Record) -> str:
    if row["policy"] is None:
        return f"{row['table']}: no policy: no row is anybody's"
    kind = "permissive" if row["permissive"] else "restrictive"
    parts = [f"using {row['using']}"] if row["using"] else []
    parts += [f"with check {row['checked']}"] if row["checked"] else []
    return f"{row['table']}: {row['policy']} ({kind}): {', '.join(parts)}"
