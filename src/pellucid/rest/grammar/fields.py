"""Fields: a column, and the way into its JSON."""

import re

from msgspec import Struct

from pellucid.errors import BeyondLimit
from pellucid.rest.grammar.scanner import MAX_NAME, Scanner, Unfit, delimiter

_QUOTED = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)', re.DOTALL)
_WORD = re.compile(r"[\w $]+")
_NAME = re.compile(r"[\w$](?:[\w $-]*[\w$])?")
_SIMPLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_DIGITS = re.compile(r"[0-9]+")
_WORDS = re.compile(r"(?:[\w $]++-(?=[\w $]))+")
_USUAL_STEP = re.compile(r'->(>?)(?:"([^"]*)"|([0-9]+)|(\w+))')
_KEY = re.compile(r"[^(:.,>)-]+")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NAME_LABEL = "field name (* or [a..z0..9_$])"
_KEY_LABEL = "any non reserved character different from: .,>()"
_MAX_DIGITS = 18
MAX_STEPS = 32
"""How many steps into its JSON one field may have."""


class Step(Struct, frozen=True):
    """One step into a JSON value: an object's key or an array's index. ``as_text`` is ``->>`` (PostgreSQL, 9.16)."""

    key: str | int
    as_text: bool


class Field(Struct, frozen=True):
    """A column by its name, and the steps into its JSON."""

    name: str
    path: tuple[Step, ...] = ()

    def __str__(self) -> str:
        """The field as the query writes it."""
        return quoted(self.name) + "".join(f"{'->>' if step.as_text else '->'}{_key(step.key)}" for step in self.path)


def scan_name(scanner: Scanner) -> str:
    """Read a bare or quoted name.

    Raises:
        Unfit: no name stands here.
        BeyondLimit: it is longer than `MAX_NAME`.
    """
    return _short(scanner.labelled(_NAME_LABEL, _name))


def scan_field(scanner: Scanner) -> Field:
    """Read a column and the way into its JSON, with spaces around it: ``address->city->>name``.

    Raises:
        Unfit: no field stands here.
    """
    scanner.skip_spaces()
    name = scan_name(scanner)
    path = scan_path(scanner)
    scanner.skip_spaces()
    return Field(name, path)


def scan_path(scanner: Scanner) -> tuple[Step, ...]:
    """Read the steps into JSON; there may be none.

    Raises:
        Unfit: an arrow leads nowhere.
        BeyondLimit: there are more than `MAX_STEPS`.
    """
    steps: list[Step] = []
    while (as_text := _arrow(scanner)) is not None:
        if len(steps) >= MAX_STEPS:
            raise BeyondLimit(
                f"A field has more than {MAX_STEPS} steps into its JSON.", hint="Make a view or a computed column."
            )
        index = scanner.attempt(_index)
        steps.append(Step(scanner.labelled(_KEY_LABEL, _key_name) if index is None else index, as_text))
        scanner.forget()
    return tuple(steps)


def usual_path(text: str) -> tuple[Step, ...]:
    """The steps of a path without escapes, which is known to be one: ``->address->>"city"``."""
    return tuple(
        Step(int(found[3]) if found[3] else found[2] or found[4], as_text=bool(found[1]))
        for found in _USUAL_STEP.finditer(text)
    )


def scan_place(scanner: Scanner) -> tuple[tuple[str, ...], Field]:
    """Read where a filter belongs, as a parameter's name says it: the embedded tables on the way, and the field.

    Raises:
        Unfit: it is none.
    """
    *path, name = scanner.several(scan_name, delimiter)
    return tuple(path), Field(name, scan_path(scanner))


def parse_field(text: str, what: str) -> Field:
    """Read a text that is one field and nothing else.

    Raises:
        MalformedQuery: it is none.
    """
    return Scanner(text, f"{what} ({text})").whole(scan_field, finish=True)


def scan_quoted(scanner: Scanner) -> str:
    """Read a text between double quotes, with backslash escapes.

    Raises:
        Unfit: none stands here, or it does not end.
    """
    found = _QUOTED.match(scanner.text, scanner.at)
    if found is None:
        scanner.literal('"')
        raise Unfit
    scanner.advance(found.end())
    if scanner.text.startswith('"', scanner.at):
        scanner.advance(scanner.at + 1)
        return _ESCAPE.sub(r"\1", found[1])
    if not scanner.done:  # a backslash, and then the end
        scanner.advance(len(scanner.text))
        scanner.note(scanner.at)
    else:
        scanner.note(scanner.at, '"\\\\"', '"\\""')
    raise Unfit


def quoted(name: str) -> str:
    """A name as the query writes it: in quotes where it must be."""
    plain = _NAME.fullmatch(name) and "--" not in name and " -" not in name and "- " not in name
    return name if plain else in_quotes(name)


def in_quotes(text: str) -> str:
    """A text between double quotes, escaped with backslashes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _name(scanner: Scanner) -> str:
    simple = _SIMPLE.match(scanner.text, scanner.at)
    if simple and scanner.text[simple.end() : simple.end() + 1] in (".", ",", ")", "(", "!", ":"):
        scanner.match(_SIMPLE)
        scanner.note(scanner.at, "letter", "digit", '"-"')
        return simple[0]
    if scanner.text.startswith('"', scanner.at):
        return scan_quoted(scanner)
    scanner.note(scanner.at, '"\\""')
    words = scanner.match(_WORDS)
    if words is None:
        return "-".join(scanner.several(_word, _dash))
    _short(words[0])
    return "-".join((*(word.strip(" ") for word in words[0][:-1].split("-")), *scanner.several(_word, _dash)))


def _word(scanner: Scanner) -> str:
    return scanner.run(_WORD, "letter", "digit").strip(" ")


def _dash(scanner: Scanner) -> None:
    """Read a dash that begins no arrow."""
    if scanner.text.startswith("->", scanner.at):
        scanner.unexpected(scanner.at + 2, ">")
        raise Unfit
    scanner.literal("-")
    scanner.note(scanner.at, '">"')


def _arrow(scanner: Scanner) -> bool | None:
    """Read an arrow; whether it gives text, or None where there is none."""
    for arrow, as_text in (("->>", True), ("->", False)):
        mark = scanner.mark()
        try:
            scanner.literal(arrow)
        except Unfit:
            scanner.step_back(*mark)
        else:
            return as_text
    return None


def _index(scanner: Scanner) -> int:
    sign = ""
    if scanner.text.startswith("-", scanner.at):
        scanner.literal("-")
        sign = "-"
    else:
        scanner.note(scanner.at, '"-"')
    digits = scanner.run(_DIGITS, "digit")
    if not scanner.text.startswith(")", scanner.at):
        scanner.ahead("->", "::", ".", ",")
    if len(digits) > _MAX_DIGITS:
        raise BeyondLimit(f"A JSON index has more than {_MAX_DIGITS} digits.", hint="Quote it if it is a key.")
    return int(sign + digits)


def _key_name(scanner: Scanner) -> str:
    if scanner.text.startswith('"', scanner.at):
        return _short(scan_quoted(scanner))
    scanner.note(scanner.at, '"\\""')
    return _short("-".join(scanner.several(_key_word, _dash)))


def _key_word(scanner: Scanner) -> str:
    return scanner.run(_KEY).strip()


def _short(name: str) -> str:
    if len(name) > MAX_NAME:
        raise BeyondLimit(
            f"The name {name[:20]}… has more than {MAX_NAME} characters.", hint="Use the name that the table has."
        )
    return name


def _key(key: str | int) -> str:
    return str(key) if isinstance(key, int) else in_quotes(key) if _DIGITS.fullmatch(key) else quoted(key)
