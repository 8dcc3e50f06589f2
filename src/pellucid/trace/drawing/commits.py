"""Below the statements: the records of the log, the page, and what could not be seen."""

from functools import partial

from pellucid.trace.document import Commit, Place, Record, Trace
from pellucid.trace.drawing.canvas import MARGIN, SANS, WIDTH, Canvas, fit, wrapped
from pellucid.trace.drawing.panel import LEFT, LINE, ROOM, line, panel
from pellucid.trace.page import plural, size

_CELL = ROOM / 64
_CELLS = {"h": "c-h", "l": "c-l", ".": "c-f", "r": "c-r", "*": "c-s"}
_LEGEND = (("h", "header"), ("l", "line pointers"), (".", "free"), ("r", "rows"), ("*", "this row"))
_MOST_RECORDS = 12


def draw_commits(canvas: Canvas, trace: Trace) -> None:
    """Each commit in a panel: its log, and where the rows lie."""
    for commit in trace.commits:
        words = f"log from {commit.before} to {commit.after}  ·  {size(commit.size)} in {plural(len(commit.records), 'record')}"
        words += f"  ·  transaction {commit.xid}" if commit.xid else ""
        panel(canvas, "Commit", words, partial(_commit, commit=commit))


def _commit(canvas: Canvas, commit: Commit) -> None:
    if commit.records:
        _strip(canvas, commit.records)
    for record in commit.records[:_MOST_RECORDS]:
        canvas.text(LEFT, canvas.y + 13, record.lsn, "m d")
        canvas.text(LEFT + 120, canvas.y + 13, fit(f"{record.manager} {record.kind}", 190, SANS), "b")
        canvas.text(LEFT + 370, canvas.y + 13, size(record.length), "m", anchor="end")
        canvas.text(
            LEFT + 390, canvas.y + 13, fit("  ".join((record.description, record.blocks)), ROOM - 400, SANS), "d"
        )
        canvas.y += LINE
    if len(commit.records) > _MOST_RECORDS:
        line(canvas, LEFT, f"and {len(commit.records) - _MOST_RECORDS} more", "d")
    for place in commit.places:
        _place(canvas, place)


def _strip(canvas: Canvas, records: tuple[Record, ...]) -> None:
    """The records one behind the other, as they lie in the log, each as long as it is."""
    whole = sum(record.length for record in records) or 1
    x = float(LEFT)
    for index, record in enumerate(records):
        width = ROOM * record.length / whole
        canvas.box(x, canvas.y, width - 2, 14, "postgres" if index % 2 else "postgres soft", round_=3,
            title=f"{record.manager} {record.kind}, {size(record.length)}")  # fmt: skip
        x += width
    canvas.y += 22


def _place(canvas: Canvas, place: Place) -> None:
    canvas.y += 6
    canvas.spans(
        LEFT,
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
            LEFT + _CELL * (index % 64),
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
    x = float(LEFT)
    for letter, words in _LEGEND:
        canvas.box(x, canvas.y + 3, 11, 11, f"cell {_CELLS[letter]}", round_=3)
        canvas.text(x + 17, canvas.y + 13, words, "d")
        x += 40 + len(words) * SANS
    canvas.y += LINE


def draw_missing(canvas: Canvas, trace: Trace) -> None:
    """What could not be seen, and what would let it be seen."""
    if not trace.missing:
        return
    panel(canvas, "Not seen", "", partial(_missing, trace=trace))


def _missing(canvas: Canvas, trace: Trace) -> None:
    for each in trace.missing:
        for text in wrapped(f"{each.what}: {each.why}", ROOM):
            line(canvas, LEFT, text)
        for text in wrapped(f"→ {each.remedy}", ROOM) if each.remedy else ():
            line(canvas, LEFT, text, "good")
