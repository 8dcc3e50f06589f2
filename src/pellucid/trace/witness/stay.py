"""One transaction under observation, from its beginning to what it left behind."""

import json
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

import asyncpg
from msgspec.structs import replace

from pellucid.database.caller import ACCOUNTS_ROLE
from pellucid.database.driver import Connection
from pellucid.database.sqlstate import condition
from pellucid.trace.document import Missing, Statement
from pellucid.trace.witness.commits import commit_of, position_of
from pellucid.trace.witness.indexes import advice, scans
from pellucid.trace.witness.locks import Key, held, new
from pellucid.trace.witness.masking import masked, of_accounts, plan, statement
from pellucid.trace.witness.notebook import RIGHTS, Notebook
from pellucid.trace.witness.notices import OURS, Notices, nested
from pellucid.trace.witness.policies import policies
from pellucid.trace.witness.sampling import Sampler, merged

_LONGER = 10
"""How many times as long a statement may take that is looked at: thousands of plans from inside of it take their time."""

_CALLER = f"{OURS} select current_user::pg_catalog.text"
_STRETCH = f"""{OURS} select pg_catalog.set_config('statement_timeout', least(2147483647, {_LONGER * 1000}
  * extract(epoch from pg_catalog.current_setting('statement_timeout')::pg_catalog.interval))::pg_catalog.int8::pg_catalog.text, true)"""
_NUMBER = "select backend_xid::text as xid from pg_stat_activity where pid = $1"
_PLANNED = ("select", "insert", "update", "delete", "with", "merge", "values", "table")
"""How statements begin that PostgreSQL makes plans for."""

_PRELOAD = "see that session_preload_libraries has auto_explain in it, and start again"
_STATS = "grant pg_read_all_stats to the role that administers, or log in with a superuser"

_CANCELLED = "57014"

_UNTOLD = "the plan of the statement that failed"
_UNFINISHED = Missing(_UNTOLD, "PostgreSQL tells the plan of a statement when it ends well")
_TOO_LONG = Missing(
    _UNTOLD,
    "it took too long while it was looked at, which takes time of its own",
    "trace it again with Pellucid-Trace: light",
)


