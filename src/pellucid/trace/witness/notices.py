"""The plans that auto_explain sends: which statement each is of, and which statements ran inside of others."""

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from pellucid.trace.document import Statement
from pellucid.trace.witness.masking import Masked, anonymous, plan

OURS = "/* pellucid looks */"
"""Stands in the statements of a witness itself, which are nobody's business."""

MOST = 100
"""Different nested statements that are kept of one."""

_DURATION = re.compile(r"([\d.]+) ms")
_TEXT = re.compile(r'"Query Text": ("(?:[^"\\]|\\.)*")')


class Told(Struct):
    """All that was told of one statement's text: how often it ran, how long in all, and the plan of the slowest time."""

    sql: str
    calls: int = 0
    seconds: float = 0.0
    slowest: float = -1.0
    message: str = ""

    def hear(self, seconds: float, message: str) -> None:
        """It ran once more."""
        self.calls += 1
        self.seconds += seconds
        if seconds > self.slowest:
            self.slowest, self.message = seconds, message

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan, with its constants; `masking.plan` takes them out."""
        told: Mapping[str, Any] = json.loads(self.message[self.message.index("{") :])
        return told


class Notices:
    """Hears a connection's notices. PostgreSQL tells of a statement when it ends, so those inside of it come first."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def hear(self, _connection: object, message: Any) -> None:
        """Hear one notice; a listener of asyncpg. Whatever is no plan is passed over."""
        told = told_in(message.message or "")
        if told is None or OURS in told.sql:
            return
        if told.sql in self._told:
            self._told[told.sql].hear(told.seconds, told.message)
        elif len(self._told) < MOST:
            self._told[told.sql] = told

    def take(self, sql: str) -> tuple[Told | None, tuple[Told, ...]]:
        """What was told of a statement and of those inside of it, since the last time that this was asked."""
        told, self._told = self._told, {}
        return told.pop(sql, None), tuple(told.values())


def told_in(text: str) -> Told | None:
    """The plan in a notice; None where there is none. The sentence around it is in the server's language."""
    duration, query = _DURATION.search(text, 0, 200), _TEXT.search(text)
    if duration is None or query is None:
        return None
    told = Told(json.loads(query[1]))
    told.hear(float(duration[1]) / 1000, text)
    return told


def nested(told: Told) -> Statement:
    """A statement that ran inside of another one, as it may be shown: without constants, for a function may have put any value there."""
    return Statement(
        anonymous(told.sql),
        seconds=told.seconds,
        execution=told.seconds,
        plan=plan(told.plan, Masked()),
        rows=None,
        calls=told.calls,
    )
