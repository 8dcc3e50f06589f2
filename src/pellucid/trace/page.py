"""Text to be shown: lines of pieces with a style and perhaps a link, and how numbers are written in them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from pellucid.observe import Fact, Stage

DOCS = "docs/explanation/the-path-of-a-request.md"
"""The page that says what each stage is for and what goes wrong there."""


class Piece(NamedTuple):
    """Some text in one style; the style is one of rich's."""

    text: str
    style: str = ""
    link: str = ""


Line = tuple[Piece, ...]
EMPTY: Line = ()


def clean(text: str) -> str:
    """The text without what could command a terminal or reorder a line; servers and certificates may say anything.

    It is stricter than the log's `escape`, and beside it because what draws for the client imports nothing of a server's.
    """
    text = str(text)
    return text if text.isprintable() else "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def line(*pieces: Piece | str) -> Line:
    """A line, cleaned."""
    made = (Piece(each) if isinstance(each, str) else each for each in pieces)
    return tuple(piece._replace(text=clean(piece.text)) for piece in made if piece.text)


def cut(text: str, room: int) -> str:
    """The text, or its beginning where it does not fit."""
    if len(text) <= room:
        return text
    return f"{text[: room - 1].rstrip()}…" if room > 1 else ""


def docs(stage: Stage) -> str:
    """Where a stage is explained."""
    return f"{DOCS}#{stage}"


_TIMES = (
    (172_800, 1 / 86_400, "days", 0),
    (7200, 1 / 3600, "h", 0),
    (120, 1 / 60, "min", 0),
    (10, 1, "s", 1),
    (1, 1, "s", 2),
    (0.1, 1e3, "ms", 0),
    (0.01, 1e3, "ms", 1),
    (0.0001, 1e3, "ms", 2),
)
"""From how many seconds on a time is written in which unit, and with how many decimals."""


def duration(seconds: float) -> str:
    """A time with three figures: ``4 µs``, ``0.42 ms``, ``31.5 ms``, ``1.25 s``."""
    for least, factor, unit, decimals in _TIMES:
        if seconds >= least:
            return f"{seconds * factor:.{decimals}f} {unit}"
    return f"{seconds * 1e6:.0f} µs" if seconds else "0.00 ms"


def size(count: float) -> str:
    """A number of bytes: ``184 B``, ``12.3 kB``, ``4.56 MB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def number(count: float) -> str:
    """A count, with commas between thousands."""
    return f"{count:,.0f}" if count == int(count) else f"{count:,.1f}"


def percent(share: float) -> str:
    """A part of the whole."""
    return f"{share * 100:.0f} %"


def sentences(*texts: str) -> str:
    """Texts as sentences behind one another: each ends with a full stop. SQL among them stays as it is."""
    return " ".join(text if text.endswith((".", "!", "?", ":", ";")) else f"{text}." for text in texts if text)


def plural(count: int, word: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def phrase(status: int) -> str:
    """What a status of HTTP means, where it is a known one."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


_UNITLESS = frozenset({"share", "ratio", "cost", "gain"})
_LONGEST = 400


def told(name: str, value: Fact) -> str:
    """One fact in words. A number with a point is a time in seconds, unless its name says otherwise."""
    words = name.replace("_", " ").replace("-", " ")
    match value:
        case True:
            return f"{words} yes"
        case False:
            return f"{words} no"
        case int() if name.endswith(("_bytes", "_on_wire", "_in", "_out")):
            return f"{words.removesuffix(' bytes')} {size(value)}"
        case float() if name not in _UNITLESS:
            return f"{words} {duration(value)}"
        case _:
            return f"{words} {cut(str(value), _LONGEST)}"


def facts_told(facts: Mapping[str, Fact]) -> list[str]:
    """All facts in words; those that say nothing are left out."""
    return [told(name, value) for name, value in facts.items() if value not in {"", None}]
