"""One look at what a database is doing: everything that can be seen, and what cannot with its remedy."""

from collections.abc import Awaitable
from typing import Any, TypeVar

import asyncpg
from msgspec.structs import replace

from pellucid.trace.document import Missing
from pellucid.trace.overview import Bloated, Blocked, Busy, Connections, Counters, Overview, Ran, Replica, Vitals
from pellucid.trace.statements import one_line, remember, schema_of, slower, statements

T = TypeVar("T")

_VITALS = """select current_database()::text as database, current_setting('server_version') as version, current_user::text as role,
  pg_is_in_recovery() as standby, current_setting('max_connections')::int as most,
  (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
  case when has_database_privilege(current_database(), 'CONNECT') then pg_database_size(current_database()) else 0 end as size,
  extract(epoch from clock_timestamp())::float8 as at, d.xact_commit as commits, d.xact_rollback as rollbacks,
  d.blks_hit as hits, d.blks_read as reads,
  case when not pg_is_in_recovery() then (pg_current_wal_lsn() - '0/0'::pg_lsn)::int8
    else (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::int8 end as log
from pg_stat_database d where d.datname = current_database()"""
_CONNECTIONS = """select coalesce(nullif(application_name, ''), '(no name)') as application,
  coalesce(state, 'state not shown') as state, count(*)::int as count,
  coalesce(max(extract(epoch from clock_timestamp() - state_change)), 0)::float8 as longest
from pg_stat_activity where backend_type = 'client backend' group by 1, 2 order by 3 desc, 1, 2"""
_LONGEST = """select pid as process, coalesce(usename, '?')::text as role, coalesce(application_name, '') as application,
  coalesce(state, '') as state, coalesce(wait_event_type || '/' || wait_event, '') as waits,
  extract(epoch from clock_timestamp() - xact_start)::float8 as seconds, query as sql
from pg_stat_activity where xact_start is not null and pid <> pg_backend_pid() and backend_type = 'client backend'
order by xact_start limit $1"""
_BLOCKED = """with waiting as (select pid, pg_blocking_pids(pid) as blockers from pg_stat_activity where wait_event_type = 'Lock'),
edges as (select pid, blockers from waiting union all
  select distinct b, '{}'::int[] from waiting, unnest(blockers) as b where b not in (select pid from waiting))
select a.pid as process, coalesce(a.application_name, '') as application, coalesce(a.state, 'state not shown') as state,
  coalesce((select l.mode || ' on ' || coalesce(l.relation::regclass::text, l.locktype) from pg_locks l
    where l.pid = a.pid and not l.granted limit 1), '') as lock,
  coalesce(extract(epoch from clock_timestamp() - coalesce((select l.waitstart from pg_locks l
    where l.pid = a.pid and not l.granted limit 1), a.state_change)), 0)::float8 as seconds,
  a.query as sql, e.blockers from edges e join pg_stat_activity a on a.pid = e.pid order by a.pid"""
_REPLICAS = """select coalesce(nullif(application_name, ''), host(client_addr), '?') as name,
  'streams, ' || coalesce(sync_state, '?') as kind,
  coalesce(state, 'state not shown') as state, (case when not pg_is_in_recovery() then pg_current_wal_lsn()
    else pg_last_wal_replay_lsn() end - replay_lsn)::int8 as behind, extract(epoch from replay_lag)::float8 as lag
from pg_stat_replication
union all select slot_name::text, slot_type || ' slot', case when active then 'active' else 'idle' end || coalesce(', ' || wal_status, ''),
  (case when not pg_is_in_recovery() then pg_current_wal_lsn() else pg_last_wal_replay_lsn() end
    - coalesce(confirmed_flush_lsn, restart_lsn))::int8, null from pg_replication_slots
union all select coalesce(sender_host, 'primary'), 'follows', status,
  (latest_end_lsn - pg_last_wal_replay_lsn())::int8, extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8
from pg_stat_wal_receiver where pid is not null order by 1, 2"""
_BLOATED = """select relid::regclass::text as table, n_live_tup as live, n_dead_tup as dead, pg_table_size(relid) as size,
  extract(epoch from greatest(last_vacuum, last_autovacuum))::float8 as cleaned
from pg_stat_user_tables where n_dead_tup >= $2 and n_dead_tup >= $3 * (n_live_tup + n_dead_tup) order by n_dead_tup desc limit $1"""
_ALL_SEEN = "select pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"

DEAD, DEAD_SHARE = 1000, 0.2
"""A table is suspected of bloat with so many dead rows, which are such a share of all."""

_LOAD = "set shared_preload_libraries = 'pg_stat_statements' in postgresql.conf, restart, then: create extension pg_stat_statements;"
_HISTORY = "start pellucid serve on this database once with the role that owns its schema pellucid"
_READ = "grant pg_read_all_stats to {role};"


