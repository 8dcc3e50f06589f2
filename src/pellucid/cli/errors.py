"""How an error looks in the terminal: one line, below the author's own traceback where there is one."""

import sys
from typing import TextIO

from pellucid.errors import PellucidError

_RED, _DIM, _PLAIN = "\x1b[1;31m", "\x1b[2m", "\x1b[0m"


def show(error: PellucidError, stream: TextIO | None = None) -> None:
    """Write it to standard error, or where told."""
    stream = stream or sys.stderr
    red, dim, plain = (_RED, _DIM, _PLAIN) if stream.isatty() else ("", "", "")
    if error.details:
        stream.write(f"{printable(str(error.details))}\n")
    way_out = f" {dim}→ {line(error.hint)}{plain}" if error.hint else ""
    stream.write(f"{red}error:{plain} {line(error.message)}{way_out}\n")
    stream.flush()


def line(text: str) -> str:
    """The text on one line, fit for a terminal."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """The text without what could command the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in text)
