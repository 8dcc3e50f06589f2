"""A journey as lines of text: the waterfall, what each stage saw, statements, log and page, and the verdict at the end."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from pellucid.trace.bands import Band, Bar, Kind, bands
from pellucid.trace.facts import headline, is_whole
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.page import EMPTY, Line, Piece, clean, cut, duration, facts_told, line, percent
from pellucid.trace.placing import seconds_of_looking
from pellucid.trace.sections import commits, missing, statements, verdict

COLOURS = {"client": "cyan", "Pellucid": "bright_blue", "PostgreSQL": "magenta"}
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LABEL, _TIME, _SHARE = 18, 10, 6
_LEAST_BAR = 12


class Sheet(Struct, frozen=True):
    """What is written on: how many letters fit on a line, and whether bars, colours and lines of boxes may be used."""

    columns: int = 100
    drawn: bool = True


def waterfall(journey: Journey, sheet: Sheet) -> Iterator[Line]:
    """All that is to be shown of a journey."""
    for number, hop in enumerate(journey.hops):
        if number:
            yield EMPTY
        yield from _hop(hop, sheet)
    yield EMPTY
    yield from verdict(journey, sheet.columns)


def _hop(hop: Hop, sheet: Sheet) -> Iterator[Line]:
    yield _title(hop)
    if hop.complaint:
        yield line("  ", Piece(hop.complaint, "red"))
    shown = bands(hop)
    for band in shown:
        if band.bars:
            yield EMPTY
            yield from _band(band, sheet)
    yield from _seen(shown, sheet)
    if hop.server is not None:
        yield from statements(hop.server, sheet.columns, drawn=sheet.drawn)
        yield from commits(hop.server, sheet.columns)
        yield from missing(hop.server)
    elif hop.absent:
        yield EMPTY
        yield line(Piece(f"The server's half is not here: {hop.absent}.", "dim"))


def _title(hop: Hop) -> Line:
    status = f"{hop.status} {hop.reason}".strip() if hop.status is not None else "no answer"
    style = "bold green" if hop.status is not None and hop.status < 400 else "bold red"
    pieces = [Piece(f"{hop.method} {hop.url}", "bold"), Piece("  "), Piece(status, style)]
    looking = seconds_of_looking(hop)
    spent = f", {duration(looking)} of it for looking" if looking else ""
    return line(
        *pieces,
        Piece(f"  {hop.http}" if hop.http else "", "dim"),
        Piece(f"  {duration(hop.seconds)}", "bold"),
        Piece(spent, "dim"),
    )


def _band(band: Band, sheet: Sheet) -> Iterator[Line]:
    colour = COLOURS[band.title]
    yield _ruler(band, sheet, colour)
    for bar in band.bars:
        yield _row(bar, band, sheet, colour)


def _room(sheet: Sheet) -> int:
    """How wide the bars are; the rest is for words."""
    return max(_LEAST_BAR, (sheet.columns - _LABEL - _TIME - _SHARE - 4) // 2)


def _rest(sheet: Sheet) -> int:
    """How many letters the words at the end of a row may have."""
    return sheet.columns - _LABEL - _TIME - _SHARE - _room(sheet) - 4


def _ruler(band: Band, sheet: Sheet, colour: str) -> Line:
    title = Piece(band.title.ljust(_LABEL), f"bold {colour}")
    if not sheet.drawn:
        return line(title, f"{'begins':>{_TIME}}{'takes':>{_TIME}}{'share':>{_SHARE}}")
    begin, end = duration(band.start), duration(band.start + band.seconds)
    room = _room(sheet)
    scale = f"{begin}{end:>{room - len(begin)}}" if len(begin) + len(end) < room else begin
    return line(title, " " * (_TIME + _SHARE + 2), Piece(scale, "dim"))


def _row(bar: Bar, band: Band, sheet: Sheet, colour: str) -> Line:
    strong = "bold " if bar.longest else ""
    style = f"{strong}{colour}" if bar.kind is Kind.STAGE else "dim"
    name = _label(bar, style)
    figures = f"{duration(bar.seconds):>{_TIME}}{percent(bar.share) if bar.pieces else '':>{_SHARE}}"
    words = _EXPLAINED.get(bar.kind) or headline(bar.stage, bar.facts)
    if not sheet.drawn:
        return line(*name, f"{duration(bar.pieces[0][0]) if bar.pieces else '':>{_TIME}}{figures}  {words}")
    drawing = Piece(_drawing(bar, band, _room(sheet)), style)
    end = Piece(cut(clean(words), _rest(sheet)), "dim")
    return line(*name, Piece(figures, strong.strip()), "  ", drawing, "  ", end)


def _label(bar: Bar, style: str) -> Line:
    """A row's name, as wide as the column, where only the name itself is a link."""
    indent = "  " * (bar.depth + 1)
    name = cut(clean(bar.label), _LABEL - len(indent))
    return Piece(indent), Piece(name, style, bar.link), Piece(" " * (_LABEL - len(indent) - len(name)))


_EXPLAINED = {
    Kind.LOOKING: "the looking itself: it is folded away here",
    Kind.WAY: "there and back, and queues in front of the server",
    Kind.UNACCOUNTED: "no row explains it",
}


def _drawing(bar: Bar, band: Band, room: int) -> str:
    """The bar in cells, to an eighth of one; what is too small to be seen is a thin line."""
    cells = [" "] * room
    for begin, end in bar.pieces:
        scale = room / band.seconds if band.seconds else 0.0
        left, right = (begin - band.start) * scale, (end - band.start) * scale
        first = min(int(left), room - 1)
        full = int(right) - first
        for cell in range(first, min(first + full, room)):
            cells[cell] = "█" if bar.kind is Kind.STAGE else "░"
        rest = round((right - int(right)) * 8) if full else max(1, round((right - left) * 8))
        if first + full < room and rest and bar.kind is Kind.STAGE:
            cells[first + full] = _EIGHTHS[min(rest, 8)]
        elif not full:
            cells[first] = "░"
    return "".join(cells)


def _seen(shown: tuple[Band, ...], sheet: Sheet) -> Iterator[Line]:
    """What there was no room for in the rows, stage by stage."""
    told = [(band, bar) for band in shown for bar in band.bars if bar.facts.keys() - _SAID and not _is_told(bar, sheet)]
    if not told:
        return
    yield EMPTY
    yield line(Piece("What was seen", "bold"))
    for band, bar in told:
        label = _label(replace(bar, depth=0), COLOURS[band.title])
        for number, text in enumerate(_wrapped(_facts(bar), sheet.columns - _LABEL)):
            yield line(*(label if not number else (Piece(" " * _LABEL),)), text)


def _is_told(bar: Bar, sheet: Sheet) -> bool:
    """Whether a row's end has all its facts already."""
    return is_whole(bar.stage) and (not sheet.drawn or len(clean(headline(bar.stage, bar.facts))) <= _rest(sheet))


_SAID = frozenset({"part", "sql", "failed"})
"""Facts that stand elsewhere already."""


def _facts(bar: Bar) -> list[str]:
    return facts_told({name: value for name, value in bar.facts.items() if name not in _SAID})


def _wrapped(words: list[str], room: int) -> Iterator[str]:
    """Facts on as few lines as they need; none is divided."""
    reached = ""
    for each in words:
        longer = f"{reached} · {each}" if reached else each
        if reached and len(longer) > room:
            yield reached
            reached = each
        else:
            reached = longer
    if reached:
        yield reached