class Looking:
    """Looks at one database again and again, on a connection of its own."""

    def __init__(self, connection: asyncpg.Connection, limit: int = 10) -> None:
        """Prepare it.

        Args:
            connection: for this alone, idle.
            limit: how many of each kind are told.
        """
        self._connection = connection
        self._limit = limit
        self._before: Counters | None = None
        self._missing: dict[str, Missing] = {}

    async def look(self) -> Overview:
        """Look once. Rates are there from the second time on.

        Raises:
            asyncpg.PostgresError, asyncpg.InterfaceError, OSError: the connection broke.
        """
        self._missing = {}
        row = await self._connection.fetchrow(_VITALS)
        await self._check_rights(row["role"])
        schema = await self._statistics()
        ran = await self._statements(schema)
        now = _counters(row, ran)
        overview = Overview(
            taken=row["at"],
            vitals=_vitals(row, now, self._before),
            statements=tuple(_rated(each, now, self._before) for each in ran),
            slower=await self._slower(schema, standby=row["standby"]),
            connections=tuple(Connections(*each.values()) for each in await self._fetch(_CONNECTIONS)),
            longest=tuple(_shown(Busy, each) for each in await self._fetch(_LONGEST, self._limit)),
            blocked=tuple(_shown(Blocked, each) for each in await self._fetch(_BLOCKED)),
            replicas=tuple(Replica(*each.values()) for each in await self._fetch(_REPLICAS)),
            bloated=tuple(
                Bloated(*each.values()) for each in await self._fetch(_BLOATED, self._limit, DEAD, DEAD_SHARE)
            ),
        )
        self._before = now
        return replace(overview, missing=tuple(self._missing.values()))

    async def remember(self) -> None:
        """Take a snapshot for the history of statements, where there is a place for one."""
        schema = await schema_of(self._connection)
        if schema is not None and not await self._connection.fetchval("select pg_is_in_recovery()"):
            await self._try_to("the history of statements", _HISTORY, remember(self._connection, schema))

    async def _check_rights(self, role: str) -> None:
        if not await self._connection.fetchval(_ALL_SEEN):
            why = f"{role} sees the states and statements of its own connections alone"
            self._miss("what other roles do", why, _READ.format(role=role))

    async def _statistics(self) -> str | None:
        schema = await schema_of(self._connection)
        if schema is None:
            self._miss("statements", "the database lacks the extension pg_stat_statements", _LOAD)
        return schema

    async def _statements(self, schema: str | None) -> tuple[Ran, ...]:
        if schema is None:
            return ()
        return await self._try_to("statements", _LOAD, statements(self._connection, schema, self._limit)) or ()

    async def _slower(self, schema: str | None, *, standby: bool) -> tuple[Any, ...]:
        if schema is None or "statements" in self._missing:
            return ()
        if standby:
            self._miss("the history of statements", "it is kept on the primary alone", "watch the primary")
            return ()
        return await self._try_to("the history of statements", _HISTORY, slower(self._connection, schema)) or ()

    async def _fetch(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        return list(await self._connection.fetch(sql, *args))

    async def _try_to(self, what: str, remedy: str, look: Awaitable[T]) -> T | None:
        try:
            return await look
        except asyncpg.PostgresError as fault:
            self._miss(what, str(fault).partition("\n")[0], remedy)
            return None

    def _miss(self, what: str, why: str, remedy: str) -> None:
        self._missing.setdefault(what, Missing(what, why, remedy))


def _shown(kind: type[T], row: asyncpg.Record) -> T:
    """A value of this kind, with the statement as it may be shown."""
    parts = dict(row) | {"sql": one_line(row["sql"])}
    if "blockers" in parts:
        parts["blockers"] = tuple(parts["blockers"])
    return kind(**parts)


def _counters(row: asyncpg.Record, ran: tuple[Ran, ...]) -> Counters:
    calls = {(each.query, each.role): each.calls for each in ran}
    return Counters(row["at"], row["commits"], row["rollbacks"], row["hits"], row["reads"], row["log"] or 0, calls)


def _vitals(row: asyncpg.Record, now: Counters, before: Counters | None) -> Vitals:
    whole = Vitals(
        row["database"], row["version"], row["role"], row["size"], row["connections"], row["most"], row["standby"],
        _share(now.hits, now.reads),
    )  # fmt: skip
    if before is None or now.at <= before.at:
        return whole
    seconds = now.at - before.at
    return replace(
        whole,
        hit=_share(now.hits - before.hits, now.reads - before.reads) or whole.hit,
        transactions=(now.commits - before.commits + now.rollbacks - before.rollbacks) / seconds,
        rollbacks=(now.rollbacks - before.rollbacks) / seconds,
        log=(now.log - before.log) / seconds,
    )


def _rated(ran: Ran, now: Counters, before: Counters | None) -> Ran:
    key = (ran.query, ran.role)
    if before is None or key not in before.calls or now.at <= before.at or ran.calls < before.calls[key]:
        return ran
    return replace(ran, rate=(ran.calls - before.calls[key]) / (now.at - before.at))


def _share(hits: int, reads: int) -> float | None:
    return hits / (hits + reads) if hits + reads > 0 else None
