"""What everybody who is measured can do."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.generator import Load, Program, press
from benchmarks.processes import Cores, Process, free_port
from benchmarks.requests import Request, Response, send, write_deck
from benchmarks.schema import TABLES_ROWS
from benchmarks.workload import DECK, WORKS, Ask, Kind, Seen, Work, asks, expected, owner

CHECKED = 4
"""Requests of each work whose answers are looked at before anything is measured."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how somebody runs. ``directory`` is theirs alone; ``secret`` is what tokens are signed with."""

    directory: Path
    cores: Cores | None
    program: Program
    workers: int = 1
    postgrest: str | None = None
    before: str | None = None
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)


class Wrong(Exception):
    """Somebody does not answer what they must, so their speed means nothing."""


class Competitor(ABC):
    """Somebody who is measured."""

    name: ClassVar[str]
    title: ClassVar[str]
    limit: ClassVar[bool] = False
    """Whether this is no rival but a limit: what cannot be surpassed on the way."""
    works: ClassVar[Sequence[str]] = tuple(WORKS)
    whole: ClassVar[bool] = False
    """Whether server and database are one program."""

    def __init__(self, place: Place) -> None:
        """Prepare; nothing is started before `start`."""
        self.place = place
        self.rows = 0
        self.names: list[str] = []
        """Of the many tables that `spread` has made."""

    def absent(self) -> str | None:
        """Why it cannot be measured here; None if it can."""
        return None

    @abstractmethod
    def version(self) -> str:
        """Which version of what is measured."""

    @abstractmethod
    def start(self) -> None:
        """Start it, on what an earlier start left; returns when it answers.

        Raises:
            RuntimeError: it does not start.
        """

    @abstractmethod
    def stop(self) -> None:
        """Stop it; harmless when it does not run."""

    @abstractmethod
    def fill(self, rows: int) -> None:
        """Make the tables if need be, and fill them up to so many rows."""

    def spread(self, tables: int) -> bool:
        """Make many tables; False if it cannot do that without being rewritten."""
        del tables
        return False

    @property
    @abstractmethod
    def roots(self) -> list[int]:
        """The processes that it consists of, those below them not named."""

    @abstractmethod
    def check(self, work: Work) -> None:
        """See that it answers rightly.

        Raises:
            Wrong: it does not.
        """

    @abstractmethod
    def load(self, work: Work, connections: int, seconds: int) -> Load:
        """Press it."""

    @property
    def generator(self) -> tuple[int, ...] | None:
        """The cores of the generator."""
        return None if self.place.cores is None else self.place.cores.generator


class HttpCompetitor(Competitor):
    """Somebody who answers HTTP."""

    ready: ClassVar[str]
    """A path that is answered with 200 once it is up."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.port = free_port()
        self.process: Process | None = None

    @property
    def roots(self) -> list[int]:
        return [] if self.process is None else [self.process.id]

    @abstractmethod
    def request(self, ask: Ask) -> Request:
        """How it wants to be asked."""

    @abstractmethod
    def read(self, ask: Ask, body: Any) -> list[Seen]:
        """The rows in an answer's JSON."""

    def run(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start the server and wait until it is ready."""
        self.process = Process(command, self.place.directory, environment)
        self.process.wait_until(self.is_ready)

    def is_ready(self) -> bool:
        """Whether it answers."""
        return send(self.port, Request("GET", self.ready), timeout=5).status == 200

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
            self.process = None

    def check(self, work: Work) -> None:
        for ask in asks(work, rows=self.rows, count=CHECKED, seed=1):
            response = self.send(ask)
            if not 200 <= response.status < 300 or self.read(ask, response.json()) != expected(ask, self.rows):
                raise Wrong(f"{work.name}: {response.status} {response.body[:300].decode(errors='replace')}")
        self._check_rights()

    def _check_rights(self) -> None:
        """Nobody sees another's row."""
        stranger = Ask(Kind.GET, owner(1) + 1, 1, 0)
        response = self.send(stranger)
        if response.status < 400:
            raise Wrong(f"a stranger's row was shown: {response.status} {response.body[:300].decode(errors='replace')}")

    def send(self, ask: Ask) -> Response:
        """Ask once."""
        return self.answer(self.request(ask))

    def answer(self, request: Request) -> Response:
        """Send a request as it is."""
        return send(self.port, request)

    def table(self, ask: Ask) -> str:
        """The table that is asked for."""
        return "items" if ask.table is None else self.names[ask.table]

    def load(self, work: Work, connections: int, seconds: int) -> Load:
        deck = self._deck(work)
        return press(
            self.place.program, deck, self.port, connections=connections, seconds=seconds, cores=self.generator
        )

    def _deck(self, work: Work) -> Path:
        tables = len(self.names) or None
        rows = self.rows if tables is None else TABLES_ROWS
        path = self.place.directory / f"{work.name}-{rows}-{tables}.deck"
        if not path.exists():
            write_deck(path, map(self.request, asks(work, rows=rows, count=DECK, tables=tables)))
        return path
