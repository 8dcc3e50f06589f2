"""What a plan tells of why a statement took its time. Pure: a statement in, findings out."""

import re
from collections.abc import Callable, Iterator

from pellucid.trace.conditions import columns_of
from pellucid.trace.document import Finding, Statement
from pellucid.trace.page import cut
from pellucid.trace.plans import Node, nodes_of

MANY = 1000
"""Rows. What is done to fewer takes no time worth a word."""
WORTH = 0.05
"""Of the wall time. What takes less is not told."""
_COSTLY = 1000.0
_MANY_WANTED = 0.01
"""The share of all rows above which an index of which nobody has reckoned a gain is not named."""
_CONDITION = 160
"""Letters of a condition that are repeated in a sentence."""
_MOSTLY = 0.9

_CALL = re.compile(r"(?<![\w.])((?:[a-z_]\w*\.)?[a-z_]\w*)\(", re.IGNORECASE)
_CONTEXT = frozenset(
    {"auth.uid", "auth.role", "auth.jwt", "auth.email", "uid", "jwt", "current_setting", "pg_catalog.current_setting"}
)
"""Functions that give the same for every row of a statement."""


def of_plans(statement: Statement, wall: float) -> Iterator[Finding]:
    """The findings about a statement and those that ran inside of it.

    Args:
        statement: with its plan.
        wall: the seconds of the request.
    """
    nodes = nodes_of(statement.plan)
    root = nodes[0] if nodes else None
    for node in nodes:
        for judge in _JUDGES:
            finding = judge(node, root or node, statement, wall)
            if finding is not None:
                yield finding
    for nested in statement.nested:
        yield from of_plans(nested, wall)


def _share(seconds: float, wall: float) -> float:
    return min(1.0, seconds / wall) if wall > 0 else 0.0


def _is_hungry(node: Node) -> bool:
    """Whether it looks at many rows for few."""
    return node.looked_at >= MANY and node.removed >= _MOSTLY * node.looked_at


def _sequential(node: Node, root: Node, statement: Statement, wall: float) -> Finding | None:
    if node.kind != "Seq Scan" or not node.filter:
        return None
    if node.measured and not _is_hungry(node):
        return None
    if not node.measured and not (node.cost >= _COSTLY and node.cost >= root.cost / 2):
        return None
    share = _share((node.own or 0.0) if node.measured else statement.seconds * min(1.0, node.cost / root.cost), wall)
    if node.measured and share < WORTH:
        return None
    do, gain = _index(node, statement)
    found = (
        f"{node.looked_at:,.0f} rows were read, and {node.rows:,.0f} were wanted"
        if node.measured
        else f"the planner expects {node.estimated:,.0f} rows of all that it has to read"
    )
    return Finding(
        code="sequential-scan",
        what=f"PostgreSQL read the whole table {node.relation}.",
        because=f"No index fits its condition {cut(node.filter, _CONDITION)}: {found}.",
        do=do,
        share=share,
        gain=gain,
    )


def _index(node: Node, statement: Statement) -> tuple[str, str]:
    """The index that the scan lacks, and what it would gain, where that was tried."""
    for advice in statement.advice:
        if (node.relation or "").endswith(advice.table.rpartition(".")[2]):
            tried = advice.before is not None and advice.after is not None
            gain = (
                f"Its estimated cost falls from {advice.before:,.0f} to {advice.after:,.0f} ({advice.how})."
                if tried
                else advice.how
            )
            return f"{advice.sql};", gain
    if (pattern := _PATTERN.search(node.filter)) and " = " not in node.filter:
        return _for_pattern(node, pattern[1], anchored=pattern[2] not in "%_*")
    columns = columns_of(node.filter)
    if columns and node.measured and (node.rows or 0.0) > _MANY_WANTED * node.looked_at:
        return (
            f"Ask for fewer rows: an index on {', '.join(columns)} helps little where so many of all rows are wanted.",
            "",
        )
    return (
        f"create index on {node.relation} ({', '.join(columns)});" if columns else f"Index what {node.filter} compares."
    ), ""


_PATTERN = re.compile(r"(?:\b\w+\.)?(\w+)\)?(?:::text)? ~~\*? '(.)")
"""A column held against a pattern (LIKE, ILIKE), and what the pattern begins with."""


