"""Below the bands: statements with their plans, the records of the log, the page, and what could not be seen."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from pellucid.trace.document import Commit, Place, Record, Statement, Trace
from pellucid.trace.drawing.canvas import INNER, MARGIN, MONO, SANS, WIDTH, Canvas, fit, wrapped
from pellucid.trace.page import duration, number, plural, size
from pellucid.trace.plantree import Drawn, tree, triggers, walk
from pellucid.trace.sections import lock_told, measures, titled

_LINE = 18
_LEFT = MARGIN + 18
_ROOM = INNER - 36
_STEP = 20
_TITLE = 9.4
"""How wide a letter of a panel's title is."""
_MOST_LINES = 24
_KEYWORDS = re.compile(
    r"(?i)\b(select|insert|into|update|delete|from|where|join|left|right|full|inner|cross|lateral|on|and|or|not|in|is|null|as|with|values|set|"
    r"returning|order|by|group|having|limit|offset|union|all|distinct|case|when|then|else|end|exists|using|desc|asc|conflict|do|nothing)\b"
)


def draw_statements(canvas: Canvas, trace: Trace) -> None:
    """Each statement in a panel of its own."""
    for title, statement, words in titled(trace):
        _panel(canvas, title, "  ·  ".join(words), partial(_statement, statement=statement, left=_LEFT))


def _panel(canvas: Canvas, title: str, words: str, draw: Callable[[Canvas], None]) -> None:
    """A panel as high as what is drawn in it."""
    top, mark = canvas.y, canvas.mark()
    canvas.text(_LEFT, top + 28, title, "t postgres")
    behind = len(title) * _TITLE + 16
    canvas.text(_LEFT + behind, top + 28, fit(words, _ROOM - behind, SANS), "d")
    canvas.y = top + 40
    draw(canvas)
    canvas.y += 10
    canvas.behind(mark, MARGIN, top, INNER, canvas.y - top)
    canvas.y += 14


def _measures(statement: Statement) -> str:
    return "  ·  ".join(measures(statement))


def _statement(canvas: Canvas, statement: Statement, left: float) -> None:
    _sql(canvas, statement.sql, left)
    if statement.parameters:
        shown = "   ".join(
            f"${place} = {'NULL' if each is None else each}" for place, each in enumerate(statement.parameters, 1)
        )
        _line(canvas, left, fit(shown, WIDTH - MARGIN - 18 - left), "m d")
    _plan(canvas, statement, left)
    for label, words, style in _around(statement):
        canvas.text(left, canvas.y + 13, label, "b")
        canvas.text(left + 62, canvas.y + 13, fit(words, WIDTH - MARGIN - 80 - left, SANS), style)
        canvas.y += _LINE
    for nested in statement.nested:
        _line(canvas, left, f"inside of it  ·  {_measures(nested)}", "d")
        _statement(canvas, nested, left + _STEP)


def _line(canvas: Canvas, x: float, text: str, kind: str = "") -> None:
    canvas.text(x, canvas.y + 13, text, kind)
    canvas.y += _LINE


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
        canvas.y += _LINE
    if len(lines) > _MOST_LINES:
        _line(canvas, left, f"… and {len(lines) - _MOST_LINES} lines more", "d")
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
    top = tree(statement.plan)
    if top is None:
        return
    canvas.y += 4
    for name, x in _COLUMNS:
        canvas.text(MARGIN + x, canvas.y + 12, name, "d", anchor="end")
    canvas.text(MARGIN + _HEAT_AT + 14, canvas.y + 12, "by itself", "d")
    canvas.y += _LINE
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
    canvas.text(x, y, fit(node.title, MARGIN + _COLUMNS[0][1] - 70 - x, SANS), "b" if leads else "")
    figures = (
        "" if node.seconds is None else duration(node.seconds),
        "" if node.rows is None else number(node.rows),
        number(node.estimated),
        "" if node.hit is None else f"{node.hit:,}",
        "" if node.read is None else f"{node.read:,}",
    )
    for (name, at), figure in zip(_COLUMNS, figures, strict=True):
        canvas.text(
            MARGIN + at, y, figure, "m bad b" if node.misjudged and name in {"rows", "expected"} else "m", anchor="end"
        )
    if node.own is not None and most > 0:
        canvas.box(MARGIN + _HEAT_AT + 14, y - 10, max(_HEAT * node.own / most, 1.5), 12, "heat" if leads else "heat soft", round_=3,
            title=f"{duration(node.own)} by itself")  # fmt: skip
    canvas.y += _ROW
    for note in node.notes:
        canvas.text(x + 20, canvas.y + 11, fit(note, WIDTH - MARGIN - 40 - x, SANS), "d")
        canvas.y += 17


