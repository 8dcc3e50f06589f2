"""PostgreSQL's plans (EXPLAIN, FORMAT JSON) as a list of nodes with the figures that a verdict needs. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_CONDITIONS = ("Filter", "Index Cond", "Recheck Cond", "Join Filter", "Hash Cond", "Merge Cond", "One-Time Filter")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_NAME = r"(?:\"(?:[^\"]|\"\")+\"|[a-z_]\w*)"
_LEFT = re.compile(
    rf"(?:({_NAME})\.)?({_NAME})\)*(?:::[\w ]+)?\)* (?:=|<>|<=|>=|<|>|~~\*?|@>|<@|&&|@@|IS) ", re.IGNORECASE
)
_RIGHT = re.compile(rf" = \(*(?:({_NAME})\.)?({_NAME})(?![\w(.\"])", re.IGNORECASE)
_GATHERS = frozenset({"Gather", "Gather Merge"})
_WORDS = frozenset(
    {"and", "or", "not", "null", "true", "false", "any", "all", "is", "distinct", "from", "case", "when", "then"}
)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a plan. ``measured`` is False where there are only estimates.

    Rows are of all its loops together; seconds too, but where processes ran side by side they are counted once.
    ``own`` are the seconds without those of its children. ``cost`` is the planner's, in its own unit.
    """

    kind: str
    raw: Mapping[str, Any]
    measured: bool
    loops: float
    estimated: float
    rows: float
    removed: float
    seconds: float
    own: float
    cost: float

    @property
    def relation(self) -> str | None:
        """The table that is read, with its schema where that is known."""
        name = self.raw.get("Relation Name")
        schema = self.raw.get("Schema")
        return None if name is None else f"{schema}.{name}" if schema else str(name)

    @property
    def filter(self) -> str:
        """The condition that each row is held against."""
        return str(self.raw.get("Filter", ""))

    @property
    def looked_at(self) -> float:
        """How many rows were held against the condition."""
        return self.rows + self.removed

    @property
    def conditions(self) -> str:
        """All its conditions."""
        return " ".join(str(self.raw[name]) for name in _CONDITIONS if name in self.raw)


def nodes_of(plan: Mapping[str, Any] | Sequence[Any] | None) -> tuple[Node, ...]:
    """All nodes of a plan, the root first; none where there is no plan."""
    if isinstance(plan, Sequence):
        plan = plan[0] if plan and isinstance(plan[0], Mapping) else None
    if not plan:
        return ()
    root = plan.get("Plan", plan)
    return tuple(_walk(root)) if isinstance(root, Mapping) and "Node Type" in root else ()


def columns_of(node: Node) -> tuple[str, ...]:
    """The columns of its table that its condition compares with something, in their order."""
    text = _LITERAL.sub("''", node.filter)
    alias = node.raw.get("Alias") or node.raw.get("Relation Name")
    found: dict[str, None] = {}
    matches = sorted([*_LEFT.finditer(text), *_RIGHT.finditer(text)], key=lambda match: match.start(2))
    for match in matches:
        table, column = match[1], match[2]
        if (table is None or table.strip('"') == alias) and column.lower() not in _WORDS:
            found[column] = None
    return tuple(found)


def _walk(raw: Mapping[str, Any], side_by_side: float = 1.0) -> Iterator[Node]:
    """A node and those below. Below a ``Gather`` PostgreSQL counts a loop for each process, though they run at the same time."""
    children = [child for child in raw.get("Plans", ()) if isinstance(child, Mapping)]
    measured = "Actual Rows" in raw
    loops = float(raw.get("Actual Loops", 1) or 0)
    seconds = _seconds(raw, side_by_side)
    beside = [_beside(raw, child, side_by_side) for child in children]
    yield Node(
        kind=str(raw["Node Type"]),
        raw=raw,
        measured=measured,
        loops=loops,
        estimated=float(raw.get("Plan Rows", 0)),
        rows=float(raw.get("Actual Rows", 0)) * loops,
        removed=float(raw.get("Rows Removed by Filter", 0)) * loops,
        seconds=seconds,
        own=max(0.0, seconds - sum(map(_seconds, children, beside))),
        cost=float(raw.get("Total Cost", 0)),
    )
    for child, processes in zip(children, beside, strict=True):
        yield from _walk(child, processes)


def _beside(parent: Mapping[str, Any], child: Mapping[str, Any], processes: float) -> float:
    """In how many processes a child runs at the same time. What is worked out beforehand (an InitPlan) runs in one."""
    if child.get("Parent Relationship") == "InitPlan":
        return 1.0
    if parent.get("Node Type") not in _GATHERS:
        return processes
    loops = float(child.get("Actual Loops", 1) or 0) / max(1.0, float(parent.get("Actual Loops", 1) or 0))
    return max(1.0, min(loops, float(parent.get("Workers Launched", 0)) + 1.0))


def _seconds(raw: Mapping[str, Any], side_by_side: float) -> float:
    return float(raw.get("Actual Total Time", 0)) * float(raw.get("Actual Loops", 1) or 0) / side_by_side / 1000
