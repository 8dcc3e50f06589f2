"""The conditions that row level security added to a statement."""

from collections.abc import Mapping

import asyncpg

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


async def policies(lookout: Lookout, touched: Mapping[tuple[str, str], frozenset[str]], role: str) -> tuple[str, ...]:
    """Each policy that held for a role on these tables: one of the permissive ones must hold, and all of the restrictive ones.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: they cannot be read.
    """
    if not touched:
        return ()
    schemas, names = [schema for schema, _ in touched], [name for _, name in touched]
    commands = ["".join(sorted(letters)) for letters in touched.values()]
    return tuple(_said(row) for row in await lookout.ask(_POLICIES, schemas, names, commands, role))


def _said(row: asyncpg.Record) -> str:
    if row["policy"] is None:
        return f"{row['table']}: no policy: no row is anybody's"
    kind = "permissive" if row["permissive"] else "restrictive"
    parts = [f"using {row['using']}"] if row["using"] else []
    parts += [f"with check {row['checked']}"] if row["checked"] else []
    return f"{row['table']}: {row['policy']} ({kind}): {', '.join(parts)}"
