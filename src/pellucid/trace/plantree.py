"""PostgreSQL's plans (EXPLAIN, FORMAT JSON) as a tree that can be drawn: what each node did, and what it took by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MISJUDGED = 10
"""How many times too many or too few rows make an estimate a bad one,"""
FEW = 100
"""unless there are no more than these either way."""

_CONDITIONS = (
    "Index Cond", "Recheck Cond", "Filter", "Join Filter", "Hash Cond", "Merge Cond", "One-Time Filter", "Sort Key", "Group Key",
    "Conflict Resolution", "Conflict Arbiter Indexes",
)  # fmt: skip
_COUNTS = (
    "Rows Removed by Filter",
    "Rows Removed by Index Recheck",
    "Rows Removed by Join Filter",
    "Heap Fetches",
    "Workers Launched",
    "WAL Records",
)


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a plan. Seconds; pages of 8 KiB; ``None`` where it was not measured.

    ``seconds`` includes the nodes below, ``own`` does not. ``rows`` and ``estimated`` are for all loops together. ``cut`` is
    whether a limit above may have stopped it before its end.
    """

    title: str
    estimated: float
    rows: float | None = None
    loops: float = 1
    seconds: float | None = None
    own: float | None = None
    hit: int | None = None
    read: int | None = None
    io: float | None = None
    notes: tuple[str, ...] = ()
    children: tuple["Node", ...] = ()
    cut: bool = False

    @property
    def misjudged(self) -> bool:
        """Whether PostgreSQL expected far more or far fewer rows than came; fewer are no wonder where nobody wanted the rest."""
        if self.rows is None or max(self.rows, self.estimated) <= FEW or (self.cut and self.rows < self.estimated):
            return False
        more, fewer = max(self.rows, self.estimated), max(min(self.rows, self.estimated), 1)
        return more / fewer >= MISJUDGED


@dataclass(frozen=True, slots=True)
class Drawn:
    """A node and where it stands: its level, for each level above whether more follows, and whether it is the last."""

    node: Node
    level: int
    above: tuple[bool, ...] = ()
    last: bool = True


def tree(plan: Mapping[str, Any] | Sequence[Any] | None) -> Node | None:
    """A plan as PostgreSQL writes it; None where it is none."""
    if isinstance(plan, Sequence) and not isinstance(plan, str) and plan:
        plan = plan[0]
    if not isinstance(plan, Mapping):
        return None
    top = plan.get("Plan", plan)
    if not isinstance(top, Mapping) or "Node Type" not in top:
        return None
    return _node(top, dict(_ctes(top)))


def _ctes(plan: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What each CTE took: it runs when it is scanned, so that is part of its scan, and not of the node that it hangs below."""
    for each in plan.get("Plans") or ():
        if isinstance(each, Mapping):
            name = str(each.get("Subplan Name", ""))
            if name.startswith(_CTE):
                yield name.removeprefix(_CTE), _seconds(each) or 0.0
            yield from _ctes(each)


_CTE = "CTE "
_READ_ALL = frozenset({"Sort", "Aggregate", "Hash", "Materialize", "WindowAgg", "SetOp", "ModifyTable"})
"""Nodes that read all that is below them before they give anything."""


def _seconds(plan: Mapping[str, Any]) -> float | None:
    loops = plan.get("Actual Loops")
    return _times(plan.get("Actual Total Time"), (loops if isinstance(loops, int | float) else 1.0) / 1000)


def triggers(plan: Mapping[str, Any] | None) -> list[str]:
    """The triggers that fired, with their time and how often."""
    fired = plan.get("Triggers") if isinstance(plan, Mapping) else None
    return [_trigger(each) for each in fired or () if isinstance(each, Mapping)]


def _trigger(fired: Mapping[str, Any]) -> str:
    name = fired.get("Trigger Name") or fired.get("Constraint Name") or "trigger"
    took = f", {fired['Time']} ms" if "Time" in fired else ""
    return f"{name} on {fired.get('Relation', '?')}: {fired.get('Calls', '?')} times{took}"


def _node(plan: Mapping[str, Any], ctes: dict[str, float], *, cut: bool = False) -> Node:
    inner = [each for each in plan.get("Plans") or () if isinstance(each, Mapping)]
    kind = plan["Node Type"]
    below_cut = kind == "Limit" or (cut and kind not in _READ_ALL)
    children = tuple(_node(each, ctes, cut=below_cut) for each in inner)
    loops = _float(plan.get("Actual Loops"))
    factor = 1.0 if loops is None else loops
    seconds = _seconds(plan)
    below = sum(_seconds(each) or 0.0 for each in inner if not str(each.get("Subplan Name", "")).startswith(_CTE))
    name = str(plan.get("CTE Name"))
    if ctes.get(name, 0.0) <= (seconds or 0.0):
        below += ctes.pop(name, 0.0)
    return Node(
        title=_title(plan),
        estimated=_times(plan.get("Plan Rows"), max(factor, 1.0)) or 0.0,
        rows=_times(plan.get("Actual Rows"), factor),
        loops=factor,
        seconds=seconds,
        own=None if seconds is None else max(seconds - below, 0.0),
        hit=_int(plan.get("Shared Hit Blocks")),
        read=_int(plan.get("Shared Read Blocks")),
        io=_times(plan.get("Shared I/O Read Time", plan.get("I/O Read Time")), 0.001),
        notes=tuple(_notes(plan)),
        children=children,
        cut=cut,
    )


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _times(value: object, factor: float) -> float | None:
    return value * factor if isinstance(value, int | float) else None


def _title(plan: Mapping[str, Any]) -> str:
    kind = str(plan["Node Type"])
    if kind == "ModifyTable":
        kind = str(plan.get("Operation", kind))
    join = plan.get("Join Type")
    name = f"{plan['Subplan Name']}: " if "Subplan Name" in plan else ""
    words = [name + f"{kind} ({join.lower()})" if isinstance(join, str) and join != "Inner" else name + kind]
    if "Index Name" in plan:
        words.append(f"using {plan['Index Name']}")
    if place := plan.get("Relation Name") or plan.get("Function Name") or plan.get("CTE Name"):
        words.append(f"on {place}")
    alias = plan.get("Alias")
    return " ".join([*words, str(alias)] if alias and alias != place and place else words)


def _notes(plan: Mapping[str, Any]) -> Iterator[str]:
    for name in _CONDITIONS:
        if name in plan:
            yield f"{name}: {_words(plan[name])}"
    if "Sort Method" in plan:
        where = str(plan.get("Sort Space Type", "memory")).lower()
        yield f"Sort Method: {plan['Sort Method']}, {plan.get('Sort Space Used', '?')} kB in {where}"
    yield from (f"{name}: {plan[name]:,}" for name in _COUNTS if isinstance(plan.get(name), int) and plan[name])


def _words(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def walk(node: Node, above: tuple[bool, ...] | None = None, *, last: bool = True) -> Iterator[Drawn]:
    """The nodes from top to bottom, each with its place in the tree: one entry in ``above`` for each level, the top not counted."""
    yield Drawn(node, 0 if above is None else len(above) + 1, above or (), last)
    inner = () if above is None else (*above, not last)
    for index, child in enumerate(node.children):
        yield from walk(child, inner, last=index == len(node.children) - 1)
