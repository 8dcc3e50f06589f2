"""Panels below the bands, one for each thing that is told, and lines in them."""

from collections.abc import Callable

from pellucid.trace.drawing.canvas import INNER, MARGIN, SANS, Canvas, fit

LINE = 18
LEFT = MARGIN + 18
ROOM = INNER - 36
_TITLE = 9.4
"""How wide a letter of a panel's title is."""


def panel(canvas: Canvas, title: str, words: str, draw: Callable[[Canvas], None]) -> None:
    """A panel as high as what is drawn in it."""
    top, mark = canvas.y, canvas.mark()
    canvas.text(LEFT, top + 28, title, "t postgres")
    behind = len(title) * _TITLE + 16
    canvas.text(LEFT + behind, top + 28, fit(words, ROOM - behind, SANS), "d")
    canvas.y = top + 40
    draw(canvas)
    canvas.y += 10
    canvas.behind(mark, MARGIN, top, INNER, canvas.y - top)
    canvas.y += 14


def line(canvas: Canvas, x: float, text: str, kind: str = "") -> None:
    """A line of text, and on to the next."""
    canvas.text(x, canvas.y + 13, text, kind)
    canvas.y += LINE
