"""PostgREST, where its program is at hand: on the path, or named with ``--postgrest``."""

import shutil
import subprocess
from typing import Any, ClassVar

from benchmarks import schema
from benchmarks.competitors.base import HttpCompetitor, Place
from benchmarks.competitors.database import Database
from benchmarks.competitors.dialect import ask_postgrest, read_rows
from benchmarks.requests import Request, token
from benchmarks.workload import PEOPLE, Ask, Seen


class PostgRest(HttpCompetitor):
    """One process, with a PostgreSQL of its own that is set up as Pellucid's is."""

    name = "postgrest"
    title = "PostgREST"
    ready: ClassVar[str] = "/"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.program = shutil.which(place.postgrest or "postgrest")
        self.database = Database(place.directory / "database")
        self.tokens = [token(place.secret, person) for person in range(PEOPLE)]

    def absent(self) -> str | None:
        if self.program is not None:
            return None
        return "it could not be had here: no package registry has it; name its program with --postgrest PATH"

    def version(self) -> str:
        return subprocess.run(
            [str(self.program), "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()

    def start(self) -> None:
        self.database.start()
        if not self.rows:
            self.database.run(schema.ROLES)
        self.run(
            [str(self.program)],
            {
                "PGRST_DB_URI": self.database.url("authenticator"),
                "PGRST_DB_SCHEMAS": "public",
                "PGRST_DB_ANON_ROLE": "anon",
                "PGRST_JWT_SECRET": self.place.secret,
                "PGRST_SERVER_HOST": "127.0.0.1",
                "PGRST_SERVER_PORT": str(self.port),
                "PGRST_LOG_LEVEL": "crit",
            },
        )

    def stop(self) -> None:
        super().stop()
        self.database.stop()

    @property
    def roots(self) -> list[int]:
        return [*super().roots, self.database.root]

    def fill(self, rows: int) -> None:
        self.database.run(("" if self.rows else schema.tables(judged=True)) + schema.fill(rows))
        self.rows = rows
        self._reload("projects")

    def spread(self, tables: int) -> bool:
        more = [f"items_{number}" for number in range(len(self.names), tables)]
        self.database.run(schema.many(more))
        self.names += more
        self._reload(self.names[-1])
        return True

    def _reload(self, name: str) -> None:
        """Have it read the schema again, and wait until it knows this table."""
        self.database.run("notify pgrst, 'reload schema';")
        if self.process is not None:
            self.process.wait_until(
                lambda: self.answer(Request("GET", f"/{name}?limit=1", self.tokens[0])).status == 200
            )

    def request(self, ask: Ask) -> Request:
        return ask_postgrest(ask, self.tokens[ask.person], items=self.table(ask))

    def read(self, ask: Ask, body: Any) -> list[Seen]:
        return read_rows(ask, body)
