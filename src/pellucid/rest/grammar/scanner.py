"""A cursor over one piece of query text, and the error it raises. Every parser of the grammar is written with it.

PostgREST's clients compare error texts, and those come from the way its parser works: an error tells what was found at the furthest place
that was looked at, and all that could have stood there. Four rules make the same of it here: what is tried and does not fit is noted with
its place; notes at the furthest place count, in the order of trying; reading on drops them; a label takes the place of what was noted
where nothing was read.
"""

import re
from collections.abc import Callable
from re import Pattern
from typing import TypeVar

from pellucid.errors import MalformedQuery

Read = TypeVar("Read")
_SPACES = re.compile(r"[ \t]*")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_NAMED = {"\a": r"\a", "\b": r"\b", "\t": r"\t", "\n": r"\n", "\v": r"\v", "\f": r"\f", "\r": r"\r", "\x7f": r"\DEL"}
_Notes = tuple[int, tuple[str, ...], tuple[str, ...], tuple[str, ...]]
_NO_NOTES: _Notes = (0, (), (), ())
MAX_NAME = 250
"""How many characters a name may have. PostgreSQL's own names have 63 bytes at most; JSON keys and aliases may be longer."""


class Unfit(Exception):
    """What stands here is not what was looked for; the scanner's notes say what was."""