# -- log and page -----------------------------------------------------------------------------------------------------

_CELL = _ROOM / 64
_CELLS = {"h": "c-h", "l": "c-l", ".": "c-f", "r": "c-r", "*": "c-s"}
_LEGEND = (("h", "header"), ("l", "line pointers"), (".", "free"), ("r", "rows"), ("*", "this row"))
_MOST_RECORDS = 12


def draw_commits(canvas: Canvas, trace: Trace) -> None:
    """Each commit in a panel: its log, and where the rows lie."""
    for commit in trace.commits:
        words = f"log from {commit.before} to {commit.after}  ·  {size(commit.size)} in {plural(len(commit.records), 'record')}"
        words += f"  ·  transaction {commit.xid}" if commit.xid else ""
        _panel(canvas, "Commit", words, partial(_commit, commit=commit))


def _commit(canvas: Canvas, commit: Commit) -> None:
    if commit.records:
        _strip(canvas, commit.records)
    for record in commit.records[:_MOST_RECORDS]:
        canvas.text(_LEFT, canvas.y + 13, record.lsn, "m d")
        canvas.text(_LEFT + 120, canvas.y + 13, fit(f"{record.manager} {record.kind}", 190, SANS), "b")
        canvas.text(_LEFT + 370, canvas.y + 13, size(record.length), "m", anchor="end")
        canvas.text(
            _LEFT + 390, canvas.y + 13, fit("  ".join((record.description, record.blocks)), _ROOM - 400, SANS), "d"
        )
        canvas.y += _LINE
    if len(commit.records) > _MOST_RECORDS:
        _line(canvas, _LEFT, f"and {len(commit.records) - _MOST_RECORDS} more", "d")
    for place in commit.places:
        _place(canvas, place)


def _strip(canvas: Canvas, records: tuple[Record, ...]) -> None:
    """The records one behind the other, as they lie in the log, each as long as it is."""
    whole = sum(record.length for record in records) or 1
    x = float(_LEFT)
    for index, record in enumerate(records):
        width = _ROOM * record.length / whole
        canvas.box(x, canvas.y, width - 2, 14, "postgres" if index % 2 else "postgres soft", round_=3,
            title=f"{record.manager} {record.kind}, {size(record.length)}")  # fmt: skip
        x += width
    canvas.y += 22


def _place(canvas: Canvas, place: Place) -> None:
    canvas.y += 6
    canvas.spans(
        _LEFT,
        canvas.y + 13,
        [(place.table, "b"), (f"   {place.file}, page {place.page}, line pointer {place.line}", "")],
    )
    canvas.text(
        WIDTH - MARGIN - 18,
        canvas.y + 13,
        f"{plural(place.rows, 'row')} on the page, {size(place.free)} free",
        "d",
        anchor="end",
    )
    canvas.y += 24
    for index, letter in enumerate(place.picture):
        canvas.box(
            _LEFT + _CELL * (index % 64),
            canvas.y + _CELL * (index // 64),
            _CELL,
            _CELL,
            f"cell {_CELLS.get(letter, 'c-f')}",
            round_=3,
        )
    if place.picture:
        canvas.y += _CELL * ((len(place.picture) - 1) // 64 + 1) + 8
        _legend(canvas)


def _legend(canvas: Canvas) -> None:
    x = float(_LEFT)
    for letter, words in _LEGEND:
        canvas.box(x, canvas.y + 3, 11, 11, f"cell {_CELLS[letter]}", round_=3)
        canvas.text(x + 17, canvas.y + 13, words, "d")
        x += 40 + len(words) * SANS
    canvas.y += _LINE


def draw_missing(canvas: Canvas, trace: Trace) -> None:
    """What could not be seen, and what would let it be seen."""
    if not trace.missing:
        return
    _panel(canvas, "Not seen", "", partial(_missing, trace=trace))


def _missing(canvas: Canvas, trace: Trace) -> None:
    for each in trace.missing:
        for line in wrapped(f"{each.what}: {each.why}", _ROOM):
            _line(canvas, _LEFT, line)
        for line in wrapped(f"→ {each.remedy}", _ROOM) if each.remedy else ():
            _line(canvas, _LEFT, line, "good")
