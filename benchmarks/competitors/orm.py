"""The program that everybody writes: FastAPI, Pydantic, SQLAlchemy's ORM and asyncpg (`benchmarks.references.fastapi_orm`)."""

import importlib.util
import sys
from importlib.metadata import version
from typing import Any, ClassVar

from benchmarks import schema
from benchmarks.competitors.base import HttpCompetitor, Place
from benchmarks.competitors.database import Database
from benchmarks.competitors.dialect import inserted, read_rows
from benchmarks.generator import ROOT
from benchmarks.requests import Request, token
from benchmarks.workload import LEAST_SCORE, PAGE, PEOPLE, Ask, Kind, Seen

PAGED = f"least_score={LEAST_SCORE}&limit={PAGE}"


class Orm(HttpCompetitor):
    """uvicorn with uvloop and httptools, and a PostgreSQL of its own."""

    name = "orm"
    title = "FastAPI + ORM"
    ready: ClassVar[str] = "/health"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.database = Database(place.directory / "database")
        self.tokens = [token(place.secret, person) for person in range(PEOPLE)]

    def absent(self) -> str | None:
        return None if importlib.util.find_spec("jwt") else "PyJWT is not installed"

    def version(self) -> str:
        return f"FastAPI {version('fastapi')}, SQLAlchemy {version('sqlalchemy')}, asyncpg {version('asyncpg')}"

    def start(self) -> None:
        self.database.start()
        options = ["--app-dir", str(ROOT), "--host", "127.0.0.1", "--port", str(self.port), "--no-access-log"]
        options += ["--workers", str(self.place.workers)] if self.place.workers > 1 else []
        options += ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
        url = self.database.url("postgres").replace("postgresql:", "postgresql+asyncpg:")
        self.run(
            [sys.executable, "-m", "uvicorn", "benchmarks.references.fastapi_orm:app", *options],
            {"DATABASE_URL": url, "JWT_SECRET": self.place.secret},
        )

    def stop(self) -> None:
        super().stop()
        self.database.stop()

    @property
    def roots(self) -> list[int]:
        return [*super().roots, self.database.root]

    def fill(self, rows: int) -> None:
        self.database.run(("" if self.rows else schema.tables(judged=False)) + schema.fill(rows))
        self.rows = rows

    def request(self, ask: Ask) -> Request:
        mine = self.tokens[ask.person]
        match ask.kind:
            case Kind.GET:
                return Request("GET", f"/items/{ask.key}", mine)
            case Kind.LIST:
                return Request("GET", f"/items?{PAGED}", mine)
            case Kind.JOIN:
                return Request("GET", f"/items-with-projects?{PAGED}", mine)
            case Kind.INSERT:
                return Request("POST", "/notes", mine, inserted(ask))
            case Kind.UPDATE:
                return Request("PATCH", f"/items/{ask.key}", mine, {"done": ask.done})

    def read(self, ask: Ask, body: Any) -> list[Seen]:
        return read_rows(ask, body)
