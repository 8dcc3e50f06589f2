"""Which statements take the time, and which take longer than they did (pg_stat_statements, PostgreSQL F.33).

PostgreSQL itself knows only sums since the statistics began, so their history is kept in ``pellucid.statement_history``: a snapshot of the
statements that take most, when `remember` is called. Its callers are a server that runs, every ten minutes, and ``pellucid top`` when it
starts: the one so that there is a history when it is needed, the other so that there is one without a server.
"""

import asyncpg

from pellucid.trace.overview import Ran, Slower
from pellucid.trace.witness import masking

MOST = 200
"""Statements that a snapshot keeps, those that took most."""

DAYS = 14
"""Days that snapshots are kept."""

APART = 60
"""Seconds between two snapshots at least."""

_SCHEMA = """select quote_ident(nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where extname = 'pg_stat_statements'"""
_SUMS = """select queryid as query, userid as role, sum(calls)::int8 as calls, sum(total_exec_time) / 1000 as seconds,
  sum(rows)::int8 as rows, sum(shared_blks_hit)::int8 as hits, sum(shared_blks_read)::int8 as reads, min(query) as sql
from {schema}.pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) and queryid is not null
group by queryid, userid"""
_TOP = (
    """select s.*, coalesce(r.rolname, '?') as role_name, sum(seconds) over () as whole
from ("""
    + _SUMS
    + """) s left join pg_roles r on r.oid = s.role
order by seconds desc limit $1"""
)

_TURN = "select pg_try_advisory_xact_lock(hashtext('pellucid.statement_history'))"
_RECENT = f"""select coalesce(max(taken) > clock_timestamp() - interval '{APART} seconds', false) from pellucid.statement_history"""
_REMEMBER = (
    """insert into pellucid.statement_history (taken, role, query, calls, seconds, rows)
select clock_timestamp(), s.role, s.query, s.calls, s.seconds, s.rows from ("""
    + _SUMS
    + f""") s
left join lateral (select h.calls from pellucid.statement_history h where h.query = s.query and h.role = s.role
  order by h.taken desc limit 1) h on true
where h.calls is distinct from s.calls order by s.seconds desc limit {MOST} on conflict do nothing"""
)
_FORGET = f"delete from pellucid.statement_history where taken < clock_timestamp() - interval '{DAYS} days'"

_FEWEST, _TIMES, _SECONDS = 20, 1.5, 0.0005
"""A statement is slower when it ran so often since, takes so many times as long on average, and so many seconds longer."""

_SLOWER = (
    """with now as ("""
    + _SUMS
    + """), compared as (
  select now.query, now.role, now.sql, now.calls - last.calls as calls,
    (now.seconds - last.seconds) / nullif(now.calls - last.calls, 0) as now,
    case when last.calls - first.calls >= $1 then (last.seconds - first.seconds) / (last.calls - first.calls)
      else last.seconds / nullif(last.calls, 0) end as before
  from now
  join lateral (select * from pellucid.statement_history h where h.query = now.query and h.role = now.role
    and h.taken <= clock_timestamp() - $4::float8 * interval '1 second' order by h.taken desc limit 1) last on true
  join lateral (select * from pellucid.statement_history h where h.query = now.query and h.role = now.role
    order by h.taken limit 1) first on true
  where now.calls >= last.calls and last.calls >= first.calls)
select c.*, coalesce(r.rolname, '?') as role_name from compared c left join pg_roles r on r.oid = c.role
where c.calls >= $1 and c.now >= $2 * c.before and c.now - c.before >= $3 order by (c.now - c.before) * c.calls desc limit 20"""
)


async def schema_of(connection: asyncpg.Connection) -> str | None:
    """The schema that pg_stat_statements lives in, quoted; None where it is not in this database."""
    schema: str | None = await connection.fetchval(_SCHEMA)
    return schema


async def statements(connection: asyncpg.Connection, schema: str, limit: int) -> tuple[Ran, ...]:
    """The statements that took most since the statistics began.

    Raises:
        asyncpg.PostgresError: they cannot be read; pg_stat_statements may not be loaded.
    """
    rows = await connection.fetch(_TOP.format(schema=schema), limit)
    return tuple(_ran(row) for row in rows)


async def remember(connection: asyncpg.Connection, schema: str) -> bool:
    """Take a snapshot, unless there is one already that is hardly older than now, or somebody else takes one. Whether it was taken.

    Raises:
        asyncpg.PostgresError: there is no table for it, or no right.
    """
    async with connection.transaction():
        if not await connection.fetchval(_TURN) or await connection.fetchval(_RECENT):
            return False
        await connection.execute(_REMEMBER.format(schema=schema))
        await connection.execute(_FORGET)
    return True


async def slower(connection: asyncpg.Connection, schema: str, *, ago: float = APART) -> tuple[Slower, ...]:
    """The statements that take longer than they did, those first that cost most.

    What came after the last snapshot that is at least ``ago`` seconds old is compared with what was before it.

    Raises:
        asyncpg.PostgresError: there is no table with the history, or no right.
    """
    rows = await connection.fetch(_SLOWER.format(schema=schema), _FEWEST, _TIMES, _SECONDS, ago)
    return tuple(
        Slower(row["query"], row["role_name"], one_line(row["sql"]), row["before"], row["now"], row["calls"])
        for row in rows
    )


def one_line(sql: str | None) -> str:
    """A statement on one line, without the constants in it."""
    return masking.one_line(sql or "")


def _ran(row: asyncpg.Record) -> Ran:
    pages = row["hits"] + row["reads"]
    return Ran(
        query=row["query"],
        role=row["role_name"],
        sql=one_line(row["sql"]),
        calls=row["calls"],
        seconds=row["seconds"],
        mean=row["seconds"] / row["calls"] if row["calls"] else 0.0,
        share=row["seconds"] / row["whole"] if row["whole"] else 0.0,
        rows=row["rows"],
        hit=row["hits"] / pages if pages else None,
    )
