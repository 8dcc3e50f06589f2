"""Who may have requests traced, and look at traces; to everybody else it is as if there were nothing."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import Request
from msgspec.structs import replace

from pellucid import Pellucid
from pellucid.observe import Stage
from pellucid.trace.client.asked import Asked, Ways
from pellucid.trace.client.client import Client
from pellucid.trace.client.otherhalf import asking, joined_all
from pellucid.trace.document import Reason
from pellucid.trace.encode import to_json
from pellucid.web.identity import Identity
from tests.conftest import Clone
from tests.trace.place import Place, opened

STRANGER = "203.0.113.7"
VARYING = ("x-request-id", "date", "server-timing", "content-length")
SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def production(clone: Clone, tmp_path: Path) -> AsyncIterator[Place]:
    async with opened(clone, tmp_path, production=True, address=STRANGER) as place:
        yield place


def alike(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in VARYING}


def body(answer: httpx.Response) -> str:
    return answer.text.replace(answer.headers["x-request-id"], "")


@pytest.mark.parametrize("who", [None, "anon", "authenticated", "forged"])
async def test_to_a_stranger_the_header_makes_no_difference(production: Place, who: str | None) -> None:
    headers = production.bearing(who) if who and who != "forged" else {}
    if who == "forged":
        headers = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."}
    for path in ("/person/7", "/person/0", "/nothing", "/health/live", "/traces", "/person?x="):
        plain = await production.client.get(path, headers=headers)
        for how in ("full", "light", "FULL", "nonsense"):
            asked = await production.client.get(path, headers=headers | {"Pellucid-Trace": how, "Traceparent": SAMPLED})
            assert (asked.status_code, alike(asked.headers)) == (plain.status_code, alike(plain.headers))
            assert body(asked) == body(plain)
    assert await production.kept() == []


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Real-IP": "127.0.0.1"},
        {"Forwarded": "for=127.0.0.1"},
        {"Host": "127.0.0.1"},
        {"Traceparent": SAMPLED},
    ],
)
async def test_no_header_makes_an_operator(production: Place, forged: dict[str, str]) -> None:
    answer = await production.client.get("/person/7", headers={"Pellucid-Trace": "full"} | forged)
    assert "pellucid-trace" not in answer.headers
    assert (await production.client.get("/traces", headers=forged)).status_code == 404
    assert await production.kept() == []


@pytest.mark.parametrize("passed_on", [{}, {"X-Forwarded-For": STRANGER}])
async def test_to_ask_from_this_machine_is_not_enough(clone: Clone, tmp_path: Path, passed_on: dict[str, str]) -> None:
    """A proxy on it asks from here too, on behalf of anybody, and need not say so."""
    async with opened(clone, tmp_path, production=True) as place:
        answer = await place.client.get("/person/7", headers={"Pellucid-Trace": "full"} | passed_on)
        assert "pellucid-trace" not in answer.headers
        assert (await place.client.get("/traces", headers=passed_on)).status_code == 404
        assert (await place.client.get("/metrics", headers=passed_on)).status_code == (401 if passed_on else 200)
        token = place.bearing("service_role") | passed_on
        await place.traced("GET", "/person/7", headers=token)
        assert (await place.client.get("/traces", headers=token)).status_code == 200


@pytest.mark.parametrize("path", ["/person/7", "/health/live"])
@pytest.mark.parametrize("proof", [f"Bearer pk_{'a' * 40}", f"Session {'a' * 40}", "Bearer x.e30.y", "Bearer x.*.y"])
async def test_the_header_of_a_stranger_has_nothing_proved(production: Place, path: str, proof: str) -> None:
    asked: list[str | None] = []
    identifier = production.app.state.pellucid.identifier

    class Counting:
        async def identify(self, authorization: str | None) -> Identity:
            asked.append(authorization)
            identity: Identity = await identifier.identify(authorization)
            return identity

    production.app.state.pellucid = replace(production.app.state.pellucid, identifier=Counting())
    headers = {"Authorization": proof, "Traceparent": SAMPLED}
    await production.client.get(path, headers=headers)
    plain, asked[:] = list(asked), []
    await production.client.get(path, headers=headers | {"Pellucid-Trace": "full"})
    assert asked == plain


async def test_who_asks_is_proved_once(production: Place) -> None:
    forged = {"Authorization": "Bearer x." + urlsafe_b64encode(b'{"role":"service_role"}').decode() + ".y"}
    answer = await production.client.get("/person/7", headers={"Pellucid-Trace": "full"} | forged)
    assert (answer.status_code, "pellucid-trace" in answer.headers) == (401, False)
    _, trace = await production.traced("GET", "/person?limit=2", headers=production.bearing("service_role"))
    (identity,) = [row for row in trace.rows if row.stage is Stage.IDENTITY]
    assert (identity.facts["proof"], identity.facts["role"]) == ("access token", "service_role")


@pytest.mark.parametrize(("version", "status"), [("1.1", 200), ("1.0", 401)])
async def test_a_proxy_that_says_nothing_of_itself_is_known_by_its_way_to_speak(
    clone: Clone, tmp_path: Path, version: str, status: int
) -> None:
    async with opened(clone, tmp_path, wire=True, production=True) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.client.base_url.port)
        lines = f"GET /metrics HTTP/{version}", "Host: 127.0.0.1", "Connection: close", "", ""
        writer.write("\r\n".join(lines).encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert int(answer.split()[1]) == status


async def test_an_operator_is_told_the_name_of_the_trace_and_finds_it(production: Place) -> None:
    service = production.bearing("service_role")
    answer, trace = await production.traced("GET", "/person/7", headers=service)
    assert (trace.reason, trace.role) == (Reason.ASKED, "service_role")
    assert answer.headers["pellucid-trace"] == trace.id
    assert [each["id"] for each in await production.kept()] == [trace.id]


async def test_to_strangers_a_trace_that_is_there_looks_like_one_that_is_not(production: Place) -> None:
    _, trace = await production.traced("GET", "/person/7", headers=production.bearing("service_role"))
    for headers in ({}, production.bearing("authenticated")):
        told = set()
        for path in (f"/traces/{trace.id}", f"/traces/{'0' * 32}", "/traces", "/traces?limit=none", "/traces/x"):
            answer = await production.client.get(path, headers=headers)
            body = answer.json()
            told.add((answer.status_code, body["code"], tuple(sorted(body)), body["title"]))
            assert trace.request_id not in answer.text
        assert len(told) == 1
        assert next(iter(told))[0] == 404


async def test_in_development_everybody_may(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path) as place:
        _, trace = await place.traced("GET", "/person/7", how="light")
        assert (await place.client.get(f"/traces/{trace.id}")).status_code == 200
        assert (await place.client.get(f"/traces/{'0' * 32}")).status_code == 404
        assert (await place.client.get("/traces?limit=none")).status_code == 422


async def test_a_trace_that_began_elsewhere_goes_on(production: Place) -> None:
    headers = production.bearing("service_role") | {"Traceparent": SAMPLED, "Tracestate": "vendor=1"}
    names = []
    for _ in range(2):
        answer, trace = await production.traced("GET", "/person/7", headers=headers)
        assert (trace.id, trace.parent) == (SAMPLED.split("-")[1], SAMPLED.split("-")[2])
        names.append(answer.headers["pellucid-trace"])
        assert (await production.trace(names[-1])).span == trace.span
    assert len(set(names)) == 2


async def test_a_trace_is_shown_as_json_as_text_and_as_a_picture(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path) as place:
        _, trace = await place.traced("GET", "/person/7")
        text = await place.client.get(f"/traces/{trace.id}?as=text")
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert "GET /person/7" in text.text
        assert "execute" in text.text
        for asking in ({"params": {"as": "svg"}}, {"headers": {"Accept": "image/svg+xml"}}):
            drawn = await place.client.get(f"/traces/{trace.id}", **asking)  # type: ignore[arg-type]
            assert drawn.headers["content-type"] == "image/svg+xml"
            assert drawn.headers["content-security-policy"].startswith("default-src 'none'; style-src")
            assert "<svg" in drawn.text
        browser = await place.client.get(f"/traces/{trace.id}", headers={"Accept": "text/html,*/*"})
        assert browser.headers["content-type"] == "application/json"


async def test_an_operator_traces_what_another_asks(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, wire=True, production=True) as place:
        token = place.bearing("service_role")["Authorization"].removeprefix("Bearer ")
        user = place.bearing("authenticated")["Authorization"]
        asked = Asked("GET", f"{place.client.base_url}/person?limit=1", (("authorization", user),))
        async with Client(Ways()) as client:
            journey = await client.visit(asking(asked, "full", token), len)
            journey = await joined_all(client, client.requests, journey)
    server = journey.last.server
    assert server is not None, journey.last.absent
    assert server.role == "authenticated"
    assert len([row for row in server.rows if row.stage is Stage.IDENTITY]) == 1
    assert token not in json.dumps(to_json(server))


@pytest.mark.parametrize("shown", ["", "x", "x.e30.y", "pk_" + "a" * 40, "user"])
async def test_no_other_token_has_another_traced(production: Place, shown: str) -> None:
    token = production.bearing("authenticated")["Authorization"].removeprefix("Bearer ") if shown == "user" else shown
    headers = production.bearing("authenticated") | {"Pellucid-Trace": "full"}
    plain = await production.client.get("/person/7", headers=headers)
    answer = await production.client.get("/person/7", headers=headers | {"Pellucid-Trace-Token": token})
    assert (answer.status_code, alike(answer.headers), body(answer)) == (200, alike(plain.headers), body(plain))
    assert await production.kept() == []


async def test_the_token_goes_no_further_than_to_the_tracer(clone: Clone, tmp_path: Path) -> None:
    def build(app: Pellucid) -> None:
        @app.get("/echo")
        async def echo(request: Request) -> dict[str, str]:
            return dict(request.headers)

    async with opened(clone, tmp_path, build=build) as place:
        answer = await place.client.get("/echo", headers={"Pellucid-Trace-Token": "canary", "X-Other": "stays"})
    assert "canary" not in answer.text
    assert answer.json()["x-other"] == "stays"
