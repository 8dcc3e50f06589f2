"""What comes again is answered the short way, and nobody can tell."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from pellucid.app import Pellucid
from pellucid.errors import PoolExhausted, Unavailable
from pellucid.rest import share as sharing
from pellucid.web import memory as remembering
from pellucid.web.memory import Memory
from tests.conftest import Clone
from tests.rest.stage import THINGS, WORLD, Stage, Staging, watched

__all__ = ["watched"]

pytestmark = pytest.mark.anyio


async def test_a_write_comes_again_with_its_own_values(stage: Stage) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    made = await stage.ask("POST", "/thing", {"name": 'q"\\é', "place": 2})
    assert stage.short[-1] == 201
    assert made.json() | {"id": 0, "owner": ""} == {"id": 0, "owner": "", "name": 'q"\\é', "place": 2}
    located = {"Prefer": "return=headers-only"}
    await stage.learn("POST", "/rest/v1/thing", *({"name": name} for name in "xyz"), **located)
    before = len(stage.short)
    other = await stage.ask("POST", "/rest/v1/thing", {"name": "w"}, **located)
    assert len(stage.short) == before + 1
    row = (await stage.ask("GET", "/rest/v1/thing?name=eq.w")).json()[0]
    assert other.headers["location"] == f"/thing?id=eq.{row['id']}"
    assert other.text == ""


async def test_a_read_comes_again_with_its_own_values(stage: Stage) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    answers = [await stage.ask("GET", f"/thing/{number}") for number in (1, 2, 3)]
    assert [answer.json()["name"] for answer in answers] == ["a", "b", "c"]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert all(answer.headers["server-timing"].startswith("server;dur=") for answer in answers)
    assert len(stage.short) >= 3
    await stage.learn("GET", "/rest/v1/thing?select=id,name&id=eq.1")
    before = len(stage.short)
    other = await stage.ask("GET", "/rest/v1/thing?select=id,name&id=eq.3")
    assert len(stage.short) == before + 1
    assert other.json() == [{"id": 3, "name": "c"}]
    assert other.headers["content-location"] == "/thing?id=eq.3&select=id%2Cname"


async def test_lists_with_their_related_rows_come_again(stage: Stage) -> None:
    await stage.learn("POST", "/thing", *THINGS, {"name": "d", "place": 2})
    target = "/thing?select=name,place(name)&id=gte.{}&order=id&limit=3"
    for _ in range(4):
        await stage.ask("GET", target.format(2))
    assert stage.short[-1] == 200
    few, many = await stage.ask("GET", target.format(4)), await stage.ask("GET", target.format(2))
    assert few.json() == [{"name": "d", "place": {"name": "Rome"}}]
    assert few.headers["content-range"] == "0-0/*"
    assert many.headers["content-range"] == "0-2/*"
    assert len(many.json()) == 3


async def test_everybody_sees_their_own(stage: Stage) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    assert (await stage.ask("GET", "/thing/1")).status_code == 200
    for _ in range(3):
        assert (await stage.client.get("/thing/1", headers=stage.bob)).status_code == 404
        assert (await stage.client.get("/thing/1")).status_code in (401, 403)
        forged = {"Authorization": stage.ada["Authorization"][:-4] + "AAAA"}
        assert (await stage.client.get("/thing/1", headers=forged)).status_code == 401


async def test_errors_are_those_of_the_usual_way(stage: Stage) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    taken = await stage.ask("POST", "/thing", THINGS[0])
    assert (taken.status_code, taken.json()["code"]) == (409, "duplicate")
    unfit = await stage.ask("POST", "/thing", {"name": "z", "place": "Rome"})
    assert unfit.status_code == 422
    nowhere = await stage.ask("POST", "/thing", {"name": "z", "place": 99})
    assert nowhere.status_code == 409
    assert (await stage.ask("GET", "/thing/99")).status_code == 404
    assert (await stage.ask("GET", "/thing/word")).status_code in (400, 422)
    broken = await stage.client.post(
        "/thing", content=b'{"name": "z", "place"', headers={**stage.ada, "content-type": "application/json"}
    )
    assert broken.status_code == 400
    assert (await stage.ask("GET", "/thing?name=eq.z")).json() == []


async def test_what_an_answer_may_depend_on_is_not_mixed_up(stage: Stage) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    before = len(stage.short)
    csv = await stage.ask("GET", "/thing/1", Accept="text/csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert (await stage.ask("GET", "/thing/1", Accept="image/png")).status_code == 406
    assert (await stage.ask("GET", "/thing/1", Host="evil.example")).status_code == 421
    page = await stage.ask("GET", "/thing/1", Origin="http://localhost:3000")
    assert page.headers["access-control-allow-origin"] == "http://localhost:3000"
    stranger = await stage.ask("DELETE", "/thing/1", Origin="http://evil.example")
    assert stranger.status_code == 403
    traced = await stage.ask("GET", "/thing/1", **{"Pellucid-Trace": "light"})
    assert traced.headers["pellucid-trace"]
    named = await stage.ask("GET", "/thing/1", **{"X-Request-Id": "my-own-name-1"})
    assert named.headers["x-request-id"] == "my-own-name-1"
    assert len(stage.short) == before + 1


async def test_a_change_of_the_schema_is_seen(stage: Stage, admin: asyncpg.Connection) -> None:
    assert stage.app.data is not None
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    await admin.execute("alter table thing add column colour text default 'red'")
    await stage.app.data.database.refresh()
    for _ in range(4):
        assert (await stage.ask("GET", "/thing/1")).json()["colour"] == "red"
    assert stage.short[-1] == 200
    await admin.execute("create policy nobody on thing as restrictive using (false)")
    assert (await stage.ask("GET", "/thing/1")).status_code == 404
    await admin.execute("revoke select on thing from authenticated")
    assert (await stage.ask("GET", "/thing/1")).status_code == 403


async def test_a_token_counts_no_longer_than_it_is_good(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    identifier = stage.app.state.pellucid.identifier
    now = identifier.tokens.clock
    for clock in (identifier, identifier.tokens):
        monkeypatch.setattr(clock, "_clock" if clock is identifier else "clock", lambda: now() + 86_400 * 365)
    assert (await stage.ask("GET", "/thing/1")).status_code == 401


@pytest.mark.parametrize(
    ("fault", "status"),
    [(PoolExhausted("too many", headers={"Retry-After": "1"}), 503), (Unavailable("gone"), 503)],
)
async def test_what_goes_wrong_on_the_short_way_is_told_by_the_usual_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    assert stage.app.data is not None
    assert stage.app.data.share is not None

    async def fails(*_: object) -> None:
        raise fault

    monkeypatch.setattr(stage.app.data.share, "_fetch", fails)
    answer = await stage.ask("GET", "/thing/1")
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_too_many_who_wait_are_sent_away(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.learn("POST", "/thing", *THINGS)
    await stage.learn("GET", "/thing/1")
    monkeypatch.setattr(sharing, "MOST_WAITING", 0)
    answer = await stage.ask("GET", "/thing/1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_what_functions_of_the_database_may_look_at_is_never_left_out(
    stage: Stage, admin: asyncpg.Connection
) -> None:
    await admin.execute(
        "create table seen (id int primary key, path text default current_setting('request.path', true));"
        "alter table seen enable row level security; create policy p on seen using (true);"
        "grant select, insert on seen to authenticated"
    )
    assert stage.app.data is not None
    await stage.app.data.database.refresh()
    answers = [await stage.ask("POST", "/seen", {"id": number}) for number in range(5)]
    assert {answer.json()["path"] for answer in answers} == {"/seen"}
    assert stage.short == []


async def test_the_memory_is_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "SHAPES", 2)
    monkeypatch.setattr(remembering, "SIGHTS", 3)
    await stage.learn("POST", "/thing", *THINGS)
    for column in ("id", "name", "place", "owner", "id,name", "id,place"):
        for _ in range(3):
            await stage.ask("GET", f"/thing?select={column}&limit=2")
    memory = stage.app.front
    assert isinstance(memory, Memory)
    assert len(memory._entries) == 2
    assert len(memory._seen) <= 3


async def test_own_layers_and_routes_see_every_request(clone: Clone, admin: asyncpg.Connection, tmp_path: Path) -> None:
    await admin.execute(WORLD)
    app, seen = Pellucid(), []

    class Layer:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            seen.append(scope["type"])
            await self.app(scope, receive, send)

    app.add_middleware(Layer)
    async with Staging(app, clone, tmp_path) as stage:
        for _ in range(5):
            await stage.client.get("/place/1", headers=stage.ada)
    assert seen.count("http") == 5


async def test_a_route_that_is_added_later_is_asked(stage: Stage) -> None:
    await stage.learn("GET", "/place/1")
    assert (await stage.ask("GET", "/place/1")).json()["name"] == "Paris"
    assert stage.short
    own = FastAPI()
    own.get("/{rest:path}")(lambda rest: {"own": rest})
    stage.app.router.routes.insert(0, own.routes[-1])
    assert (await stage.ask("GET", "/place/1")).json() == {"own": "place/1"}


async def test_a_route_of_a_part_of_the_values_is_asked(
    clone: Clone, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    await admin.execute(
        WORLD + "create table word (id text primary key); insert into word values ('me'), ('a'), ('b');"
        "alter table word enable row level security; create policy p on word using (true); grant select on word to anon"
    )
    app = Pellucid()

    @app.get("/word/me")
    async def me() -> dict[str, str]:
        return {"own": "route"}

    async with Staging(app, clone, tmp_path) as stage:
        for name in "ababab":
            assert (await stage.client.get(f"/word/{name}")).json() == {"id": name}
        assert (await stage.client.get("/word/me")).json() == {"own": "route"}
        assert stage.short == []


async def test_what_sequences_remember_of_one_caller_is_no_others(
    clone: Clone, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    await admin.execute(WORLD + "create function last() returns bigint language sql volatile as $$ select lastval() $$")
    settings = {"pool_size": 1}
    async with Staging(None, clone, tmp_path, **settings) as stage:
        await stage.learn("POST", "/thing", *THINGS, {"name": "d"}, {"name": "e"}, {"name": "f"})
        assert stage.short
        answer = await stage.client.post("/rest/v1/rpc/last", headers=stage.bob)
        assert answer.json()["code"] == "55000"


async def test_what_is_repeated_of_a_request_is_its_own(
    clone: Clone, admin: asyncpg.Connection, tmp_path: Path
) -> None:
    await admin.execute(WORLD)
    async with Staging(None, clone, tmp_path, trace_header="X-Trace") as stage:
        for name in ("one", "two", "three", "four"):
            assert (await stage.ask("GET", "/place/1", **{"X-Trace": name})).headers["x-trace"] == name


async def test_limits_hold_on_the_short_way(clone: Clone, admin: asyncpg.Connection, tmp_path: Path) -> None:
    await admin.execute(WORLD)
    async with Staging(None, clone, tmp_path, max_body=100) as stage:
        await stage.learn("POST", "/thing", *THINGS, {"name": "d", "place": 1})
        assert stage.short
        assert (await stage.ask("POST", "/thing", {"name": "x" * 100, "place": 1})).status_code == 413
        many = {f"X-{number}": "x" for number in range(120)}
        await stage.learn("GET", "/place/1")
        assert (await stage.ask("GET", "/place/1", **many)).status_code == 431
