"""The verdict on a trace: where most of the time went, because of what, and what to do. Pure: a trace in, findings out."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from pellucid.observe import Fact, Stage
from pellucid.trace.document import Finding, Row, Statement, Trace
from pellucid.trace.planned import of_plans

_EXECUTE = frozenset({Stage.EXECUTE, Stage.PLANNING, Stage.EXECUTION, Stage.LOCKS, Stage.DISK})
_EXPLAINS: Mapping[str, frozenset[Stage]] = {
    "sequential-scan": _EXECUTE,
    "policy-per-row": _EXECUTE,
    "misestimate": _EXECUTE,
    "spilled": _EXECUTE,
    "n-plus-one": _EXECUTE,
    "lock-wait": _EXECUTE | {Stage.COMMIT},
    "pool-starvation": frozenset({Stage.POOL}),
    "slow-commit": frozenset({Stage.COMMIT, Stage.WAL, Stage.DISK}),
    "slow-identity": frozenset({Stage.IDENTITY}),
    "loop-blocked": frozenset({Stage.SERVER}),
    "large-answer": frozenset({Stage.RESPOND}),
    "replica-behind": frozenset({Stage.SESSION}),
}
"""Of which stages a finding explains the time."""
REPEATED = 5
"""How often the same statement, or the same kind of request, has to come to be called a pattern."""
_LARGE_BODY = 1 << 20
_ADVICE = {
    Stage.PROXY: "Look at the proxy: its queue, and its connections to this server.",
    Stage.SERVER: "Look at the code of the route and of the layers around it.",
    Stage.IDENTITY: "Proving who asks takes this long by design where passwords are hashed; tokens and cookies are quick.",
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
    found.sort(key=lambda finding: -finding.share)
    most = _most(trace, found)
    return (*((most,) if most else ()), *_distinct(found))


def _distinct(found: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple({(finding.code, finding.what): finding for finding in reversed(found)}.values())[::-1]


def _most(trace: Trace, found: Sequence[Finding]) -> Finding | None:
    """One sentence about where most of the time went."""
    spent: dict[Stage, float] = defaultdict(float)
    for row in trace.rows:
        spent[row.stage] += row.seconds
    spent.pop(Stage.TRACE, None)
    if not spent:
        return None
    stage = max(spent, key=lambda stage: spent[stage])
    share = _share(spent[stage], trace)
    why = next((each for each in found if each.share > 0.0 and _explains(each.code, stage, trace)), None)
    because = why.what if why else "Nothing in it stands out."
    do = why.do if why else _ADVICE.get(stage, "Look at its row.")
    return Finding(
        "most",
        f"Most of the time was {stage}: {_ms(spent[stage])} of {_ms(own_seconds(trace))} ({share:.0%}).",
        because,
        do,
        share,
    )


def _explains(code: str, stage: Stage, trace: Trace) -> bool:
    """Whether a finding tells of the time of a stage. A shared statement waits for its connection while it is being executed."""
    if code == "pool-starvation" and stage is Stage.EXECUTE:
        return any("pool_waited" in row.facts for row in _rows(trace, stage))
    return stage in _EXPLAINS.get(code, ())


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"


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
                holders = "; ".join(lock.holders) or "somebody who is gone by now"
                yield Finding(
                    code="lock-wait",
                    what=f"It waited {_ms(lock.waited)} for a lock on {lock.relation or lock.kind}.",
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
                what=f"It waited {_ms(seconds)} for a connection to the database.",
                because=f"All {size} were taken: {holders or 'nobody knows by whom'}.",
                do="Make what holds them quicker, above all a transaction that waits for something else; or raise pool_size.",
                share=share,
            )


def _slow_commit(trace: Trace) -> Iterator[Finding]:
    for row in _rows(trace, Stage.COMMIT):
        share = _share(row.seconds, trace)
        if row.seconds >= 0.005 and share >= 0.25:
            size = sum(commit.size for commit in trace.commits)
            wrote = f"{size:,} bytes of the write-ahead log had" if size else "The write-ahead log had"
            yield Finding(
                code="slow-commit",
                what=f"COMMIT took {_ms(row.seconds)}.",
                because=f"{wrote} to reach the disk before it could be answered.",
                do="Write more in one transaction, use a quicker disk, or set synchronous_commit = off where a loss is bearable.",
                share=share,
            )


def _slow_identity(trace: Trace) -> Iterator[Finding]:
    rows = _rows(trace, Stage.IDENTITY)
    seconds = sum(row.seconds for row in rows)
    share = _share(seconds, trace)
    if seconds < 0.02 or share < 0.3:
        return
    hashing = [row for row in rows if "work" in row.facts]
    yield Finding(
        code="slow-identity",
        what=f"Proving who asks took {_ms(seconds)}.",
        because="A password was hashed, which is slow on purpose."
        if hashing
        else "The proof had to be looked up or checked anew.",
        do="Sign in once and send the access token afterwards."
        if hashing
        else "Send an access token: it is checked without the database.",
        share=share,
    )


def _blocked(trace: Trace) -> Iterator[Finding]:
    for row in _rows(trace, Stage.SERVER):
        late = max(_number(row, "loop_late"), _number(row, "wait"))
        share = _share(late, trace)
        if late >= 0.02 and share >= 0.1:
            yield Finding(
                code="loop-blocked",
                what=f"The event loop of worker {trace.worker} stood still for {_ms(late)}.",
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
                what=f"It waited {_ms(waited)} for a replica to catch up.",
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
    _blocked,
    _large,
    _repeated,
    _repeated_requests,
    _behind,
)
