"""The figures as a picture for the README: one group of bars for each work, drawn so that it reads on light and dark pages."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from benchmarks.competitors import COMPETITORS
from benchmarks.figures import Figure, Results
from benchmarks.workload import WORKS

WIDTH, LABELS, NUMBERS = 780, 240, 80
BAR, GAP, GROUP, HEAD, FOOT = 16, 4, 34, 44, 28
ORDER = ("pellucid", "pocketbase", "postgrest", "orm", "constant", "pgbench")
USUAL = 32
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .small { font-size: 12px; fill: #59636e }
.rival { fill: #b6bec8 } .pellucid { fill: #1a7f8e } .limit { fill: none; stroke: #8c959f; stroke-dasharray: 3 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .rival { fill: #525a64 } .pellucid { fill: #3fb6c6 } .limit { stroke: #7d8590 }
}
"""


def draw(results: Results, machine: str) -> str:
    """The chart (SVG 1.1) of the loads with 32 connections, or else with as many as there are.

    Args:
        results: what was measured.
        machine: a line that says where.
    """
    connections = _connections(results)
    groups = [(work, figures) for work in WORKS if (figures := _figures(results, work, connections))]
    height = HEAD + FOOT + sum(GROUP + len(figures) * (BAR + GAP) for _, figures in groups)
    plural = "s" if connections > 1 else ""
    heading = f"Requests a second, {connections} connection{plural}, 1,000 users under an owner policy, durable writes"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    told = f'role="img" aria-label={quoteattr(_told(heading, groups))}'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {told}>',
        f"<style>{STYLE}</style>",
        _text(0, 18, heading, "title"),
        *_groups(groups),
        _text(0, height - 8, machine, "small"),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _connections(results: Results) -> int:
    there = sorted({figure.connections for figure in results.figures if figure.rounds})
    return USUAL if USUAL in there or not there else there[-1]


def _figures(results: Results, work: str, connections: int) -> list[Figure]:
    found = (results.find(name, work, connections) for name in ORDER)
    return [figure for figure in found if figure is not None and not figure.errors]


def _told(heading: str, groups: Sequence[tuple[str, Sequence[Figure]]]) -> str:
    """The same in words, for those who do not see it."""
    parts = (
        f"{WORKS[work].title}: " + ", ".join(f"{_title(each)} {each.rate:,.0f}" for each in figures)
        for work, figures in groups
    )
    return f"{heading}. {'. '.join(parts)}."


def _groups(groups: Sequence[tuple[str, Sequence[Figure]]]) -> Iterator[str]:
    top = HEAD
    for work, figures in groups:
        yield _text(0, top + 6, WORKS[work].title, "title")
        most = max(figure.rate for figure in figures)
        for number, figure in enumerate(figures):
            yield from _bar(figure, top + 14 + number * (BAR + GAP), most)
        top += GROUP + len(figures) * (BAR + GAP)


def _bar(figure: Figure, top: int, most: float) -> Iterator[str]:
    kind = "limit" if COMPETITORS[figure.competitor].limit else figure.competitor
    length = max(1.0, (WIDTH - LABELS - NUMBERS) * figure.rate / most)
    shape = kind if kind in {"limit", "pellucid"} else "rival"
    yield _text(0, top + 12, _title(figure), "small")
    yield f'<rect class="{shape}" x="{LABELS}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2"/>'
    yield _text(LABELS + length + 6, top + 12, f"{figure.rate:,.0f}", "title" if shape == "pellucid" else "small")


def _title(figure: Figure) -> str:
    return COMPETITORS[figure.competitor].title


def _text(left: float, top: int, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{left:.1f}" y="{top}">{escape(text)}</text>'
