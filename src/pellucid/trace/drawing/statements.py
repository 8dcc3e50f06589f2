"""Below the bands: statements with their plans."""

import re
from collections.abc import Iterator
from functools import partial

from pellucid.trace.document import Statement, Trace
from pellucid.trace.drawing.canvas import MARGIN, MONO, SANS, WIDTH, Canvas, fit, wrapped
from pellucid.trace.drawing.panel import LEFT, LINE, line, panel
from pellucid.trace.page import duration, number
from pellucid.trace.plans import tree_of
from pellucid.trace.plantree import Drawn, triggers, walk
from pellucid.trace.sections import lock_told, measures, titled

_STEP = 20
_MOST_LINES = 24
_KEYWORDS = re.compile(
    r"(?i)\b(select|insert|into|update|delete|from|where|join|left|right|full|inner|cross|lateral|on|and|or|not|in|is|null|as|with|values|set|"
    r"returning|order|by|group|having|limit|offset|union|all|distinct|case|when|then|else|end|exists|using|desc|asc|conflict|do|nothing)\b"
)


def draw_statements(canvas: Canvas, trace: Trace) -> None:
    """Each statement in a panel of its own."""
    for title, statement, words in titled(trace):
        panel(canvas, title, "  ·  ".join(words), partial(_statement, statement=statement, left=LEFT))


def _measures(statement: Statement) -> str:
    return "  ·  ".join(measures(statement))


def _statement(canvas: Canvas, statement: Statement, left: float) -> None:
    _sql(canvas, statement.sql, left)
    if statement.parameters:
        shown = "   ".join(
            f"${place} = {'NULL' if each is None else each}" for place, each in enumerate(statement.parameters, 1)
        )
        line(canvas, left, fit(shown, WIDTH - MARGIN - 18 - left), "m d")
    _plan(canvas, statement, left)
    for label, words, style in _around(statement):
        canvas.text(left, canvas.y + 13, label, "b")
        canvas.text(left + 62, canvas.y + 13, fit(words, WIDTH - MARGIN - 80 - left, SANS), style)
        canvas.y += LINE
    for nested in statement.nested:
        line(canvas, left, f"inside of it  ·  {_measures(nested)}", "d")
        _statement(canvas, nested, left + _STEP)


def _around(statement: Statement) -> Iterator[tuple[str, str, str]]:
    yield from (("trigger", each, "") for each in triggers(statement.plan))
    yield from (("policy", each, "") for each in statement.policies)
    yield from (("lock", lock_told(each), "bad" if each.waited or not each.granted else "") for each in statement.locks)


def _sql(canvas: Canvas, sql: str, left: float) -> None:
    lines = [
        part
        for each in sql.strip().splitlines()
        for part in (wrapped(each, WIDTH - MARGIN - 18 - left, MONO) if each.strip() else [])
    ]
    for text in lines[:_MOST_LINES]:
        canvas.spans(left, canvas.y + 13, _coloured(text), "m")
        canvas.y += LINE
    if len(lines) > _MOST_LINES:
        line(canvas, left, f"… and {len(lines) - _MOST_LINES} lines more", "d")
    canvas.y += 4


def _coloured(sql: str) -> Iterator[tuple[str, str]]:
    reached = 0
    for word in _KEYWORDS.finditer(sql):
        yield sql[reached : word.start()], ""
        yield word.group(), "k"
        reached = word.end()
    yield sql[reached:], ""


# -- the plan ---------------------------------------------------------------------------------------------------------

_ROW = 22
_COLUMNS = (("time", 640), ("rows", 720), ("expected", 800), ("cached", 868), ("read", 926))
_HEAT_AT, _HEAT = 944, 150


def _plan(canvas: Canvas, statement: Statement, left: float) -> None:
    top = tree_of(statement.plan)
    if top is None:
        return
    canvas.y += 4
    for name, x in _COLUMNS:
        canvas.text(MARGIN + x, canvas.y + 12, name, "d", anchor="end")
    canvas.text(MARGIN + _HEAT_AT + 14, canvas.y + 12, "by itself", "d")
    canvas.y += LINE
    nodes = list(walk(top))
    most = max((each.node.own or 0.0 for each in nodes), default=0.0)
    parents: dict[int, float] = {}
    for each in nodes:
        _branch(canvas, each, left, parents)
        _node(canvas, each, left, most)
    canvas.y += 4


def _branch(canvas: Canvas, each: Drawn, left: float, parents: dict[int, float]) -> None:
    """The line from a node's parent, whose place is remembered by its level."""
    if each.level:
        x = left + _STEP * (each.level - 1) + 6
        canvas.path(f"M{x:g} {parents[each.level - 1]:g}V{canvas.y + 11:g}h{_STEP - 8}", "tree")
    parents[each.level] = canvas.y + 18


def _node(canvas: Canvas, each: Drawn, left: float, most: float) -> None:
    node, x = each.node, left + _STEP * each.level + (2 if each.level else 0)
    leads = most > 0 and node.own == most
    y = canvas.y + 15
    canvas.text(x, y, fit(each.title, MARGIN + _COLUMNS[0][1] - 70 - x, SANS), "b" if leads else "")
    figures = (
        "" if node.seconds is None else duration(node.seconds),
        "" if node.rows is None else number(node.rows),
        number(node.estimated),
        "" if each.hit is None else f"{each.hit:,}",
        "" if each.read is None else f"{each.read:,}",
    )
    for (name, at), figure in zip(_COLUMNS, figures, strict=True):
        canvas.text(
            MARGIN + at, y, figure, "m bad b" if node.misjudged and name in {"rows", "expected"} else "m", anchor="end"
        )
    if node.own is not None and most > 0:
        canvas.box(MARGIN + _HEAT_AT + 14, y - 10, max(_HEAT * node.own / most, 1.5), 12, "heat" if leads else "heat soft", round_=3,
            title=f"{duration(node.own)} by itself")  # fmt: skip
    canvas.y += _ROW
    for note in each.notes:
        canvas.text(x + 20, canvas.y + 11, fit(note, WIDTH - MARGIN - 40 - x, SANS), "d")
        canvas.y += 17