class Stay:
    """What is remembered of one transaction."""

    def __init__(self, notebook: Notebook, driver: Connection) -> None:
        self._notebook = notebook
        self._lookout = notebook.lookout
        self._driver = driver
        self._process: int = driver.get_server_pid()
        self._notices = Notices()
        self._sampler: Sampler | None = None
        self._role = ""
        self._locks: dict[Key, Any] = {}
        self._before: str | None = None
        self._xid: str | None = None
        self._scanning: list[tuple[int, Mapping[str, Any]]] = []
        self._mark = perf_counter()

    # -- the points ---------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Listen, and note where the log stands."""
        self._driver.add_log_listener(self._notices.hear)
        self._role = await self._driver.fetchval(_CALLER)
        if self._lookout.plans:
            await self._driver.execute(_STRETCH)
        position = await position_of(self._notebook)
        self._before = position[0] if position else None
        if position:
            self._sampler = Sampler(self._lookout, self._process)
        self._mark = perf_counter()

    async def statement(self, sql: str, args: Sequence[Any], rows: int | None) -> None:
        """Write down what is known of a statement that has just run."""
        waited = perf_counter() - self._mark
        samples = self._sampler.take() if self._sampler else None
        told, inner = self._notices.take(sql)
        hide = self._role == ACCOUNTS_ROLE or of_accounts(sql)
        known = masked(sql, args, all_of_them=hide)
        again = await self._planned_again(sql, args)
        tree = told.plan if told else again
        rules = await self._policies(tree)
        if told:
            self._note_scans(tree)
        elif again is not None:
            self._notebook.miss(Missing("plans of statements as they ran", "PostgreSQL sent none", _PRELOAD))
        found = Statement(
            sql=statement(sql, bound=bool(args)),
            parameters=known.shown,
            seconds=told.seconds if told else waited,
            planning=again["Planning Time"] / 1000 if again else None,
            execution=told.seconds if told else None,
            rows=rows,
            plan=plan(tree, known.knowing(rules)) if tree else None,
            nested=tuple(nested(each) for each in inner),
            policies=rules,
            locks=await self._new_locks(samples.locks if samples else {}),
            estimated=told is None and tree is not None,
            replanned=again is not None,
            waits=merged(samples.waits) if samples else {},
        )
        self._notebook.statements.append(found)
        self._mark = perf_counter()

    def failure(self, sql: str, args: Sequence[Any], fault: Exception) -> None:
        """Write down a statement that has failed: what it waited for, and what ran inside of it. Its plan went with it."""
        samples = self._sampler.take() if self._sampler else None
        _, inner = self._notices.take(sql)
        hide = self._role == ACCOUNTS_ROLE or of_accounts(sql)
        found = Statement(
            sql=statement(sql, bound=bool(args)),
            parameters=masked(sql, args, all_of_them=hide).shown,
            seconds=perf_counter() - self._mark,
            nested=tuple(nested(each) for each in inner),
            locks=tuple(replace(lock, granted=False) for lock in samples.locks.values()) if samples else (),
            waits=merged(samples.waits) if samples else {},
            failed=condition(fault),
        )
        self._notebook.statements.append(found)
        self._notebook.miss(_TOO_LONG if getattr(fault, "sqlstate", None) == _CANCELLED else _UNFINISHED)

    async def finish(self) -> None:
        """Note the transaction's number. This does not come where a statement has failed."""
        row = await self._notebook.try_to("the transaction's number", _STATS, self._lookout.ask(_NUMBER, self._process))
        self._xid = row[0]["xid"] if row else None

    async def end(self, *, committed: bool) -> None:
        """Look at what it left behind."""
        self._hear_no_more()
        samples = self._sampler.take() if self._sampler else None
        await self.leave()
        _, inner = self._notices.take("")
        if inner:
            late = tuple(nested(each) for each in inner)
            self._notebook.statements.append(
                Statement(
                    "COMMIT" if committed else "ROLLBACK", seconds=sum(each.seconds for each in late), nested=late
                )
            )
        await self._advise()
        if committed and self._xid is not None and self._before is not None:
            self._notebook.commits.append(
                await commit_of(self._notebook, self._before, self._xid, samples.waits if samples else {})
            )

    async def leave(self) -> None:
        """Look no more. The connection is somebody else's at once, whatever the sampler is still waiting for."""
        self._hear_no_more()
        if self._sampler is not None:
            await self._sampler.stop()

    def _hear_no_more(self) -> None:
        if not self._driver.is_closed():
            self._driver.remove_log_listener(self._notices.hear)

    # -- statements ---------------------------------------------------------------------------------------------------

    async def _planned_again(self, sql: str, args: Sequence[Any]) -> Mapping[str, Any] | None:
        """The plan once more, for the time that planning takes and for where no plan was sent.

        It is not run, and what functions do while PostgreSQL plans is undone.
        """
        if not sql.lstrip(" \n\t(").lower().startswith(_PLANNED):
            return None
        await self._driver.execute("SAVEPOINT pellucid_plan")
        try:
            explain = await self._driver.prepare(f"{OURS} explain (format json, summary, verbose) {sql}", name="")
            told = await explain.fetchval(*args)
        except asyncpg.PostgresError:
            told = None
        await self._driver.execute("ROLLBACK TO SAVEPOINT pellucid_plan; RELEASE SAVEPOINT pellucid_plan")
        if told is None:
            return None
        made: Mapping[str, Any] = (json.loads(told) if isinstance(told, str) else told)[0]
        return made

    async def _policies(self, tree: Mapping[str, Any] | None) -> tuple[str, ...]:
        look = policies(self._lookout, tree, self._role)
        return await self._notebook.try_to("policies", RIGHTS, look) or ()

    async def _new_locks(self, waited: dict[Key, Any]) -> tuple[Any, ...]:
        now = await self._notebook.try_to("locks", _STATS, held(self._lookout, self._process)) or {}
        found = new(now, self._locks, waited)
        self._locks |= now
        return found

    # -- indexes ------------------------------------------------------------------------------------------------------

    def _note_scans(self, tree: Mapping[str, Any] | None) -> None:
        """What an index would gain is asked for when the transaction is over: nobody waits for it with locks in their hands."""
        if tree and any(scans(tree)):
            self._scanning.append((len(self._notebook.statements), tree))

    async def _advise(self) -> None:
        """Write down what indexes would gain."""
        for number, tree in self._scanning:
            found = await self._notebook.try_to("the gain of an index", RIGHTS, advice(self._lookout, tree))
            self._notebook.statements[number] = replace(self._notebook.statements[number], advice=found or ())
