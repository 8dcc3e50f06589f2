"""What a picture is made of: shapes and texts at places, in a style that follows the reader's light or dark."""

import textwrap
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from pellucid.trace.page import clean, cut

WIDTH = 1180
MARGIN = 28
INNER = WIDTH - 2 * MARGIN
MONO = 7.3
"""How wide a letter of the fixed font is, in pixels; the other font's letters are narrower on the average."""
SANS = 6.9
BOLD = 7.8

STYLE = """
svg { color-scheme: light dark; }
text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #24323f; }
.m { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.ground { fill: #ffffff; } .panel { fill: #f4f8fb; stroke: #d5e1ea; }
.h { font-size: 20px; font-weight: 650; } .t { font-size: 15px; font-weight: 650; } .b { font-weight: 650; }
.big { font-size: 26px; font-weight: 700; }
.d { fill: #64788a; } .k { fill: #7a3fb5; } .bad { fill: #c0392b; } .good { fill: #187a4f; }
.grid { stroke: #dbe5ed; } .tree { fill: none; stroke: #a9bccb; }
.client { fill: #0f8b9d; } .server { fill: #3566c9; } .postgres { fill: #8450c4; }
.soft { opacity: .55; } .lens { opacity: .14; }
.way { fill: url(#dots); } .rest { fill: url(#hatch); }
.hatch { stroke: #93a4b3; } .dot { fill: #0f8b9d; }
.found { fill: #fff6df; stroke: #ecd28f; } .share { fill: #9a6700; }
.ok { fill: #dff3e8; stroke: #a9d9bf; } .ko { fill: #fbe3e0; stroke: #ecb3ac; }
.heat { fill: #d9772b; } .cell { stroke: #ffffff; }
.c-h { fill: #3566c9; } .c-l { fill: #0f8b9d; } .c-f { fill: #e3ebf1; } .c-r { fill: #b79add; } .c-s { fill: #187a4f; }
a text { text-decoration: none; } a:hover text { text-decoration: underline; }
@media (prefers-color-scheme: dark) {
text { fill: #dbe7f0; }
.ground { fill: #0c141b; } .panel { fill: #121d27; stroke: #243647; }
.d { fill: #8ba1b3; } .k { fill: #c39bf0; } .bad { fill: #ff8d7f; } .good { fill: #5fd39b; }
.grid { stroke: #223342; } .tree { stroke: #466079; }
.client { fill: #35b8ca; } .server { fill: #6c9bf5; } .postgres { fill: #b385f0; }
.lens { opacity: .2; } .hatch { stroke: #6d8296; } .dot { fill: #35b8ca; }
.found { fill: #2b2413; stroke: #5f4f22; } .share { fill: #f0c45c; }
.ok { fill: #12301f; stroke: #275a40; } .ko { fill: #3a1815; stroke: #74332c; }
.heat { fill: #f0995a; } .cell { stroke: #121d27; }
.c-h { fill: #6c9bf5; } .c-l { fill: #35b8ca; } .c-f { fill: #243647; } .c-r { fill: #6e55a0; } .c-s { fill: #5fd39b; }
}
""".strip()

PATTERNS = (
    '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatch" y2="6" stroke-width="3"/></pattern>'
    '<pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><circle class="dot" cx="3" cy="3" r="1.4"/></pattern>'
)


def fit(text: str, room: float, letter: float = MONO) -> str:
    """The text, or its beginning, where it would not fit into so many pixels."""
    return cut(text, max(int(room / letter), 1))


def wrapped(text: str, room: float, letter: float = SANS) -> list[str]:
    """The text in lines of so many pixels."""
    return textwrap.wrap(clean(text), max(int(room / letter), 10), break_on_hyphens=False) or [""]


class Canvas:
    """A picture that grows downwards. ``y`` is where the next thing goes, and ``page`` where the stages are explained, if anywhere."""

    def __init__(self, page: str = "") -> None:
        self.page = page
        self.y = float(MARGIN)
        self._parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str = "", *, anchor: str = "", link: str = "") -> None:
        """Some text with its base line at ``y``."""
        place = f' text-anchor="{anchor}"' if anchor else ""
        made = f'<text{_class(kind)} x="{x:g}" y="{y:g}"{place} xml:space="preserve">{escape(clean(text))}</text>'
        self._parts.append(f"<a href={quoteattr(link)}>{made}</a>" if link else made)

    def spans(self, x: float, y: float, spans: Iterable[tuple[str, str]], kind: str = "") -> None:
        """Texts behind one another, each in a style of its own."""
        inner = "".join(f"<tspan{_class(style)}>{escape(clean(text))}</tspan>" for text, style in spans)
        self._parts.append(f'<text{_class(kind)} x="{x:g}" y="{y:g}" xml:space="preserve">{inner}</text>')

    def box(
        self, x: float, y: float, width: float, height: float, kind: str, *, round_: float = 0, title: str = ""
    ) -> None:
        """A rectangle; the title is shown when one points at it."""
        corner = f' rx="{round_:g}"' if round_ else ""
        inner = f"<title>{escape(clean(title))}</title>" if title else ""
        shape = f'<rect{_class(kind)} x="{x:.2f}" y="{y:.2f}" width="{max(width, 0):.2f}" height="{height:g}"{corner}'
        self._parts.append(f"{shape}>{inner}</rect>" if inner else f"{shape}/>")

    def path(self, data: str, kind: str) -> None:
        """Lines, or an area that they enclose."""
        self._parts.append(f'<path{_class(kind)} d="{data}"/>')

    def behind(self, mark: int, x: float, y: float, width: float, height: float) -> None:
        """A panel below what has been drawn since a mark."""
        self._parts.insert(
            mark, f'<rect class="panel" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="12"/>'
        )

    def mark(self) -> int:
        """How much has been drawn so far."""
        return len(self._parts)

    def finish(self, title: str) -> str:
        """The whole file."""
        height = self.y + MARGIN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}" role="img" '
            f'aria-labelledby="title">\n<title id="title">{escape(clean(title))}</title>\n<style>\n{STYLE}\n</style>\n'
            f'<defs>{PATTERNS}</defs>\n<rect class="ground" width="{WIDTH}" height="{height:g}" rx="14"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