class Scanner:
    """Reads a text from left to right.

    ``what`` names the piece in errors: ``order (age.desk)``.
    """

    __slots__ = ("_notes", "at", "text", "what")

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.what = what
        self.at = 0
        self._notes = _NO_NOTES

    @property
    def done(self) -> bool:
        """Whether all has been read."""
        return self.at >= len(self.text)

    # -- reading

    def advance(self, to: int) -> None:
        """Read on; what was looked for before no longer matters."""
        if to > self.at:
            self.at = to
            self._notes = _NO_NOTES

    def match(self, pattern: Pattern[str]) -> re.Match[str] | None:
        """Read what the pattern matches here, or nothing; not matching is no failure."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.advance(found.end())
        return found

    def run(self, pattern: Pattern[str], *expected: str) -> str:
        """Read one or more characters of a kind.

        Raises:
            Unfit: there is none.
        """
        found = self.match(pattern)
        self.note(self.at, *expected)
        if found is None:
            raise Unfit
        return found[0]

    def literal(self, literal: str, expected: str | None = None) -> None:
        """Read this very text.

        Raises:
            Unfit: something else stands here.
        """
        start, text = self.at, self.text
        if text.startswith(literal, start):
            self.advance(start + len(literal))
            return
        same = 0
        while start + same < len(text) and text[start + same] == literal[same]:
            same += 1
        self.note(start, expected or shown(literal), found=start + same)
        self.at += same  # part of it was read: no other choice is tried
        raise Unfit

    def ahead(self, *literals: str, end: bool = True) -> None:
        """Check that one of these texts stands here, or the end of the input.

        Raises:
            Unfit: something else stands here.
        """
        start, text = self.at, self.text
        for literal in literals:
            if text.startswith(literal, start):
                return
            self.note(start, shown(literal))
        if end and self.done:
            return
        if end:
            self._add((start, (f"'{_escaped(text[start], quote=chr(39))}'",), (), ("end of input",)))
        raise Unfit

    def skip_spaces(self) -> None:
        """Read spaces and tabs, which mean nothing between the parts of a list."""
        found = _SPACES.match(self.text, self.at)
        if found is not None:
            self.advance(found.end())
        self.note(self.at)

    # -- choosing

    def attempt(self, read: Callable[["Scanner"], Read]) -> Read | None:
        """Read it, or step back to where it began and give None."""
        start, notes = self.mark()
        try:
            value = read(self)
        except Unfit:
            self.step_back(start, notes)
            return None
        if self.at == start:
            self.step_back(start, notes)
        return value

    def mark(self) -> tuple[int, _Notes]:
        """Where it stands, to `step_back` to; from here on notes are taken anew, so that none counts twice."""
        notes, self._notes = self._notes, _NO_NOTES
        return self.at, notes

    def step_back(self, at: int, notes: _Notes) -> None:
        """Go back, and keep what was looked for on the way."""
        self.at = at
        later, self._notes = self._notes, notes
        self._add(later)

    def labelled(self, label: str, read: Callable[["Scanner"], Read]) -> Read:
        """Read it; where nothing of it could be read, the label says what was expected.

        Raises:
            Unfit: it does not stand here.
        """
        start, before = self.at, self._notes
        self._notes = _NO_NOTES
        try:
            return read(self)
        finally:
            if self.at == start:
                place, unexpected, found, expected = self._notes
                self._notes = before
                if unexpected or found or expected:
                    self._add((place, unexpected, found, (label,)))

    def several(
        self, read: Callable[["Scanner"], Read], separator: Callable[["Scanner"], None], most: int = 100_000
    ) -> list[Read]:
        """Read one or more, parted by a separator; it stops once there are more than ``most``.

        Raises:
            Unfit: one does not stand where it must.
        """
        items = [read(self)]
        while len(items) <= most and self._follows(separator):
            items.append(read(self))
            self.forget()
        return items

    def _follows(self, separator: Callable[["Scanner"], None]) -> bool:
        start = self.at
        try:
            separator(self)
        except Unfit:
            if self.at != start:
                raise
            return False
        return True

    def forget(self) -> None:
        """Drop what was looked for: a repeated part has been read, and only what may follow it matters."""
        self._notes = _NO_NOTES

    # -- failing

    def note(self, place: int, *expected: str, found: int | None = None) -> None:
        """Note what was looked for at a place; ``found`` is where the text differs from it."""
        at = place if found is None else found
        shows = shown(self.text[at]) if at < len(self.text) else ""
        self._add((place, (), (shows,), expected))

    def unexpected(self, place: int, character: str) -> None:
        """Note that this character must not stand before a place."""
        self._add((place, (f"'{character}'",), (), ()))

    def _add(self, notes: _Notes) -> None:
        mine = self._notes
        if not (notes[1] or notes[2] or notes[3]):
            return
        if notes[0] > mine[0] or not (mine[1] or mine[2] or mine[3]):
            self._notes = notes
        elif notes[0] == mine[0]:
            self._notes = (mine[0], mine[1] + notes[1], mine[2] + notes[2], mine[3] + notes[3])

    def whole(self, read: Callable[["Scanner"], Read], *, finish: bool) -> Read:
        """Read it from the whole text; where ``finish`` is false, what comes after it is passed over, as in PostgREST.

        Raises:
            MalformedQuery: it cannot be read; the error shows the place.
        """
        try:
            value = read(self)
            if finish:
                self.skip_spaces()
                self.ahead()
        except Unfit:
            raise self.error() from None
        return value

    def error(self) -> MalformedQuery:
        """The error for what has been noted."""
        place, unexpected, found, expected = self._notes
        line = self.text.count("\n", 0, place) + 1
        column = _column(self.text[self.text.rfind("\n", 0, place) + 1 : place])
        what = f"unexpected {_listed(unexpected) or (found and found[0]) or 'end of input'}"
        wanted = _listed(expected)
        return MalformedQuery(
            f'"failed to parse {self.what}" (line {line}, column {column})',
            details=f"{what} expecting {wanted}" if wanted else what,
            hint=f"Look at character {place + 1} of the {self.what}: {wanted or 'something else'} should stand there.",
        )


def comma(scanner: Scanner) -> None:
    """Read a comma, with spaces around it."""
    if scanner.match(_COMMA):
        scanner.note(scanner.at)
        return
    scanner.skip_spaces()
    scanner.literal(",")
    scanner.skip_spaces()


def opening(scanner: Scanner) -> None:
    """Read an opening parenthesis, with spaces around it."""
    scanner.skip_spaces()
    scanner.literal("(")
    scanner.skip_spaces()


def closing(scanner: Scanner) -> None:
    """Read a closing parenthesis, with spaces around it."""
    scanner.skip_spaces()
    scanner.literal(")")
    scanner.skip_spaces()


def delimiter(scanner: Scanner) -> None:
    """Read the dot between the parts of a term."""
    scanner.literal(".", "delimiter (.)")


def shown(text: str) -> str:
    """The text in quotes, as errors show it."""
    return f'"{_escaped(text)}"'


def _escaped(text: str, quote: str = '"') -> str:
    if text.isascii() and text.isprintable() and "\\" not in text and quote not in text:
        return text
    return "".join(_escape(character, quote) for character in text)


def _escape(character: str, quote: str) -> str:
    if character in (quote, "\\"):
        return f"\\{character}"
    if " " <= character <= "~":
        return character
    return _NAMED.get(character) or f"\\{ord(character)}"


def _column(line: str) -> int:
    """The column after this much of a line, counted from 1; tab stops are eight columns apart."""
    column = 1
    if "\t" not in line:
        return column + len(line)
    for character in line:
        column += 8 - (column - 1) % 8 if character == "\t" else 1
    return column


def _listed(texts: tuple[str, ...]) -> str:
    distinct = list(dict.fromkeys(text for text in texts if text))
    return " or ".join(part for part in (", ".join(distinct[:-1]), *distinct[-1:]) if part)
