"""Where a token names its role: a path into its claims (JSONPath, RFC 9535), and the older notation of PostgREST.

Read: names, indices, wildcards, slices, lists of these, descendants, and filters that compare, test for being there, or ``search``
with a regular expression. Of the functions of the standard there is ``search`` alone, as in PostgREST.
"""

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from msgspec import Struct

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
NOTHING = object()
"""What a path gives that leads nowhere."""


class Selector(Protocol):
    """Finds some of a node's children."""

    def __call__(self, node: Any, root: Any) -> Iterator[Any]:
        """The children that it selects, in order."""
        ...


class Segment(Struct, frozen=True):
    """A step of a path: from a node to the children that any of the selectors finds, or also to theirs (``deep``)."""

    selectors: tuple[Selector, ...]
    deep: bool = False

    def step(self, node: Any, root: Any) -> Iterator[Any]:
        """The nodes behind this step."""
        for start in _descendants(node) if self.deep else (node,):
            for select in self.selectors:
                yield from select(start, root)


class ClaimPath(Struct, frozen=True):
    """A path from the root (``$``), or within a filter from the node that is tested (``@``)."""

    segments: tuple[Segment, ...]
    relative: bool = False

    def first(self, claims: Any) -> Any:
        """The first value that the path leads to, or `NOTHING`."""
        return next(self.values(claims, claims), NOTHING)

    def values(self, node: Any, root: Any) -> Iterator[Any]:
        """Every value that the path leads to."""
        nodes = iter((node if self.relative else root,))
        for segment in self.segments:
            nodes = _stepped(nodes, segment, root)
        return nodes


def _stepped(nodes: Iterator[Any], segment: Segment, root: Any) -> Iterator[Any]:
    for node in nodes:
        yield from segment.step(node, root)


def _descendants(node: Any) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting.extend(reversed(_children(here)))


def _children(node: Any) -> list[Any]:
    match node:
        case dict():
            return list(node.values())
        case list():
            return node
        case _:
            return []


# -- selectors --------------------------------------------------------------------------------------------------------


class Name(Struct, frozen=True):
    """The member of an object of this name."""

    name: str

    def __call__(self, node: Any, root: Any) -> Iterator[Any]:
        """Select it."""
        if isinstance(node, dict) and self.name in node:
            yield node[self.name]


class Index(Struct, frozen=True):
    """The element of an array at this place; below zero from its end."""

    index: int

    def __call__(self, node: Any, root: Any) -> Iterator[Any]:
        """Select it."""
        if isinstance(node, list) and -len(node) <= self.index < len(node):
            yield node[self.index]


class Slice(Struct, frozen=True):
    """Every so many elements of an array, as Python counts them."""

    start: int | None
    stop: int | None
    step: int | None

    def __call__(self, node: Any, root: Any) -> Iterator[Any]:
        """Select them."""
        if isinstance(node, list) and self.step != 0:
            yield from node[self.start : self.stop : self.step]


def wildcard(node: Any, root: Any) -> Iterator[Any]:
    """Every child."""
    yield from _children(node)


class Filter(Struct, frozen=True):
    """The children for which a condition holds."""

    condition: Callable[[Any, Any], bool]

    def __call__(self, node: Any, root: Any) -> Iterator[Any]:
        """Select them."""
        return (child for child in _children(node) if self.condition(child, root))


# -- conditions -------------------------------------------------------------------------------------------------------

Operand = Callable[[Any, Any], Any]


class Literal(Struct, frozen=True):
    """A value that stands in the path itself."""

    value: Any

    def __call__(self, node: Any, root: Any) -> Any:
        """Give the value."""
        return self.value


class Found(Struct, frozen=True):
    """The value that a path leads to."""

    path: ClaimPath

    def __call__(self, node: Any, root: Any) -> Any:
        """Give the value, or `NOTHING`."""
        return next(self.path.values(node, root), NOTHING)


class Exists(Struct, frozen=True):
    """Whether a path leads anywhere."""

    path: ClaimPath

    def __call__(self, node: Any, root: Any) -> bool:
        """Look."""
        return next(self.path.values(node, root), NOTHING) is not NOTHING


class Compared(Struct, frozen=True):
    """Whether two values compare. Only numbers and texts have an order, each among themselves; true is not 1."""

    left: Operand
    compare: str
    right: Operand

    def __call__(self, node: Any, root: Any) -> bool:
        """Compare."""
        left, right = self.left(node, root), self.right(node, root)
        if self.compare in ("==", "!="):
            return (_kind(left) is _kind(right) and left == right) is (self.compare == "==")
        return _kind(left) is _kind(right) and _kind(left) in (str, float) and COMPARISONS[self.compare](left, right)


class Searched(Struct, frozen=True):
    """Whether a regular expression is found in a text."""

    subject: Operand
    pattern: re.Pattern[str]

    def __call__(self, node: Any, root: Any) -> bool:
        """Search."""
        subject = self.subject(node, root)
        return isinstance(subject, str) and self.pattern.search(subject) is not None


class Combined(Struct, frozen=True):
    """Whether all of some conditions hold, or any; or, of one, whether it does not."""

    how: Callable[[Iterator[bool]], bool]
    conditions: tuple[Callable[[Any, Any], bool], ...]

    def __call__(self, node: Any, root: Any) -> bool:
        """Put them together."""
        return self.how(condition(node, root) for condition in self.conditions)


def _kind(value: Any) -> Any:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
