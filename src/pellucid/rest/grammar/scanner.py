"""A cursor over one piece of query text, and the error it raises. Every parser of the grammar is written with it."""

import re
from re import Pattern

from pellucid.errors import MalformedQuery


class Scanner:
    """Reads a text from left to right.

    ``what`` names the piece in errors: ``order (age.desk)``.
    """

    __slots__ = ("at", "text", "what")

    def __init__(self, text: str, what: str) -> None:
        self.text = text
        self.what = what
        self.at = 0

    @property
    def done(self) -> bool:
        """Whether all has been read."""
        return self.at >= len(self.text)

    def match(self, pattern: Pattern[str]) -> re.Match[str] | None:
        """Read what the pattern matches here, or nothing."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def accept(self, literal: str) -> bool:
        """Read the literal if it comes next, spaces before it included."""
        self.skip_spaces()
        if self.text.startswith(literal, self.at):
            self.at += len(literal)
            return True
        return False

    def skip_spaces(self) -> None:
        """Read spaces and tabs, which mean nothing between the parts of a list."""
        while self.text.startswith((" ", "\t"), self.at):
            self.at += 1

    def expect(self, literal: str) -> None:
        """Read the literal, which must come next.

        Raises:
            MalformedQuery: something else comes next.
        """
        if not self.accept(literal):
            raise self.error(f'"{literal}"')

    def finish(self) -> None:
        """Check that nothing is left.

        Raises:
            MalformedQuery: something is left.
        """
        self.skip_spaces()
        if not self.done:
            raise self.error("end of input")

    def error(self, expected: str) -> MalformedQuery:
        """The error for what stands at the cursor."""
        found = "end of input" if self.done else f'"{self.text[self.at]}"'
        return MalformedQuery(
            f'"failed to parse {self.what}" (line 1, column {self.at + 1})',
            details=f"unexpected {found} expecting {expected}",
            hint=f"Character {self.at + 1} of the {self.what} should be {expected}.",
        )
