"""Looks now and then at what a process of PostgreSQL waits for, while it runs a statement for somebody."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from time import perf_counter

import asyncpg
from msgspec import Struct, field

from pellucid.trace.document import Lock
from pellucid.trace.witness.lookout import BROKEN, Lookout
from pellucid.trace.witness.masking import cut, one_line

FIRST, LONGEST, SLOWER = 0.004, 0.05, 1.3
"""Seconds before the first look, between two looks at most, and by how much the pause grows: short statements are not missed, long ones
cost little."""

LAST = 0.2
"""Seconds that the end waits for a look that is under way."""

_LOOK = """select state, wait_event_type as kind, wait_event as event from pg_stat_activity where pid = $1 and state <> 'idle'"""
_LOCK = """select l.locktype as kind, l.mode, coalesce(l.relation, (select t.relation from pg_locks t
    where t.pid = l.pid and t.locktype = 'tuple' limit 1))::regclass::text as relation,
  coalesce(extract(epoch from clock_timestamp() - l.waitstart), 0)::float8 as waited,
  array(select format('process %s (%s, %s%s): %s', a.pid, coalesce(nullif(a.application_name, ''), a.backend_type, '?'),
    coalesce(a.state, 'state not shown'),
    coalesce(format(' for %s s', round(extract(epoch from clock_timestamp() - a.state_change)::numeric, 1)), ''), '')
    from unnest(pg_blocking_pids($1)) as holder(pid) join pg_stat_activity a on a.pid = holder.pid order by a.pid) as holders,
  array(select coalesce(a.query, '') from unnest(pg_blocking_pids($1)) as holder(pid)
    join pg_stat_activity a on a.pid = holder.pid order by a.pid) as queries
from pg_locks l where l.pid = $1 and not l.granted"""


class Samples(Struct):
    """What was seen of one statement: seconds by wait event, and the locks that it waited for."""

    waits: dict[str, float] = field(default_factory=dict)
    locks: dict[tuple[str, str, str | None], Lock] = field(default_factory=dict)

    def add(self, event: str, seconds: float) -> None:
        """It waited for this much longer."""
        self.waits[event] = self.waits.get(event, 0.0) + seconds

    def blocked(self, row: asyncpg.Record) -> None:
        """It waits for a lock; the last word on each lock is the one that counts."""
        holders = tuple(
            f"{who}{cut(one_line(query))}" for who, query in zip(row["holders"], row["queries"], strict=True)
        )
        key = (row["kind"], row["mode"], row["relation"])
        earlier = self.locks.get(key)
        kept = holders or (earlier.holders if earlier else ())
        self.locks[key] = Lock(row["kind"], row["mode"], row["relation"], True, row["waited"], kept)


class Sampler:
    """Samples one process of PostgreSQL until it is stopped, or until the process has no transaction any more."""

    def __init__(self, lookout: Lookout, process: int) -> None:
        """Begin. It runs in a task of its own."""
        self._lookout = lookout
        self._process = process
        self._samples = Samples()
        self._over = asyncio.Event()
        self._last = perf_counter()
        self._task = asyncio.create_task(self._run())

    def take(self) -> Samples:
        """What was seen since the last time that this was asked."""
        samples, self._samples = self._samples, Samples()
        return samples

    async def stop(self) -> None:
        """End it. A look that is under way is waited for, but not for long."""
        self._over.set()
        _, pending = await asyncio.wait((self._task,), timeout=LAST)
        for task in pending:
            task.cancel()

    async def _run(self) -> None:
        pause = FIRST
        with suppress(*BROKEN):  # what can still be seen is seen without it
            while not await self._over_within(pause) and (self._lookout.busy or await self._look()):
                pause = min(pause * SLOWER, LONGEST)

    async def _over_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._over.wait()
        except TimeoutError:
            return False

    async def _look(self) -> bool:
        """Look once; False when there is no transaction any more."""
        rows = await self._lookout.ask(_LOOK, self._process)
        before, self._last = self._last, perf_counter()
        for row in rows:
            if row["state"] == "active" and row["kind"] not in (None, "Client"):
                self._samples.add(f"{row['kind']}/{row['event']}", self._last - before)
            if row["kind"] == "Lock":
                for lock in await self._lookout.ask(_LOCK, self._process):
                    self._samples.blocked(lock)
        return bool(rows)


def merged(waits: Mapping[str, float]) -> dict[str, float]:
    """The waits, the longest first."""
    return dict(sorted(waits.items(), key=lambda item: -item[1]))
