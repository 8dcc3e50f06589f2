"""A plan as a tree of nodes, and what it touches."""

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]

_COMMANDS = {"Insert": "a", "Update": "w", "Delete": "d"}
"""PostgreSQL's letters for commands in ``pg_policy.polcmd``; a merge is whatever its parts are."""


def nodes(plan: Mapping[str, Any] | None) -> Iterator[Node]:
    """All nodes of a plan, the topmost first. ``plan`` is the whole object, with ``Plan`` in it."""
    waiting = [plan["Plan"]] if plan and "Plan" in plan else []
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting += node.get("Plans", ())


def touched(plan: Mapping[str, Any] | None) -> dict[tuple[str, str], frozenset[str]]:
    """The tables of a plan, as schema and name, with what is done to them, as PostgreSQL's letters: ``r`` read, ``a`` insert, …"""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for node in nodes(plan):
        if "Relation Name" in node and "Schema" in node:
            key = (node["Schema"], node["Relation Name"])
            found[key] = found.get(key, frozenset()) | _commands(node)
    return found


def _commands(node: Node) -> frozenset[str]:
    if node["Node Type"] != "ModifyTable":
        return frozenset("r")
    operation = _COMMANDS.get(node.get("Operation", ""))
    updates = frozenset("w") if node.get("Conflict Resolution") == "UPDATE" else frozenset[str]()
    return (frozenset(operation) if operation else frozenset("awd")) | updates
