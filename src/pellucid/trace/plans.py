"""PostgreSQL's plans (EXPLAIN, FORMAT JSON) as trees of nodes: what was expected of each, and what it did. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

MISJUDGED = 10
"""How many times too many or too few rows make an estimate a bad one,"""
FEW = 100
"""unless there are no more than these either way."""

_CTE = "CTE "
_GATHERS = frozenset({"Gather", "Gather Merge"})
_READ_ALL = frozenset({"Sort", "Aggregate", "Hash", "Materialize", "WindowAgg", "SetOp", "ModifyTable"})
"""Nodes that read all that is below them before they give anything."""


class Node(Struct, frozen=True):
    """One node of a plan. Figures that were not measured are None.

    ``rows``, ``estimated`` and ``removed`` are of all its loops together; ``seconds`` too, but where processes ran side by side they are
    counted once. ``own`` are the seconds without those of the nodes below. ``cost`` is the planner's, in its own unit. ``cut`` is whether a
    limit above may have stopped it before its end. ``raw`` is PostgreSQL's own object.
    """

    kind: str
    raw: Mapping[str, Any]
    estimated: float
    rows: float | None
    removed: float
    loops: float
    seconds: float | None
    own: float | None
    cost: float
    cut: bool
    children: tuple["Node", ...]

    @property
    def measured(self) -> bool:
        """Whether it ran while somebody measured; otherwise there are only estimates."""
        return self.rows is not None

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
        return (self.rows or 0.0) + self.removed

    @property
    def misjudged(self) -> bool:
        """Whether PostgreSQL expected far more or far fewer rows than came; fewer are no wonder where nobody wanted the rest.

        It never expects fewer than one row each time, and of a node that did not run nothing can be said.
        """
        if self.rows is None or not self.loops or (self.cut and self.rows < self.estimated):
            return False
        more, fewer = max(self.rows, self.estimated), max(min(self.rows, self.estimated), self.loops)
        return more > FEW and more / fewer >= MISJUDGED


def tree_of(plan: Mapping[str, Any] | Sequence[Any] | None) -> Node | None:
    """The topmost node of a plan as PostgreSQL writes it; None where it is none."""
    if isinstance(plan, Sequence) and not isinstance(plan, str) and plan:
        plan = plan[0]
    top = plan.get("Plan", plan) if isinstance(plan, Mapping) else None
    if not isinstance(top, Mapping) or "Node Type" not in top:
        return None
    return _node(top, dict(_ctes(top)))


def nodes_of(plan: Mapping[str, Any] | Sequence[Any] | None) -> tuple[Node, ...]:
    """All nodes of a plan, each before those below it; none where there is no plan."""
    top = tree_of(plan)
    return () if top is None else tuple(_below(top))


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _below(child)


def _node(raw: Mapping[str, Any], ctes: dict[str, float], processes: float = 1.0, *, cut: bool = False) -> Node:
    """A node with those below. ``ctes`` are the seconds of CTEs that no scan has been found for, and ``processes`` run it side by side."""
    kind = str(raw["Node Type"])
    cut_below = kind == "Limit" or (cut and kind not in _READ_ALL)
    children = tuple(_node(each, ctes, _beside(raw, each, processes), cut=cut_below) for each in _children(raw))
    loops, rows, seconds = _loops(raw), _float(raw.get("Actual Rows")), _seconds(raw, processes)
    below = sum(each.seconds or 0.0 for each in children if _cte(each.raw) is None)
    name = str(raw.get("CTE Name"))
    if ctes.get(name, 0.0) <= (seconds or 0.0):
        below += ctes.pop(name, 0.0)
    return Node(
        kind=kind,
        raw=raw,
        estimated=(_float(raw.get("Plan Rows")) or 0.0) * max(loops, 1.0),
        rows=None if rows is None else rows * loops,
        removed=(_float(raw.get("Rows Removed by Filter")) or 0.0) * loops,
        loops=loops,
        seconds=seconds,
        own=None if seconds is None else max(seconds - below, 0.0),
        cost=_float(raw.get("Total Cost")) or 0.0,
        cut=cut,
        children=children,
    )


def _children(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in raw.get("Plans") or () if isinstance(each, Mapping)]


def _ctes(raw: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What each CTE took: it runs when it is scanned, so that is part of its scan, and not of the node that it hangs below."""
    for each in _children(raw):
        if (name := _cte(each)) is not None:
            yield name, _seconds(each) or 0.0
        yield from _ctes(each)


def _cte(raw: Mapping[str, Any]) -> str | None:
    name = str(raw.get("Subplan Name", ""))
    return name.removeprefix(_CTE) if name.startswith(_CTE) else None


def _beside(parent: Mapping[str, Any], child: Mapping[str, Any], processes: float) -> float:
    """In how many processes a child runs at the same time: below a ``Gather`` PostgreSQL counts a loop for each.

    What is worked out beforehand (an InitPlan) runs in one.
    """
    if child.get("Parent Relationship") == "InitPlan":
        return 1.0
    if parent.get("Node Type") not in _GATHERS:
        return processes
    loops = _loops(child) / max(1.0, _loops(parent))
    return max(1.0, min(loops, (_float(parent.get("Workers Launched")) or 0.0) + 1.0))


def _loops(raw: Mapping[str, Any]) -> float:
    loops = _float(raw.get("Actual Loops"))
    return 1.0 if loops is None else loops


def _seconds(raw: Mapping[str, Any], processes: float = 1.0) -> float | None:
    each = _float(raw.get("Actual Total Time"))
    return None if each is None else each * _loops(raw) / processes / 1000


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
