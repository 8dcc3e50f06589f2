"""A limit: PostgreSQL itself, asked by pgbench for the same rows, with nobody between."""

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from benchmarks import schema
from benchmarks.competitors.base import Competitor, Place, Wrong
from benchmarks.competitors.database import Database
from benchmarks.generator import Load, on
from benchmarks.workload import LEAST_SCORE, PAGE, PEOPLE, PROJECTS, Kind, Work

MOST_CONNECTIONS = 64
"""PostgreSQL has a process for each, and is not faster with more."""
SAMPLED = 0.1
"""The share of transactions whose latency is written down."""

OWNER = "md5(:person::text)::uuid"
_SHOWN = "id, owner, project, title, score, done, created_at"
_PAGE = f"where score >= {LEAST_SCORE}{{mine}} order by score desc, id limit {PAGE}"
STATEMENTS = {
    Kind.GET: f"select to_json(t) from (select {_SHOWN} from items where id = :key) t;",
    Kind.LIST: f"select coalesce(json_agg(t), '[]') from (select {_SHOWN} from items {_PAGE}) t;",
    Kind.JOIN: "select coalesce(json_agg(t), '[]') from (select items.id, title, score, to_json(p) as projects from items "
    f"left join lateral (select id, name from projects where projects.id = items.project) p on true {_PAGE}) t;",
    Kind.INSERT: "insert into notes (project, title, score, done{owned}) "
    "values (:project, 'Written by pgbench', :score, false{owner}) returning to_json(notes);",
    Kind.UPDATE: "update items set done = not done where id = :key returning to_json(items);",
}
"""What is between braces says whose row it is, where no policy does."""
SETTINGS = (
    "select set_config('request.jwt.claims', '{\"sub\":\"' || " + OWNER + ' || \'","role":"authenticated"}\', true), '
    "set_config('role', 'authenticated', true);"
)


class Pgbench(Competitor):
    """One transaction a request, as the data path has it: BEGIN, role and claims, the statement, COMMIT; sent together (pipelined)."""

    name = "pgbench"
    title = "limit: pgbench, with role and claims"
    limit = True
    role: ClassVar[str] = "authenticator"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.database = Database(place.directory / "database")

    def version(self) -> str:
        return self.database.version

    def start(self) -> None:
        self.database.start()
        if not self.rows:
            with suppress(RuntimeError):
                self.database.run(schema.ROLES)

    def stop(self) -> None:
        self.database.stop()

    @property
    def roots(self) -> list[int]:
        return [self.database.root]

    def fill(self, rows: int) -> None:
        self.database.run(("" if self.rows else schema.tables(judged=True)) + schema.fill(rows))
        self.rows = rows

    def check(self, work: Work) -> None:
        try:
            self._run(work, 1, ["--transactions", "10"])
        except RuntimeError as fault:
            raise Wrong(f"{work.name}: {fault}") from fault

    def load(self, work: Work, connections: int, seconds: int) -> Load:
        logs = self.place.directory / "transactions"
        printed = self._run(
            work,
            min(connections, MOST_CONNECTIONS),
            ["--time", str(seconds), "--log", "--log-prefix", str(logs), "--sampling-rate", str(SAMPLED)],
        )
        latencies = _latencies(self.place.directory)
        return outcome(printed, latencies)

    def _run(self, work: Work, connections: int, options: Sequence[str]) -> str:
        scripts = [part for kind, share in work.parts for part in ("--file", f"{self._script(kind)}@{share}")]
        command = [
            self.database.program("pgbench"), "--no-vacuum", "--protocol", "prepared", "--client", str(connections),
            "--jobs", "1", *options, *scripts, self.database.url(self.role),
        ]  # fmt: skip
        done = subprocess.run(
            on(self.generator, command), cwd=self.place.directory, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip()[-500:])
        return done.stdout

    def _script(self, kind: Kind) -> Path:
        path = self.place.directory / f"{self.name}-{kind}-{self.rows}.sql"
        path.write_text(self.script(STATEMENTS[kind]))
        return path

    def script(self, statement: str) -> str:
        """What pgbench runs again and again for a statement."""
        judged = statement.format(mine="", owned="", owner="")
        pipeline = ["\\startpipeline", "begin;", SETTINGS, judged, "commit;", "\\endpipeline"]
        return "\n".join([*self._chances(), *pipeline, ""])

    def _chances(self) -> list[str]:
        return [
            f"\\set person random(0, {PEOPLE - 1})",
            f"\\set key :person + 1 + {PEOPLE} * random(0, {self.rows // PEOPLE - 1})",
            f"\\set project random(1, {PROJECTS})",
            "\\set score random(0, 99)",
        ]


class Bare(Pgbench):
    """The statement alone, as the superuser: no BEGIN, no role, no claims, no policy."""

    name = "pgbench-bare"
    title = "limit: pgbench, the statement alone"
    role: ClassVar[str] = "postgres"

    def script(self, statement: str) -> str:
        owned = statement.format(mine=f" and owner = {OWNER}", owned=", owner", owner=f", {OWNER}")
        return "\n".join([*self._chances(), owned, ""])


def _latencies(directory: Path) -> list[float]:
    """Milliseconds of the transactions that were written down; their files are removed."""
    found: list[float] = []
    for path in directory.glob("transactions.*"):
        found += [int(line.split()[2]) / 1000 for line in path.read_text().splitlines()]
        path.unlink()
    return sorted(found) or [0.0]


def outcome(printed: str, latencies: list[float]) -> Load:
    """The figures in what pgbench prints."""
    lines = dict(
        line.partition(separator)[::2]
        for line in printed.splitlines()
        for separator in (": ", " = ")
        if separator in line
    )
    requests = int(lines["number of transactions actually processed"].split("/")[0])
    failed = int(lines["number of failed transactions"].split()[0])
    rate = float(lines["tps"].split()[0])
    p50, p99 = (latencies[int(share * (len(latencies) - 1))] for share in (0.5, 0.99))
    return Load(requests, requests / rate, failed, p50, p99)
