"""Reads a page's fenced blocks. Three kinds are run, in the order in which they stand:

- ``bash``: commands, as a reader would type them; a ``json`` or ``text`` block right behind shows what they print;
- ``python`` whose first line is a comment with a file's name: that file;
- ``sql`` behind a ``bash`` block that ends in ``pellucid sql``: what is typed there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"# (\S+\.\w+)\n")
_OUTPUTS = {"json", "text"}


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block. ``line`` counts from 1; ``adjacent`` tells that only blank lines stand between it and the block before."""

    language: str
    text: str
    line: int
    adjacent: bool


@dataclass(frozen=True, slots=True)
class File:
    """A file that the reader is asked to write."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands, and what they print where the page shows it."""

    text: str
    line: int
    output: str | None = None
    typed: str = ""

    @property
    def serves(self) -> str | None:
        """The line that starts the server in the foreground, where there is one; a page has it in a block of its own."""
        found = re.search(r"^(make serve|pellucid serve)\b[^#\n]*", self.text, re.MULTILINE)
        return found[0].strip() if found else None


def read(page: Path) -> list[File | Commands]:
    """The blocks of a page that are to be run."""
    fences = list(_fences(page.read_text()))
    steps: list[File | Commands] = []
    for fence, following in zip(fences, [*fences, None][1:], strict=True):
        name = _FILE_NAME.match(fence.text)
        if fence.language == "python" and name:
            steps.append(File(name[1], fence.text))
        if fence.language == "bash":
            beside = following if following and following.adjacent else None
            output = beside.text if beside and beside.language in _OUTPUTS else None
            typed = beside.text if beside and beside.language == "sql" else ""
            steps.append(Commands(fence.text, fence.line, output, typed))
    return steps


def _fences(text: str) -> Iterator[Fence]:
    end = 0
    for match in _FENCE.finditer(text):
        between = text[end : match.start()]
        yield Fence(
            match["language"], match["text"], text.count("\n", 0, match.start()) + 1, end > 0 and not between.strip()
        )
        end = match.end()
