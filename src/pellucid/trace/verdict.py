"""The verdict on a trace: where most of the time went, because of what, and what to do. Pure: a trace in, findings out."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from pellucid.observe import Fact, Stage
from pellucid.trace.document import Finding, Row, Statement, Trace
from pellucid.trace.page import duration, percent
from pellucid.trace.planned import of_plans

_EXECUTE = frozenset({Stage.EXECUTE, Stage.PLANNING, Stage.EXECUTION, Stage.LOCKS, Stage.DISK})
_EXPLAINS: Mapping[str, frozenset[Stage]] = {
    "sequential-scan": _EXECUTE,
    "policy-per-row": _EXECUTE,
    "misestimate": _EXECUTE,
    "spilled": _EXECUTE,
    "n-plus-one": _EXECUTE | {Stage.SERVER},
    "lock-wait": _EXECUTE | {Stage.COMMIT},
    "statement-failed": _EXECUTE,
    "table-made": frozenset({Stage.VALIDATE, Stage.SESSION}),
    "pool-starvation": frozenset({Stage.POOL}),
    "slow-commit": frozenset({Stage.COMMIT, Stage.WAL, Stage.DISK}),
    "slow-identity": frozenset({Stage.IDENTITY}),
    "loop-blocked": frozenset({Stage.SERVER}),
    "large-answer": frozenset({Stage.RESPOND}),
    "replica-behind": frozenset({Stage.SESSION}),
}
"""Of which stages a finding explains the time."""
_RESTATING = frozenset({
    "slow-commit", "slow-identity", "table-made", "redirects", "slow-dns", "slow-connect", "dead-address", "slow-tls", "big-download",
    "long-way", "slow-server",
})  # fmt: skip
"""Findings that begin with what a whole stage took."""
LEAST = 0.02
"""Seconds. A stage that took less and in which nothing stands out is no reason to do anything."""
REPEATED = 5
"""How often the same statement, or the same kind of request, has to come to be called a pattern."""
_LARGE_BODY = 1 << 20
_ADVICE: Mapping[str, str] = {
    Stage.PROXY: "Look at the proxy: its queue, and its connections to this server.",
    Stage.SERVER: "Look at the code of the route and of the layers around it.",
    Stage.IDENTITY: "Send an access token: it is checked without the database.",
    Stage.PARSE: "Send less at once.",
    Stage.VALIDATE: "Send less at once.",
    Stage.PLAN: "Ask for fewer related tables at once.",
    Stage.POOL: "Look for slow statements first, then raise pool_size.",
    Stage.SESSION: "Look at the function that runs first (pre_request), and at the way to the database.",
    Stage.EXECUTE: "Look at the statement and its plan.",
    Stage.COMMIT: "Write more in fewer transactions, or look at the disk of the database.",
    Stage.RESPOND: "Ask for fewer rows or columns, or look at the way to the client.",
}


def judged(trace: Trace) -> Trace:
    """The trace with its findings, the weightiest first."""
    return replace(trace, findings=findings_of(trace))


def findings_of(trace: Trace) -> tuple[Finding, ...]:
    """What there is to be said of a trace: first where most of its time went, then what explains it, the weightiest first."""
    found = [finding for judge in _JUDGES for finding in judge(trace)]
    for statement in trace.statements:
        found += of_plans(statement, own_seconds(trace))
    found = sorted(_distinct(found), key=lambda finding: -finding.share)
    return headed(found, spent_of(trace), own_seconds(trace), lambda code, place: explains(code, place, trace))


def spent_of(trace: Trace) -> dict[str, float]:
    """The seconds of each stage; the looking is none."""
    spent: dict[str, float] = defaultdict(float)
    for row in trace.rows:
        if row.stage is not Stage.TRACE:
            spent[row.stage] += row.seconds
    return spent


def headed(
    found: Sequence[Finding], spent: Mapping[str, float], whole: float, explained: Callable[[str, str], bool]
) -> tuple[Finding, ...]:
    """The findings behind a sentence on where most of the time went, and what explains that first.

    The sentence is left out where the explanation begins with the same: nothing is said twice.

    Args:
        found: what there is to be said, the weightiest first.
        spent: the seconds of each place, the stages above all.
        whole: the seconds of all of it.
        explained: whether a finding of this code explains the time of this place.
    """
    if not spent:
        return tuple(found)
    place = max(spent, key=lambda each: spent[each])
    why = next((each for each in found if each.share > 0.0 and explained(each.code, place)), None)
    rest = [each for each in found if each is not why]
    if why is not None and why.code in _RESTATING:
        return (why, *rest)
    most = _most(place, spent[place], whole, explained=why is not None)
    return (most, *([why] if why is not None else []), *rest)


def _most(place: str, seconds: float, whole: float, *, explained: bool) -> Finding:
    """One sentence about where most of the time went; where nothing explains that, with where to look."""
    share = min(1.0, seconds / whole) if whole > 0 else 0.0
    part = "Most" if share >= 0.5 else "The largest part"
    what = f"{part} of the time was {place}: {duration(seconds)} of {duration(whole)} ({percent(share)})."
    if explained:
        return Finding("most", what, "", "", share)
    return Finding("most", what, "Nothing in it stands out.", _ADVICE.get(place, "") if seconds >= LEAST else "", share)


def _distinct(found: Sequence[Finding]) -> list[Finding]:
    return list({(finding.code, finding.what): finding for finding in reversed(found)}.values())[::-1]


def explains(code: str, place: str, trace: Trace) -> bool:
    """Whether a finding tells of the time of a stage. A shared statement waits for its connection while it is being executed."""
    if code == "pool-starvation" and place == Stage.EXECUTE:
        return any("pool_waited" in row.facts for row in _rows(trace, Stage.EXECUTE))
    return place in _EXPLAINS.get(code, ())


def own_seconds(trace: Trace) -> float:
    """What the request would have taken without the looking."""
    return max(0.0, trace.seconds - sum(row.seconds for row in trace.rows if row.stage is Stage.TRACE))


def _share(seconds: float, trace: Trace) -> float:
    own = own_seconds(trace)
    return min(1.0, seconds / own) if own > 0 else 0.0


def _rows(trace: Trace, stage: Stage) -> list[Row]:
    return [row for row in trace.rows if row.stage is stage]


def _number(facts: "Row | None", name: str) -> float:
    value = facts.facts.get(name, 0) if facts is not None else 0
    return float(value) if isinstance(value, int | float) else 0.0


# -- what each of them finds ------------------------------------------------------------------------------------------


def _locks(trace: Trace) -> Iterator[Finding]:
    for statement in _all(trace.statements):
        for lock in statement.locks:
            if lock.waited > 0:
                holders = "; ".join(holder.rstrip("; ") for holder in lock.holders) or "somebody who is gone by now"
                yield Finding(
                    code="lock-wait",
                    what=f"It waited {duration(lock.waited)} for a lock on {lock.relation or lock.kind}.",
                    because=f"The lock was held by {holders}.",
                    do="Keep transactions short, and have them touch rows in the same order.",
                    share=_share(lock.waited, trace),
                )


def _all(statements: Sequence[Statement]) -> Iterator[Statement]:
    for statement in statements:
        yield statement
        yield from _all(statement.nested)


def _starved(trace: Trace) -> Iterator[Finding]:
    pools = [(row.seconds, row.facts.get("waited"), row.facts.get("holders"), row) for row in _rows(trace, Stage.POOL)]
    pools += [
        (_number(row, "pool_seconds"), row.facts.get("pool_waited"), row.facts.get("pool_holders"), row)
        for row in _rows(trace, Stage.EXECUTE)
    ]
    for seconds, waited, holders, row in pools:
        share = _share(seconds, trace)
        if waited and (share >= 0.1 or seconds >= 0.05):
            size = row.facts.get("size") or row.facts.get("pool_size") or "all"
            yield Finding(
                code="pool-starvation",
                what=f"It waited {duration(seconds)} for a connection to the database.",
                because=f"All {size} were taken: {holders or 'nobody knows by whom'}.",
                do="Make what holds them quicker, above all a transaction that waits for something else; or raise pool_size.",
                share=share,
            )


def _slow_commit(trace: Trace) -> Iterator[Finding]:
    for row in _rows(trace, Stage.COMMIT):
        share = _share(row.seconds, trace)
        if row.seconds >= 0.005 and share >= 0.25 and not _only_read(trace, row):
            size = sum(commit.size for commit in trace.commits)
            wrote = f"{size:,} bytes of the write-ahead log had" if size else "The write-ahead log had"
            yield Finding(
                code="slow-commit",
                what=f"COMMIT took {duration(row.seconds)}.",
                because=f"{wrote} to reach the disk before it could be answered.",
                do="Write more in one transaction, use a quicker disk, or set synchronous_commit = off where a loss is bearable.",
                share=share,
            )


def _only_read(trace: Trace, commit: Row) -> bool:
    """Whether the transaction that ends there could not write: nothing of it had to reach the disk."""
    begun = [
        row.facts["access"]
        for row in _rows(trace, Stage.SESSION)
        if row.start <= commit.start and "access" in row.facts
    ]
    return bool(begun) and begun[-1] == "read only"


def _slow_identity(trace: Trace) -> Iterator[Finding]:
    rows = _rows(trace, Stage.IDENTITY)
    seconds = sum(row.seconds for row in rows)
    share = _share(seconds, trace)
    if seconds < 0.02 or share < 0.3:
        return
    because, do = _PROOFS.get(next((str(row.facts["work"]) for row in rows if "work" in row.facts), ""), _PROOFS[""])
    yield Finding("slow-identity", f"Proving who asks took {duration(seconds)}.", because, do, share)


_PROOFS: Mapping[str, tuple[str, str]] = {
    "password hash": (
        "A new password was hashed, which is slow on purpose: so is guessing it, for whoever steals the hashes.",
        "Nothing: it is paid once for each new password.",
    ),
    "password check": (
        "A password was hashed to compare it, which is slow on purpose.",
        "Sign in once and send the access token afterwards.",
    ),
    "": ("The proof had to be looked up or checked anew.", "Send an access token: it is checked without the database."),
}
"""Why a proof takes long, and what to do, by the work that it was."""


def _made(trace: Trace) -> Iterator[Finding]:
    """Development makes what a write lacks, and looks at the schema before and afterwards."""
    rows = [row for stage in (Stage.VALIDATE, Stage.SESSION) for row in _rows(trace, stage) if row.facts.get("made")]
    if rows:
        seconds = sum(row.seconds for row in rows)
        yield Finding(
            code="table-made",
            what=f"Making {rows[0].facts['made']} took {duration(seconds)}.",
            because="It was not there, and development makes what a write needs.",
            do="Ask once more: it is there now. In production, make it with a migration.",
            share=_share(seconds, trace),
        )


def _failures(trace: Trace) -> Iterator[Finding]:
    """Statements that PostgreSQL broke off."""
    for row in _rows(trace, Stage.EXECUTE):
        if failed := row.facts.get("failed"):
            seen = any(lock.waited for each in _all(trace.statements) for lock in each.locks)
            because, do = (
                ("", "")
                if seen
                else next((told for state, told in _STATES.items() if f"({state}" in str(failed)), ("", ""))
            )
            yield Finding(
                code="statement-failed",
                what=f"PostgreSQL refused a statement after {duration(row.seconds)}: {failed}.",
                because=because,
                do=do,
                share=_share(row.seconds, trace),
            )


_STATES: Mapping[str, tuple[str, str]] = {
    "55P03": (
        "Somebody else had the lock for longer than lock_timeout allows to wait.",
        "Ask again. While it happens, a trace in full and pellucid top tell who has the lock.",
    ),
    "57014": (
        "It took longer than statement_timeout, or somebody cancelled it.",
        "Make it quicker, or raise statement_timeout for the role.",
    ),
    "40": ("Others changed the same rows at the same time.", "Ask again: nothing of it was done."),
}
"""What some errors mean, by SQLSTATE or its class (PostgreSQL, appendix A), and what to do."""


def _blocked(trace: Trace) -> Iterator[Finding]:
    for row in _rows(trace, Stage.SERVER):
        late = max(_number(row, "loop_late"), _number(row, "wait"))
        share = _share(late, trace)
        if late >= 0.02 and share >= 0.1:
            yield Finding(
                code="loop-blocked",
                what=f"The event loop of worker {trace.worker} stood still for {duration(late)}.",
                because="Some code computed or waited in it without giving way, this request's or another one's.",
                do="Await what waits, and give computing to a thread (asyncio.to_thread) or declare the route with def.",
                share=share,
            )


def _large(trace: Trace) -> Iterator[Finding]:
    for row in _rows(trace, Stage.RESPOND):
        size = _number(row, "body_bytes")
        if size >= _LARGE_BODY:
            yield Finding(
                code="large-answer",
                what=f"The answer has {size / (1 << 20):,.1f} MiB.",
                because="Everything that was asked for is in it.",
                do="Ask for fewer columns (select=) and fewer rows (limit=).",
                share=_share(row.seconds, trace),
            )


def _repeated(trace: Trace) -> Iterator[Finding]:
    """N+1 in one request: the same statement again and again."""
    runs: dict[Fact, list[Row]] = defaultdict(list)
    for row in _rows(trace, Stage.EXECUTE):
        if "sql" in row.facts:
            runs[row.facts["sql"]].append(row)
    for sql, rows in runs.items():
        if len(rows) >= REPEATED:
            seconds = rows[-1].start + rows[-1].seconds - rows[0].start
            yield Finding(
                code="n-plus-one",
                what=f"The same statement ran {len(rows)} times: {_brief(sql)}",
                because="It runs once for each row of another one.",
                do="Ask for all rows at once: selectinload() or a join in the ORM, `= any($1)` in SQL.",
                share=_share(seconds, trace),
            )


def _repeated_requests(trace: Trace) -> Iterator[Finding]:
    """N+1 over several requests: a list, then its items one by one."""
    for row in _rows(trace, Stage.SERVER):
        siblings = _number(row, "siblings")
        if siblings >= REPEATED:
            listed = " right after the list of them" if row.facts.get("listed") else ""
            yield Finding(
                code="n-plus-one-requests",
                what=f"This client asked for {siblings:.0f} of {trace.route} within a second, one by one{listed}.",
                because="Each of them is a way to the server and back.",
                do="Ask for all at once: ?id=in.(1,2,3), or embed them in the list with select=*,related(*).",
                share=0.0,  # what the others took is no part of this one's time
            )


def _behind(trace: Trace) -> Iterator[Finding]:
    """A replica that had to catch up first; the session says so where reads go to replicas."""
    for row in _rows(trace, Stage.SESSION):
        waited = _number(row, "replica_wait")
        if waited > 0:
            yield Finding(
                code="replica-behind",
                what=f"It waited {duration(waited)} for a replica to catch up.",
                because="It had to see what this client wrote before.",
                do="Look at the replica's lag, or read from the primary.",
                share=_share(waited, trace),
            )


def _brief(sql: Fact) -> str:
    text = " ".join(str(sql).split())
    return text if len(text) <= 120 else f"{text[:119]}…"


_JUDGES: tuple[Callable[[Trace], Iterator[Finding]], ...] = (
    _locks,
    _starved,
    _slow_commit,
    _slow_identity,
    _made,
    _failures,
    _blocked,
    _large,
    _repeated,
    _repeated_requests,
    _behind,
)
