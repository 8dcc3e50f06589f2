"""A plan as a tree that can be drawn: what each node is called, what is to be noted of it, and where it stands."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from pellucid.trace.plans import Node

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


class Drawn(Struct, frozen=True):
    """A node and where it stands: its level, for each level above whether more follows, and whether it is the last."""

    node: Node
    level: int
    above: tuple[bool, ...] = ()
    last: bool = True

    @property
    def title(self) -> str:
        """What the node is called, nearly as PostgreSQL has it where it writes a plan as text."""
        raw = self.node.raw
        kind = str(raw.get("Operation", self.node.kind)) if self.node.kind == "ModifyTable" else self.node.kind
        join = raw.get("Join Type")
        name = f"{raw['Subplan Name']}: " if "Subplan Name" in raw else ""
        words = [name + f"{kind} ({join.lower()})" if isinstance(join, str) and join != "Inner" else name + kind]
        if "Index Name" in raw:
            words.append(f"using {raw['Index Name']}")
        if place := raw.get("Relation Name") or raw.get("Function Name") or raw.get("CTE Name"):
            words.append(f"on {place}")
        alias = raw.get("Alias")
        return " ".join([*words, str(alias)] if alias and alias != place and place else words)

    @property
    def notes(self) -> tuple[str, ...]:
        """Its conditions and how it went about them."""
        return tuple(_notes(self.node.raw))

    @property
    def hit(self) -> int | None:
        """Pages that were in PostgreSQL's memory; None where nobody counted."""
        return _int(self.node.raw.get("Shared Hit Blocks"))

    @property
    def read(self) -> int | None:
        """Pages that had to be read; None where nobody counted."""
        return _int(self.node.raw.get("Shared Read Blocks"))

    @property
    def io(self) -> float | None:
        """Seconds that the reading took; None where nobody measured."""
        raw = self.node.raw
        taken = raw.get("Shared I/O Read Time", raw.get("I/O Read Time"))
        return taken / 1000 if isinstance(taken, int | float) else None


def walk(node: Node, above: tuple[bool, ...] | None = None, *, last: bool = True) -> Iterator[Drawn]:
    """The nodes from top to bottom, each with its place in the tree: one entry in ``above`` for each level, the top not counted."""
    yield Drawn(node, 0 if above is None else len(above) + 1, above or (), last)
    inner = () if above is None else (*above, not last)
    for index, child in enumerate(node.children):
        yield from walk(child, inner, last=index == len(node.children) - 1)


def triggers(plan: Mapping[str, Any] | None) -> list[str]:
    """The triggers that fired, with their time and how often."""
    fired = plan.get("Triggers") if isinstance(plan, Mapping) else None
    return [_trigger(each) for each in fired or () if isinstance(each, Mapping)]


def _trigger(fired: Mapping[str, Any]) -> str:
    name = fired.get("Trigger Name") or fired.get("Constraint Name") or "trigger"
    took = f", {fired['Time']} ms" if "Time" in fired else ""
    return f"{name} on {fired.get('Relation', '?')}: {fired.get('Calls', '?')} times{took}"


def _notes(raw: Mapping[str, Any]) -> Iterator[str]:
    for name in _CONDITIONS:
        if name in raw:
            yield f"{name}: {_words(raw[name])}"
    if "Sort Method" in raw:
        where = str(raw.get("Sort Space Type", "memory")).lower()
        yield f"Sort Method: {raw['Sort Method']}, {raw.get('Sort Space Used', '?')} kB in {where}"
    yield from (f"{name}: {raw[name]:,}" for name in _COUNTS if isinstance(raw.get(name), int) and raw[name])


def _words(value: object) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
