"""Every request has a name, its stages are recorded, and those who listen hear of it once."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from pellucid.observe import Stage, observe
from pellucid.web.dependencies import Identity
from pellucid.web.exchange import NO_ROUTE, Exchange, current
from pellucid.web.options import WebOptions
from tests.web.site import Site

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(site: Site) -> Site:
    @site.app.get("/plan/{name}")
    async def plan(name: str) -> str:
        with observe(Stage.PLAN), observe(Stage.EXECUTE):
            pass
        exchange = current.get()
        assert exchange
        return exchange.request_id

    return site


async def test_a_request_without_an_id_gets_one(site: Site) -> None:
    async with site.client() as client:
        first, second = await client.get("/plan/a"), await client.get("/plan/a")
    assert re.fullmatch(r"[0-9a-f]{32}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.json() == first.headers["x-request-id"]


@pytest.mark.parametrize("given", ["0190b000-0000-7000-8000-00000000b0b0", "abcdefgh", "A.b_c-d1" * 16])
async def test_a_well_formed_id_is_kept(site: Site, given: str) -> None:
    async with site.client() as client:
        response = await client.get("/plan/a", headers={"X-Request-Id": given})
    assert response.headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", ["short", "a" * 129, "with space here", "ümlautümlaut", "-starts-wrong", "a\x1b[31mred-red", ""]
)
async def test_any_other_id_is_replaced(site: Site, given: str) -> None:
    async with site.client() as client:
        response = await client.get("/plan/a", headers={b"X-Request-Id": given.encode()})
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/plan/a", "/nowhere", "/docs"])
async def test_answers_of_every_kind_carry_id_and_timing(site: Site, path: str) -> None:
    async with site.client() as client:
        response = await client.get(path)
    assert response.headers["x-request-id"]
    parts = response.headers["server-timing"].split(", ")
    assert all(re.fullmatch(r"[a-z]+;dur=\d+\.\d{3}", part) for part in parts)
    assert parts[0].startswith("server;")
    assert parts[-1].startswith("total;")


async def test_timing_speaks_the_vocabulary_of_the_stages(site: Site) -> None:
    async with site.client() as client:
        response = await client.get("/plan/a")
    named = re.findall(r"(\w+);dur", response.headers["server-timing"])
    assert named == ["server", "plan", "execute", "total"]
    assert set(named) - {"total"} <= {str(stage) for stage in Stage}


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (WebOptions(production=True), False),
        (WebOptions(production=True, server_timing=True), True),
        (WebOptions(server_timing=False), False),
    ],
)
async def test_production_keeps_timing_to_itself_unless_allowed(site: Site, options: WebOptions, shown: bool) -> None:
    site.options = options
    async with site.client() as client:
        assert ("server-timing" in (await client.get("/plan/a")).headers) is shown


async def test_listeners_hear_of_each_exchange_once(site: Site) -> None:
    async with site.client() as client:
        await client.get("/plan/a")
        await client.get("/nowhere")
    assert [(each.method, each.route, each.status, each.finished) for each in site.exchanges] == [
        ("GET", "/plan/{name}", 200, True),
        ("GET", NO_ROUTE, 404, True),
    ]
    stages = site.exchanges[0].stages()
    assert list(stages) == [Stage.SERVER, Stage.PLAN, Stage.EXECUTE, Stage.RESPOND]
    assert site.exchanges[0].seconds > 0
    assert site.exchanges[0].stages() is stages


async def test_a_listener_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(exchange: Exchange) -> None:
        raise RuntimeError

    site = Site(listeners=[broken])
    async with site.client() as client:
        assert (await client.get("/docs")).status_code == 200
    assert "a listener failed" in caplog.text
    assert len(site.exchanges) == 1


async def test_routes_are_named_by_their_templates(site: Site) -> None:
    inner, outer = APIRouter(prefix="/inner"), APIRouter(prefix="/outer")

    @inner.get("/{one}")
    async def one(one: str) -> str:
        return one

    outer.include_router(inner)
    site.app.include_router(outer, prefix="/v1")
    site.app.router.routes.append(Route("/{table}/{key:path}", lambda _: PlainTextResponse("row")))
    async with site.client() as client:
        await client.get("/v1/outer/inner/7")
        await client.get("/people/1/2")
    assert [each.route for each in site.exchanges] == ["/v1/outer/inner/{one}", "/{table}/{key}"]


async def test_requests_at_once_do_not_hear_each_other(site: Site) -> None:
    both = asyncio.Barrier(2)

    @site.app.get("/meet/{stage}")
    async def meet(stage: Stage) -> str:
        with observe(stage):
            await both.wait()
        exchange = current.get()
        assert exchange
        return exchange.request_id

    async with site.client() as client:
        answers = await asyncio.gather(client.get("/meet/plan"), client.get("/meet/parse"))
    heard = {each.request_id: set(each.stages()) - {Stage.SERVER, Stage.RESPOND} for each in site.exchanges}
    assert heard == {answers[0].json(): {Stage.PLAN}, answers[1].json(): {Stage.PARSE}}


async def test_nothing_is_left_in_the_context(site: Site) -> None:
    before = current.get()
    async with site.client() as client:
        await client.get("/plan/a")
    assert current.get() is before is None


async def test_a_state_that_a_server_shares_between_requests_carries_nobody_over(site: Site) -> None:
    @site.app.get("/known")
    async def known(request: Request) -> str:
        found = str(request.state.identity)
        request.state.identity = "ada"
        return f"{found}{request.state.greeting}"

    shared = {"greeting": "!", "identity": "eve"}
    app = site.install()

    async def sharing(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"] = shared
        await app(scope, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(sharing), base_url="http://localhost") as client:
        assert [(await client.get("/known")).json() for _ in range(2)] == ["None!", "None!"]


async def test_the_access_line_tells_the_story(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pellucid.access")
    async with site.client() as client:
        await client.get(
            "/plan/a?apikey=canary&b=2", headers={"X-Request-Id": "request-1", "Authorization": "Bearer canary"}
        )
    [record] = [record for record in caplog.records if record.name == "pellucid.access"]
    assert re.fullmatch(r"GET /plan/a\?apikey=\*\*\*&b=2 200 \d+\.\d ms", record.getMessage())
    fields = record.fields  # type: ignore[attr-defined]
    assert {name: fields[name] for name in ("method", "path", "route", "status")} == {
        "method": "GET", "path": "/plan/a", "route": "/plan/{name}", "status": 200,
    }  # fmt: skip
    assert list(fields["stages"]) == ["server", "plan", "execute", "respond"]
    assert "canary" not in str(record.__dict__)


async def test_the_access_line_names_the_role_and_says_when_an_answer_broke_off(
    living: Site, caplog: pytest.LogCaptureFixture
) -> None:
    async def half() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError

    @living.app.get("/half")
    async def cut(_: Identity) -> StreamingResponse:
        return StreamingResponse(half())

    caplog.set_level(logging.INFO, "pellucid.access")
    async with living.client() as client:
        with pytest.raises(RuntimeError):
            await client.get("/half")
    [record] = [record for record in caplog.records if record.name == "pellucid.access"]
    fields = record.fields  # type: ignore[attr-defined]
    assert (fields["role"], fields["status"], fields["finished"]) == ("anon", 200, False)


async def test_the_lifespan_of_a_server_is_let_through(site: Site) -> None:
    """What is no HTTP request is none of this room's business."""
    sent: list[str] = []
    told = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Message:
        return {"type": next(told)}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await site.install()({"type": "lifespan", "state": {}}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert site.exchanges == []


async def test_the_access_log_can_be_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Site(WebOptions(access_log=False)).client() as client:
        await client.get("/docs")
    assert not [record for record in caplog.records if record.name == "pellucid.access"]
