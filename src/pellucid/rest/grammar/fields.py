"""Fields: a column, and the way into its JSON."""

import re
from dataclasses import dataclass

from pellucid.rest.grammar.scanner import Scanner

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_NAME = re.compile(r"[\w$ ]+(?:-(?!>)[\w$ ]+)*")
_ARROW = re.compile(r"->>?")
_INDEX = re.compile(r"-?\d{1,18}(?=->|::|[.,)]|$)")
_KEY = re.compile(r"[^(:.,>)-]+(?:-(?!>)[^(:.,>)-]+)*")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Step:
    """One step into a JSON value: an object's key or an array's index. ``as_text`` is ``->>`` (PostgreSQL, 9.16)."""

    key: str | int
    as_text: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A column by its name, and the steps into its JSON."""

    name: str
    path: tuple[Step, ...] = ()

    def __str__(self) -> str:
        """The field as the query writes it."""
        return _quote(self.name) + "".join(f"{'->>' if step.as_text else '->'}{_key(step.key)}" for step in self.path)


def scan_name(scanner: Scanner) -> str:
    """Read a bare or quoted name.

    Raises:
        MalformedQuery: no name stands here.
    """
    scanner.skip_spaces()
    if quoted := scanner.match(_QUOTED):
        return unescape(quoted[1])
    if bare := scanner.match(_NAME):
        return bare[0].strip()
    raise scanner.error("a column name")


def scan_field(scanner: Scanner) -> Field:
    """Read a column and the way into its JSON: ``address->city->>name``."""
    name = scan_name(scanner)
    steps: list[Step] = []
    while arrow := scanner.match(_ARROW):
        steps.append(Step(_scan_key(scanner), as_text=arrow[0] == "->>"))
    return Field(name, tuple(steps))


def parse_field(text: str, what: str) -> Field:
    """Read a text that is one field and nothing else."""
    scanner = Scanner(text, f"{what} ({text})")
    field = scan_field(scanner)
    scanner.finish()
    return field


def unescape(quoted: str) -> str:
    """What stands between double quotes, backslash escapes resolved."""
    return _ESCAPE.sub(r"\1", quoted)


def _scan_key(scanner: Scanner) -> str | int:
    if index := scanner.match(_INDEX):
        return int(index[0])
    if quoted := scanner.match(_QUOTED):
        return unescape(quoted[1])
    if key := scanner.match(_KEY):
        return key[0].strip()
    raise scanner.error("a JSON key or index")


def _key(key: str | int) -> str:
    return str(key) if isinstance(key, int) else _quote(key, digits=True)


def _quote(name: str, *, digits: bool = False) -> str:
    plain = _NAME.fullmatch(name) and name == name.strip() and not (digits and _INDEX.fullmatch(name))
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
