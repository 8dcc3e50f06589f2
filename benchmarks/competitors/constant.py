"""A limit: the least that the same server can do (`benchmarks.references.constant`)."""

import sys
from importlib.metadata import version
from typing import Any, ClassVar

from benchmarks.competitors.base import HttpCompetitor
from benchmarks.generator import ROOT
from benchmarks.requests import Request, token
from benchmarks.workload import Ask, Seen, Work


class Constant(HttpCompetitor):
    """Pellucid's own ASGI server, and an application that answers every request with the same row."""

    name = "constant"
    title = "limit: a constant answer"
    limit = True
    works: ClassVar = ("get",)
    ready: ClassVar[str] = "/"

    def version(self) -> str:
        return f"uvicorn {version('uvicorn')}"

    def start(self) -> None:
        program = str(ROOT / "benchmarks" / "references" / "constant.py")
        self.run([sys.executable, program, str(self.port), str(self.place.workers)])

    def fill(self, rows: int) -> None:
        self.rows = rows

    def check(self, work: Work) -> None:
        """There is nothing that could be wrong."""

    def request(self, ask: Ask) -> Request:
        return Request("GET", f"/items/{ask.key}", token(self.place.secret, ask.person))

    def read(self, ask: Ask, body: Any) -> list[Seen]:
        return []
