"""The locks that a transaction holds."""

from collections.abc import Iterable

from pellucid.trace.document import Lock
from pellucid.trace.witness.lookout import Lookout

_LOCKS = """select distinct locktype as kind, mode, relation::regclass::text as relation
from pg_locks left join pg_class c on c.oid = relation
where pid = $1 and granted and c.relkind is distinct from 'i' and locktype in ('relation', 'tuple', 'advisory')
  and database = (select oid from pg_database where datname = current_database())
  and (relation is null or relation >= 16384 or mode <> 'AccessShareLock') order by 3, 1, 2"""

Key = tuple[str, str, str | None]


async def held(lookout: Lookout, process: int) -> dict[Key, Lock]:
    """The locks of a process. Rows that it locked are told by their table alone: PostgreSQL marks them on the page, not here.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: they cannot be read.
    """
    rows = await lookout.ask(_LOCKS, process)
    return {
        (row["kind"], row["mode"], row["relation"]): Lock(row["kind"], row["mode"], row["relation"], True)
        for row in rows
    }


def new(now: dict[Key, Lock], known: Iterable[Key], waited: dict[Key, Lock]) -> tuple[Lock, ...]:
    """The locks that a statement took, those first that it waited for."""
    before = set(known)
    taken = {key: lock for key, lock in now.items() if key not in before and key not in waited}
    return (*waited.values(), *taken.values())
