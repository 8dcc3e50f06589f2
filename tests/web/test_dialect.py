"""What is PostgREST's own way under its paths: CORS, Server-Timing, terse errors, a header that comes back."""

import pytest

from pellucid.errors import UnknownTable
from pellucid.web.options import CrossOrigin, WebOptions
from tests.web.site import Site

pytestmark = pytest.mark.anyio

PREFLIGHT = {
    "Origin": "https://app.example.com",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "Foo,Bar",
}


@pytest.fixture
def site(site: Site) -> Site:
    @site.app.api_route("/rest/v1/items", methods=["GET", "OPTIONS"])
    async def items() -> str:
        return "items"

    @site.app.get("/rest/v1/gone")
    async def gone() -> str:
        raise UnknownTable("Could not find it", hint="Look elsewhere")

    return site


async def test_any_page_may_read_in_production_where_no_origins_are_listed(site: Site) -> None:
    site.options = WebOptions(production=True)
    async with site.client() as client:
        asked = await client.options("/rest/v1/items", headers=PREFLIGHT)
        answered = await client.get("/rest/v1/items", headers={"Origin": "https://app.example.com"})
        refused = await client.get("/rest/v1/gone", headers={"Origin": "https://app.example.com"})
        plain = await client.options("/rest/v1/items")
    assert (asked.status_code, asked.text) == (200, "")
    assert asked.headers["access-control-allow-origin"] == "*"
    assert asked.headers["access-control-allow-methods"] == "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
    named = "Authorization, Foo, Bar, Accept, Accept-Language, Content-Language"
    assert asked.headers["access-control-allow-headers"] == named
    assert asked.headers["access-control-max-age"] == "86400"
    exposed = (
        "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, "
        "Transfer-Encoding, Range-Unit"
    )
    assert answered.headers["access-control-expose-headers"] == exposed
    for response in (answered, refused, plain):
        assert response.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in response.headers


async def test_listed_origins_may_read_and_no_others(site: Site) -> None:
    site.options = WebOptions(production=True, cross_origin=CrossOrigin(("https://app.example.com",), credentials=True))
    async with site.client() as client:
        asked = await client.options("/rest/v1/items", headers=PREFLIGHT)
        friend = await client.get("/rest/v1/items", headers={"Origin": "https://app.example.com"})
        stranger = await client.get("/rest/v1/items", headers={"Origin": "https://evil.example"})
        asking = await client.options("/rest/v1/items", headers={**PREFLIGHT, "Origin": "https://evil.example"})
    for response in (asked, friend):
        assert response.headers["access-control-allow-origin"] == "https://app.example.com"
        assert response.headers["access-control-allow-credentials"] == "true"
        assert response.headers["vary"] == "Origin"
    for response in (stranger, asking):
        assert response.status_code == 200
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_development_trusts_pages_of_this_machine_alone(site: Site) -> None:
    async with site.client() as client:
        near = await client.get("/rest/v1/items", headers={"Origin": "http://localhost:5173"})
        far = await client.get("/rest/v1/items", headers={"Origin": "https://evil.example"})
    assert near.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert "access-control-allow-origin" not in far.headers


async def test_the_stages_have_their_names_beside_ours(site: Site) -> None:
    site.options = WebOptions(server_timing=True)
    async with site.client() as client:
        timing = (await client.get("/rest/v1/items")).headers["server-timing"]
        own = (await client.get("/nowhere")).headers["server-timing"]
    names = [part.partition(";")[0] for part in timing.split(", ")]
    assert names[:5] == ["jwt", "parse", "plan", "transaction", "response"]
    assert {"server", "total"} <= set(names)
    assert "jwt" not in own


async def test_errors_can_be_terse(site: Site) -> None:
    site.options = WebOptions(verbose_errors=False)
    async with site.client() as client:
        response = await client.get("/rest/v1/gone")
    assert response.text == '{"code":"PGRST205","message":"Could not find it"}'


async def test_a_header_comes_back(site: Site) -> None:
    site.options = WebOptions(trace_header="X-Trace")
    async with site.client() as client:
        sent = await client.get("/rest/v1/items", headers={"X-Trace": "7"})
        unsent = await client.get("/rest/v1/items")
    assert (sent.headers["x-trace"], unsent.headers["x-trace"]) == ("7", "")


async def test_the_request_id_may_be_that_header(site: Site) -> None:
    site.options = WebOptions(trace_header="X-Request-Id")
    async with site.client() as client:
        response = await client.get("/rest/v1/items", headers={"X-Request-Id": "1"})
    assert response.headers.get_list("x-request-id") == ["1"]
