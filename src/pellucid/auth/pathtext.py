"""Reads the path to a token's role: ``$.app.roles[0]`` (RFC 9535, 2), or PostgREST's older ``.app.roles[0]``."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from pellucid.auth.claimpath import (
    COMPARISONS,
    ClaimPath,
    Combined,
    Compared,
    Exists,
    Filter,
    Found,
    Index,
    Literal,
    Name,
    Operand,
    Searched,
    Segment,
    Selector,
    Slice,
    wildcard,
)

Condition = Callable[[Any, Any], bool]

DEEPEST = 20
"""Brackets within brackets that a filter may have."""

_SPACE = re.compile(r"[ \t\r\n]*")
_NAME = re.compile(r"[A-Za-z_\x80-\U0010ffff][0-9A-Za-z_\x80-\U0010ffff]*")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,8})(?![0-9])")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_WORD = re.compile(r"(?:true|false|null)(?![0-9A-Za-z_])")
_COMPARISON = re.compile("|".join(COMPARISONS))

_OLD_STEP = re.compile(r'\.(?P<name>[\w$@]+)|\."(?P<quoted>[^"]*)"|\[(?P<index>[0-9]{1,9})\]')
_OLD_FILTER = re.compile(r'\[\?\(@\s*(?P<how>==\^|==|!=|\^==|\*==)\s*"(?P<text>[^"]*)"\)\]')
_OLD_PATTERNS = {"==": r"\A{}\Z", "!=": r"\A(?!{}\Z)", "^==": r"\A{}", "==^": r"{}\Z", "*==": "{}"}


def read_path(text: str) -> ClaimPath:
    """Read a path in either notation.

    Raises:
        ValueError: it is neither; the text says at which character the reading stopped.
    """
    return _Reader(text).whole() if text.startswith("$") else _old(text)


def _old(text: str) -> ClaimPath:
    """The notation of PostgREST up to version 14: names, indices, and at the end one comparison of an array's texts."""
    segments, at = [], 0
    while found := _OLD_STEP.match(text, at):
        name = found["name"] if found["name"] is not None else found["quoted"]
        segments.append(Segment((Index(int(found["index"])) if name is None else Name(name),)))
        at = found.end()
    if found := _OLD_FILTER.match(text, at):
        pattern = re.compile(_OLD_PATTERNS[found["how"]].format(re.escape(found["text"])))
        segments.append(Segment((Filter(Searched(Found(ClaimPath((), relative=True)), pattern)),)))
        at = found.end()
    if at < len(text) or not segments:
        raise ValueError(f"no path can be read at character {at + 1}; an example is $.app.roles[0]")
    return ClaimPath(tuple(segments))


class _Reader:
    """Reads from left to right; each method takes what it is named after."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def whole(self) -> ClaimPath:
        path = self.path()
        if self.at < len(self.text):
            raise self.stuck("nothing more")
        return path

    def path(self) -> ClaimPath:
        relative = self.text[self.at] == "@"
        self.at += 1
        segments = []
        while (segment := self.segment()) is not None:
            segments.append(segment)
        return ClaimPath(tuple(segments), relative)

    def segment(self) -> Segment | None:
        if self.took("..["):
            return Segment(self.bracketed(), deep=True)
        if self.took(".."):
            return Segment((self.dotted(),), deep=True)
        if self.took("."):
            return Segment((self.dotted(),))
        if self.took("["):
            return Segment(self.bracketed())
        return None

    def dotted(self) -> Selector:
        return wildcard if self.took("*") else Name(self.taken(_NAME, "a name"))

    def bracketed(self) -> tuple[Selector, ...]:
        selectors = [self.selector()]
        while self.took_spaced(","):
            selectors.append(self.selector())
        self.expect("]")
        return tuple(selectors)

    def selector(self) -> Selector:
        self.space()
        if self.took("*"):
            return wildcard
        if self.took("?"):
            return Filter(self.condition())
        if self.sees(_QUOTED):
            return Name(self.quoted())
        start = self.integer()
        if not self.took_spaced(":"):
            return Index(self.needed(start))
        stop = self.integer()
        return Slice(start, stop, self.integer() if self.took_spaced(":") else None)

    def needed(self, index: int | None) -> int:
        if index is None:
            raise self.stuck("a name in quotes, a number, * or ?")
        return index

    def integer(self) -> int | None:
        self.space()
        return int(self.taken(_INTEGER, "a number")) if self.sees(_INTEGER) else None

    # -- filters ------------------------------------------------------------------------------------------------------

    def condition(self) -> Condition:
        return self.combined(any, "||", partial(self.combined, all, "&&", self.single))

    def combined(self, how: Callable[[Any], bool], sign: str, part: Callable[[], Condition]) -> Condition:
        parts = [part()]
        while self.took_spaced(sign):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Combined(how, tuple(parts))

    def single(self) -> Condition:
        self.space()
        if self.took("!"):
            return Combined(lambda held: not next(held), (self.single(),))
        if self.took("("):
            return self.inner()
        if self.took("search("):
            return self.search()
        return self.comparison()

    def inner(self) -> Condition:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.stuck("fewer brackets")
        condition = self.condition()
        self.expect(")")
        self.depth -= 1
        return condition

    def search(self) -> Condition:
        subject = self.operand()
        self.expect(",")
        self.space()
        text = self.quoted()
        self.expect(")")
        try:
            return Searched(subject, re.compile(text))
        except re.error as fault:
            raise ValueError(f"the regular expression {text} cannot be read") from fault

    def comparison(self) -> Condition:
        left = self.operand()
        self.space()
        if self.sees(_COMPARISON):
            sign = self.taken(_COMPARISON, "a comparison")
            return Compared(left, sign, self.operand())
        if isinstance(left, Found):
            return Exists(left.path)
        raise self.stuck("a comparison")

    def operand(self) -> Operand:
        self.space()
        if self.text[self.at : self.at + 1] in ("@", "$"):
            return Found(self.path())
        if self.sees(_QUOTED):
            return Literal(self.quoted())
        if self.sees(_WORD):
            return Literal(json.loads(self.taken(_WORD, "a word")))
        return Literal(json.loads(self.taken(_NUMBER, "@, $, a text in quotes or a number")))

    # -- letters ------------------------------------------------------------------------------------------------------

    def quoted(self) -> str:
        text = self.taken(_QUOTED, "a text in quotes")
        inner = text[1:-1]
        if text[0] == "'":
            inner = inner.replace("\\'", "'").replace('"', '\\"')
        try:
            return str(json.loads(f'"{inner}"'))
        except ValueError as fault:
            raise ValueError(f"the text {text} cannot be read") from fault

    def space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def sees(self, pattern: re.Pattern[str]) -> bool:
        return pattern.match(self.text, self.at) is not None

    def took(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def took_spaced(self, sign: str) -> bool:
        self.space()
        return self.took(sign)

    def expect(self, sign: str) -> None:
        if not self.took_spaced(sign):
            raise self.stuck(sign)

    def taken(self, pattern: re.Pattern[str], what: str) -> str:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise self.stuck(what)
        self.at = found.end()
        return found[0]

    def stuck(self, wanted: str) -> ValueError:
        return ValueError(f"{wanted} is wanted at character {self.at + 1}; an example is $.app.roles[0]")
