"""The bands: client, server, PostgreSQL, each on its own scale, with a lens between a band and the part of it that the next enlarges."""

from itertools import pairwise

from pellucid.trace.bands import Band, Bar, Kind, bands
from pellucid.trace.drawing.canvas import INNER, MARGIN, SANS, WIDTH, Canvas, fit
from pellucid.trace.facts import headline
from pellucid.trace.journey import Hop
from pellucid.trace.page import duration, facts_told, percent

ROW = 24
_HEAD = 46
_FOOT = 12
_LENS = 26
_LEFT = MARGIN + 226
"""Where the bars begin; to the left of it stand label and time."""
_BARS = 540
_RIGHT = _LEFT + _BARS
_QUARTERS = 4
KINDS = {"client": "client", "Pellucid": "server", "PostgreSQL": "postgres"}


def draw_bands(canvas: Canvas, hop: Hop) -> None:
    """All bands of a hop."""
    shown = [band for band in bands(hop) if band.bars]
    for band in shown:
        _draw_band(canvas, band)
        canvas.y += _LENS if band is not shown[-1] else 16
    top = canvas.y - 16
    for outer, inner in reversed(list(pairwise(shown))):
        top -= _height(inner)
        _draw_lens(canvas, outer, inner, top - _LENS, top)
        top -= _LENS


def _height(band: Band) -> float:
    return _HEAD + ROW * len(band.bars) + _FOOT


def _draw_band(canvas: Canvas, band: Band) -> None:
    canvas.box(MARGIN, canvas.y, INNER, _height(band), "panel", round_=12)
    canvas.text(MARGIN + 18, canvas.y + 29, band.title, f"t {KINDS[band.title]}")
    _draw_scale(canvas, band)
    for index, bar in enumerate(band.bars):
        _draw_bar(canvas, bar, band, canvas.y + _HEAD + ROW * index)
    canvas.y += _height(band)


def _draw_scale(canvas: Canvas, band: Band) -> None:
    bottom = canvas.y + _height(band) - _FOOT / 2
    for quarter in range(_QUARTERS + 1):
        x = _LEFT + _BARS * quarter / _QUARTERS
        canvas.path(f"M{x:g} {canvas.y + 36:g}V{bottom:g}", "grid")
        moment = duration(band.start + band.seconds * quarter / _QUARTERS)
        canvas.text(x, canvas.y + 28, moment, "d m", anchor=("start", "middle", "middle", "middle", "end")[quarter])


def _draw_bar(canvas: Canvas, bar: Bar, band: Band, y: float) -> None:
    _draw_label(canvas, bar, y)
    kind = KINDS[band.title]
    style = {Kind.WAY: "way", Kind.UNACCOUNTED: "rest"}.get(bar.kind, kind if bar.longest else f"{kind} soft")
    told = " · ".join([f"{bar.label}: {duration(bar.seconds)}, {percent(bar.share)}", *facts_told(bar.facts)])
    for begin, end in bar.pieces:
        left, width = _scaled(begin, end, band)
        canvas.box(left, y + 4, max(width, 2), ROW - 8, style, round_=3, title=told)
    words = _EXPLAINED.get(bar.kind) or headline(bar.stage, bar.facts)
    canvas.text(_RIGHT + 16, y + 16, fit(words, WIDTH - MARGIN - _RIGHT - 30, SANS), "d")


def _draw_label(canvas: Canvas, bar: Bar, y: float) -> None:
    stage = bar.kind is Kind.STAGE
    style = "b" if bar.longest else "" if stage else "d"
    indent = 12 * bar.depth
    canvas.text(
        MARGIN + 18 + indent,
        y + 16,
        fit(bar.label, 128 - indent, SANS),
        style,
        link=f"{canvas.page}#{bar.stage}" if canvas.page and bar.link else "",
    )
    canvas.text(_LEFT - 14, y + 16, duration(bar.seconds), f"m {style}".strip(), anchor="end")


_EXPLAINED = {
    Kind.LOOKING: "the looking itself: it is folded away here",
    Kind.WAY: "there and back, and queues before the server",
    Kind.UNACCOUNTED: "no row explains it",
}


def _scaled(begin: float, end: float, band: Band) -> tuple[float, float]:
    """Left edge and width in pixels; what is too short to be seen stays inside of the band."""
    scale = _BARS / band.seconds if band.seconds else 0.0
    left = min(_LEFT + (begin - band.start) * scale, _RIGHT - 2)
    return left, (end - begin) * scale


def _draw_lens(canvas: Canvas, outer: Band, inner: Band, top: float, bottom: float) -> None:
    """From the part of the upper band that the lower one shows, to the whole of the lower one."""
    left, width = _scaled(inner.start, inner.start + inner.seconds, outer)
    canvas.path(
        f"M{left:.2f} {top:g}H{left + max(width, 2):.2f}L{_RIGHT} {bottom:g}H{_LEFT}Z", f"{KINDS[inner.title]} lens"
    )
