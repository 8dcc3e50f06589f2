"""What is asked for: the people, the rows, and the kinds of requests. The same for everybody who is measured.

A thousand people own a hundred thousand items, each every thousandth, and each row belongs to a project. Everything follows from a row's
key, so that an answer can be checked without asking anybody.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import md5
from itertools import islice
from uuid import UUID

PEOPLE = 1_000
PROJECTS = 1_000
ROWS = 100_000
PAGE = 20
LEAST_SCORE = 50
DECK = 10_000
"""How many different requests a load goes round in."""


class Kind(StrEnum):
    """What one request does."""

    GET = "get"
    LIST = "list"
    JOIN = "join"
    INSERT = "insert"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Work:
    """A load. ``parts`` are kinds and how many of a hundred requests are of each."""

    name: str
    title: str
    parts: tuple[tuple[Kind, int], ...]


WORKS = {
    work.name: work
    for work in (
        Work("get", "GET one row by key", ((Kind.GET, 100),)),
        Work("insert", "Insert one row, durable", ((Kind.INSERT, 100),)),
        Work("update", "Update one row by key, durable", ((Kind.UPDATE, 100),)),
        Work("list", "List of 20, filtered and ordered", ((Kind.LIST, 100),)),
        Work("join", "List of 20 with a join", ((Kind.JOIN, 100),)),
        Work("mixed", "Mixed: 90 GET, 5 insert, 5 update", ((Kind.GET, 90), (Kind.INSERT, 5), (Kind.UPDATE, 5))),
    )
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, said in no dialect: who asks for what. ``number`` makes what is written different each time; ``table`` says which of
    many tables that are all alike."""

    kind: Kind
    person: int
    key: int
    number: int
    table: int | None = None

    @property
    def written(self) -> str:
        """The title that an insert writes."""
        return f"Written as number {self.number}"

    @property
    def done(self) -> bool:
        """What an update writes."""
        return self.number % 2 == 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What everybody must answer for a row; None for what is not looked at.

    Loads change nothing but ``done``, so that is looked at where it has just been written alone.
    """

    title: str
    score: int
    key: int | None = None
    project: str | None = None
    done: bool | None = None


def asks(work: Work, *, rows: int, count: int = DECK, seed: int = 0, tables: int | None = None) -> Iterator[Ask]:
    """The requests of a load, in the same random order for everybody."""
    chance = random.Random(f"{work.name} {seed}")
    kinds = [kind for kind, share in work.parts for _ in range(share)]
    return islice(_endless(chance, kinds, rows, tables), count)


def _endless(chance: random.Random, kinds: list[Kind], rows: int, tables: int | None) -> Iterator[Ask]:
    number = 0
    while True:
        number += 1
        person = chance.randrange(PEOPLE)
        key = person + 1 + PEOPLE * chance.randrange(rows // PEOPLE)
        table = None if tables is None else chance.randrange(tables)
        yield Ask(chance.choice(kinds), person, key, number, table)


def identifier(person: int) -> UUID:
    """The id of a person's account; `OWNER` in SQL."""
    return UUID(md5(str(person).encode(), usedforsecurity=False).hexdigest())


def owner(key: int) -> int:
    """Whose row it is."""
    return (key - 1) % PEOPLE


def project(key: int) -> int:
    """The project of a row."""
    return key * 7 % PROJECTS + 1


def score(key: int) -> int:
    """The score of a row, 0 to 99."""
    return ((key - 1) // PEOPLE * 37 + key) % 100


def seen(key: int, *, joined: bool = False) -> Seen:
    """A row as it was filled in."""
    return Seen(f"Title of item {key}", score(key), key, f"Project {project(key)}" if joined else None)


def expected(ask: Ask, rows: int) -> list[Seen]:
    """What a right answer holds."""
    match ask.kind:
        case Kind.GET:
            return [seen(ask.key)]
        case Kind.INSERT:
            return [Seen(ask.written, score(ask.number))]
        case Kind.UPDATE:
            return [replace(seen(ask.key), done=ask.done)]
        case Kind.LIST | Kind.JOIN:
            return [seen(key, joined=ask.kind is Kind.JOIN) for key in _page(ask.person, rows)]


def _page(person: int, rows: int) -> list[int]:
    keys = [key for key in range(person + 1, rows + 1, PEOPLE) if score(key) >= LEAST_SCORE]
    return sorted(keys, key=lambda key: (-score(key), key))[:PAGE]
