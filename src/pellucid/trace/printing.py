"""Lines on a terminal, by rich, with links; or plain where nobody looks on."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.style import Style
from rich.text import Text

from pellucid.trace.page import DOCS, Line
from pellucid.trace.waterfall import Sheet

NARROW, WIDE = 80, 160


def sheet_of(console: Console) -> Sheet:
    """What a console gives room for: a terminal as wide as it is, a pipe as wide as a line should be, without drawings."""
    if not console.is_terminal:
        return Sheet(columns=WIDE, drawn=False)
    return Sheet(columns=max(NARROW, min(console.width, WIDE)))


def show(lines: Iterable[Line], console: Console) -> None:
    """Print them."""
    for each in lines:
        if console.is_terminal:
            console.print(_styled(each), soft_wrap=True)
        else:
            console.file.write(f"{''.join(piece.text for piece in each).rstrip()}\n")


def _styled(pieces: Line) -> Text:
    text = Text()
    for piece in pieces:
        text.append(piece.text, Style.parse(piece.style) + Style(link=_link(piece.link)) if piece.link else piece.style)
    return text


_DOCS = Path(__file__).parents[3]
"""A checkout has the documentation beside the code; there, a link opens it."""


def explained() -> str:
    """The address of the page that explains the stages; empty where it is not on this machine."""
    file = _DOCS / DOCS
    return file.as_uri() if file.is_file() else ""


def _link(link: str) -> str | None:
    page = explained()
    return f"{page}#{link.partition('#')[2]}" if page else None
