"""Pellucid itself, as ``pellucid serve --production`` runs it with PostgreSQL of its own."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import pellucid
from benchmarks import schema
from benchmarks.competitors.base import HttpCompetitor, Place
from benchmarks.competitors.database import run_sql
from benchmarks.competitors.dialect import JOINED, PAGED, ask_postgrest, inserted, read_rows
from benchmarks.requests import Request, token
from benchmarks.workload import PEOPLE, Ask, Kind, Seen


class Pellucid(HttpCompetitor):
    """The native profile."""

    name = "pellucid"
    title = "Pellucid"
    ready: ClassVar[str] = "/health/ready"
    chosen: ClassVar[Mapping[str, str]] = {}
    """Settings beside the usual ones."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.data = place.directory / "data"
        self.tokens = [token(place.secret, person) for person in range(PEOPLE)]

    def version(self) -> str:
        return f"Pellucid {pellucid.__version__}"

    def start(self) -> None:
        options = ["--port", str(self.port), "--workers", str(self.place.workers), "--data", str(self.data)]
        secrets = {"PELLUCID_JWT_SECRET": self.place.secret, "PELLUCID_ACCESS_LOG": "false"}
        self.run([self.python, "-m", "pellucid", "serve", "--production", *options], {**secrets, **self.chosen})

    @property
    def python(self) -> str:
        """The interpreter of the environment that it is installed in."""
        return sys.executable

    def fill(self, rows: int) -> None:
        run_sql(self.data, ("" if self.rows else schema.tables(judged=True)) + schema.fill(rows))
        self.rows = rows
        self._await_table("projects")

    def spread(self, tables: int) -> bool:
        more = [f"items_{number}" for number in range(len(self.names), tables)]
        run_sql(self.data, schema.many(more))
        self.names += more
        self._await_table(self.names[-1])
        return True

    def _await_table(self, name: str) -> None:
        """The schema is read again by itself when it has changed."""
        if self.process is not None:
            self.process.wait_until(lambda: self._knows(name))

    def _knows(self, name: str) -> bool:
        return self.ask(Request("GET", f"/{name}?limit=1", self.tokens[0])) == 200

    def ask(self, request: Request) -> int:
        """The status of an answer."""
        return self.answer(request).status

    def request(self, ask: Ask) -> Request:
        mine, items = self.tokens[ask.person], self.table(ask)
        match ask.kind:
            case Kind.GET:
                return Request("GET", f"/{items}/{ask.key}", mine)
            case Kind.LIST:
                return Request("GET", f"/{items}?{PAGED}", mine)
            case Kind.JOIN:
                return Request("GET", f"/{items}?{JOINED}", mine)
            case Kind.INSERT:
                return Request("POST", "/notes", mine, inserted(ask))
            case Kind.UPDATE:
                return Request("PATCH", f"/{items}/{ask.key}", mine, {"done": ask.done})

    def read(self, ask: Ask, body: Any) -> list[Seen]:
        return read_rows(ask, body)


class PellucidBefore(Pellucid):
    """Pellucid as it was, from another environment: what a change costs, by ratio, in one run."""

    name = "pellucid-before"
    title = "Pellucid as it was"

    def absent(self) -> str | None:
        return None if self.place.before else "name the Python of its environment with --before PATH"

    def version(self) -> str:
        asked = [self.python, "-m", "pellucid", "--version"]
        return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()

    @property
    def python(self) -> str:
        return self.place.before or sys.executable


class PellucidTraced(Pellucid):
    """Pellucid with one request in a hundred traced, and every one that takes longer than a second."""

    name = "pellucid-traced"
    title = "Pellucid, tracing 1 %"
    chosen: ClassVar[Mapping[str, str]] = {"PELLUCID_TRACE_SAMPLE": "0.01", "PELLUCID_TRACE_SLOW": "1000"}


class PellucidRest(Pellucid):
    """The PostgREST profile."""

    name = "pellucid-rest"
    title = "Pellucid under /rest/v1"

    def request(self, ask: Ask) -> Request:
        return ask_postgrest(ask, self.tokens[ask.person], root="/rest/v1", items=self.table(ask))