def _for_pattern(node: Node, column: str, *, anchored: bool) -> tuple[str, str]:
    """The index for a pattern, which in most collations no plain one is (PostgreSQL, 11.10 and F.35)."""
    if anchored and "~~*" not in node.filter:
        return f"create index concurrently on {node.relation} ({column} text_pattern_ops);", ""
    made = f"create index concurrently on {node.relation} using gin ({column} gin_trgm_ops);"
    return (
        f"create extension if not exists pg_trgm; {made}",
        "A plain index does not help a pattern that may begin with anything.",
    )


def _per_row(node: Node, _root: Node, statement: Statement, wall: float) -> Finding | None:
    called = [name for name in dict.fromkeys(_CALL.findall(node.filter)) if _repeats(name, statement)]
    if not called or (node.looked_at if node.measured else node.estimated) < MANY:
        return None
    share = _share(node.own or 0.0, wall)
    if node.measured and share < WORTH:
        return None
    name, place = _bare(node, statement) or (called[0], f"the condition {cut(node.filter, _CONDITION)}")
    times = f"{node.looked_at:,.0f}" if node.measured else f"about {node.estimated:,.0f}"
    return Finding(
        code="policy-per-row",
        what=f"{name}() was called for each row of {node.relation or node.kind}.",
        because=f"It stands bare in {place}, so it is worked out {times} times, though it gives the same each time.",
        do=f"Write (select {name}({'' if f'{name}()' in place else '…'})) in the policy: then PostgreSQL asks once for each statement.",
        share=share,
    )


def _bare(node: Node, statement: Statement) -> tuple[str, str] | None:
    """The function, and the policy in which it stands bare: a policy names it where a condition has what the function does."""
    for policy in statement.policies:
        if policy.startswith(f"{node.relation}: "):
            for name in _CALL.findall(_ASKED_ONCE.sub("", policy)):
                if name.lower() in _CONTEXT or f"{name}(" in node.filter:
                    return name, f"the policy {cut(policy, _CONDITION)}"
    return None


_ASKED_ONCE = re.compile(r"\(\s*select\b[^()]*(?:\([^()]*\)[^()]*)*\)", re.IGNORECASE)


def _repeats(name: str, statement: Statement) -> bool:
    return name.lower() in _CONTEXT or any(f"{name}(" in policy for policy in statement.policies)


def _misestimate(node: Node, root: Node, _statement: Statement, wall: float) -> Finding | None:
    share = _share((node.seconds if node is not root else node.own) or 0.0, wall)
    if node.rows is None or not node.misjudged or max(node.rows, node.estimated) < MANY or share < WORTH:
        return None
    actual, estimated = node.rows / node.loops, node.estimated / node.loops
    return Finding(
        code="misestimate",
        what=f"The planner expected {estimated:,.0f} rows of {node.relation or node.kind}, and there were {actual:,.0f}.",
        because="It chooses its plan by such figures, and its statistics do not know better.",
        do=f"analyze {node.relation};"
        if node.relation
        else "Analyze the tables below, or create statistics on columns that hang together.",
        share=share,
    )


def _spilled(node: Node, _root: Node, _statement: Statement, wall: float) -> Finding | None:
    raw = node.raw
    disk = raw.get("Sort Space Type") == "Disk" or float(raw.get("Disk Usage", 0) or 0) > 0
    batches = float(raw.get("Hash Batches", 1) or 1) > 1
    share = _share(node.own or 0.0, wall)
    if not (disk or batches) or share < WORTH:
        return None
    size = raw.get("Sort Space Used") or raw.get("Disk Usage") or raw.get("Peak Memory Usage") or 0
    return Finding(
        code="spilled",
        what=f"{node.kind} did not fit into memory and wrote to the disk.",
        because=f"It needed {size:,} kB, and work_mem allows less." if size else "work_mem allows less than it needed.",
        do="Ask for fewer rows, index the order that is asked for, or raise work_mem for the role: alter role … set work_mem = '…';",
        share=share,
    )


_JUDGES: tuple[Callable[[Node, Node, Statement, float], Finding | None], ...] = (
    _sequential,
    _per_row,
    _misestimate,
    _spilled,
)
