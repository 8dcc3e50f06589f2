"""The whole picture: what was asked, the verdict, each hop's bands and below them what PostgreSQL did."""

from collections.abc import Sequence

from pellucid.trace.document import Finding
from pellucid.trace.drawing.canvas import BOLD, INNER, MARGIN, MONO, SANS, WIDTH, Canvas, fit, wrapped
from pellucid.trace.drawing.commits import draw_commits, draw_missing
from pellucid.trace.drawing.statements import draw_statements
from pellucid.trace.drawing.waterfall import draw_bands
from pellucid.trace.journey import Hop, Journey
from pellucid.trace.page import duration, percent, sentences
from pellucid.trace.placing import seconds_of_looking
from pellucid.trace.sections import unremarkable


def picture(journey: Journey, page: str = "") -> str:
    """A journey as SVG.

    Args:
        journey: with its verdict.
        page: the address of the page that explains the stages; where it is empty nothing is a link.
    """
    canvas = Canvas(page)
    last = journey.last
    for number, hop in enumerate(journey.hops):
        canvas.y += 26 if number else 0
        _title(canvas, hop)
        if hop.complaint:
            _note(canvas, "!", hop.complaint, kind="ko")
        if not number:
            _verdict(canvas, journey)
        draw_bands(canvas, hop)
        if hop.server is not None:
            draw_statements(canvas, hop.server)
            draw_commits(canvas, hop.server)
            draw_missing(canvas, hop.server)
        elif hop.absent:
            canvas.text(MARGIN, canvas.y + 18, fit(f"The server's half is not here: {hop.absent}.", INNER, SANS), "d")
            canvas.y += 28
    _foot(canvas, last)
    return canvas.finish(f"{last.method} {last.url}: {duration(journey.seconds)}")


def _title(canvas: Canvas, hop: Hop) -> None:
    total = duration(hop.seconds)
    canvas.text(WIDTH - MARGIN, canvas.y + 22, total, "big", anchor="end")
    canvas.text(MARGIN, canvas.y + 20, fit(f"{hop.method} {hop.url}", INNER - 150, 12.4), "h")
    good = hop.status is not None and hop.status < 400
    status = f"{hop.status} {hop.reason}".strip() if hop.status is not None else "no answer"
    room = len(status) * MONO + 22
    canvas.box(MARGIN, canvas.y + 34, room, 24, "ok" if good else "ko", round_=12)
    canvas.text(MARGIN + room / 2, canvas.y + 50, status, "m b", anchor="middle")
    if looking := seconds_of_looking(hop):
        canvas.text(WIDTH - MARGIN, canvas.y + 50, f"{duration(looking)} of it for looking", "d", anchor="end")
    facts = [
        hop.http,
        *([f"route {hop.server.route}", f"role {hop.server.role or 'none'}"] if hop.server is not None else []),
    ]
    canvas.text(MARGIN + room + 12, canvas.y + 51, "  ·  ".join(each for each in facts if each), "d")
    canvas.y += 74


def _verdict(canvas: Canvas, journey: Journey) -> None:
    if journey.last.failure:
        way_out = f"→ {journey.last.hint}" if journey.last.hint else ""
        _note(canvas, "!", "There is no answer.", [sentences(journey.last.failure)], way_out=way_out, kind="ko")
    elif not journey.findings:
        _note(canvas, "✓", unremarkable(journey), kind="ok")
    for finding in journey.findings:
        _finding(canvas, finding)
    canvas.y += 6


def _finding(canvas: Canvas, finding: Finding) -> None:
    share = percent(finding.share) if finding.share >= 0.005 else "!"
    because = [sentences(finding.because)] if finding.because else []
    way_out = f"→ {sentences(finding.do, finding.gain)}" if finding.do else ""
    _note(canvas, share, sentences(finding.what), because, way_out=way_out, kind="found")


def _note(canvas: Canvas, mark: str, what: str, more: Sequence[str] = (), *, way_out: str = "", kind: str) -> None:
    lines = [(line, "b") for line in wrapped(what, INNER - 120, BOLD)]
    lines += [(line, "") for each in more for line in wrapped(each, INNER - 120)]
    lines += [(line, "good") for line in wrapped(way_out, INNER - 120)] if way_out else []
    height = 16 + 19 * len(lines)
    canvas.box(MARGIN, canvas.y, INNER, height, kind, round_=10)
    canvas.text(MARGIN + 46, canvas.y + height / 2 + 6, mark, "t share" if kind == "found" else "t", anchor="middle")
    for index, (line, style) in enumerate(lines):
        canvas.text(MARGIN + 92, canvas.y + 21 + 19 * index, line, style)
    canvas.y += height + 8


def _foot(canvas: Canvas, hop: Hop) -> None:
    words = "drawn by pellucid trace"
    if hop.server is not None:
        words = f"trace {hop.server.id}  ·  request {hop.server.request_id}  ·  worker {hop.server.worker}  ·  {words}"
    canvas.text(WIDTH / 2, canvas.y + 22, words, "d", anchor="middle")
    canvas.y += 22
