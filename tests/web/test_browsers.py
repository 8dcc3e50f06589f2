"""What keeps browsers from being used against their owners: hosts, origins, headers."""

import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse

from pellucid.errors import StartupError
from pellucid.web.hosts import host_name, is_address, matches
from pellucid.web.options import CrossOrigin, WebOptions
from tests.web.site import Site

pytestmark = pytest.mark.anyio


@pytest.fixture
def site(site: Site) -> Site:
    @site.app.get("/ok")
    async def ok() -> str:
        return "ok"

    @site.app.get("/page")
    async def page() -> HTMLResponse:
        return HTMLResponse("<p>hello")

    @site.app.get("/own")
    async def own() -> HTMLResponse:
        return HTMLResponse(
            "<p>hello", headers={"Content-Security-Policy": "default-src *", "Referrer-Policy": "origin"}
        )

    return site


# -- hosts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "app.localhost", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7", "LOCALHOST."],
)
async def test_development_answers_to_names_that_nobody_can_rebind(site: Site, host: str) -> None:
    async with site.client() as client:
        assert (await client.get("/ok", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example", "", "[::1].evil"]
)
async def test_development_refuses_any_other_name(site: Site, host: str) -> None:
    async with site.client() as client:
        response = await client.get("/ok", headers={"Host": host})
    assert response.status_code in ((421,) if host != "[::1].evil" else (200, 421))
    if response.status_code == 421:
        assert response.json()["code"] == "unknown-host"


async def test_production_answers_to_the_listed_hosts(site: Site) -> None:
    site.options = WebOptions(production=True, allowed_hosts=("api.example.com", "*.example.org"))
    async with site.client() as client:
        for host, status in (
            ("api.example.com", 200),
            ("API.example.com:443", 200),
            ("a.example.org", 200),
            ("example.org", 421),
            ("evilexample.org", 421),
            ("127.0.0.1", 421),
        ):
            assert (await client.get("/ok", headers={"Host": host})).status_code == status, host


async def test_production_without_a_list_leaves_it_to_the_proxy(site: Site) -> None:
    site.options = WebOptions(production=True)
    async with site.client() as client:
        assert (await client.get("/ok", headers={"Host": "anything.example"})).status_code == 200


async def test_two_hosts_are_none(site: Site) -> None:
    async with site.client() as client:
        response = await client.get("/ok", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert response.status_code == 421


def test_the_parts_of_a_host() -> None:
    assert host_name("[2001:DB8::1]:443") == "2001:db8::1"
    assert is_address("2001:db8::1")
    assert not is_address("1.2.3.4.example")
    assert matches("a.b.example", "*.example")
    assert not matches("example", "*.example")


# -- origins ----------------------------------------------------------------------------------------------------------


async def test_pages_of_this_machine_may_read_in_development(site: Site) -> None:
    async with site.client() as client:
        response = await client.get("/ok", headers={"Origin": "http://localhost:5173"})
        assert response.headers["access-control-allow-origin"] == "http://localhost:5173"
        assert "Origin" in response.headers["vary"]
        assert "access-control-allow-credentials" not in response.headers
        assert "Content-Range" in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost.evil.example",
        "http://localhost:1@evil.example",
        "http://127.0.0.1.evil.example",
    ],
)
async def test_pages_from_elsewhere_may_not(site: Site, origin: str) -> None:
    async with site.client() as client:
        for path in ("/ok", "/nowhere"):
            response = await client.get(path, headers={"Origin": origin})
            assert "access-control-allow-origin" not in response.headers
        asked = await client.options("/ok", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert asked.status_code == 400
        assert "access-control-allow-origin" not in asked.headers


async def test_production_lets_listed_origins_in_and_nobody_else(site: Site) -> None:
    site.options = WebOptions(production=True, cross_origin=CrossOrigin(("https://app.example.com",), credentials=True))
    async with site.client() as client:
        friend = await client.get("/ok", headers={"Origin": "https://app.example.com"})
        assert friend.headers["access-control-allow-origin"] == "https://app.example.com"
        assert friend.headers["access-control-allow-credentials"] == "true"
        for stranger in ("http://localhost:5173", "https://app.example.com.evil.example", "http://app.example.com"):
            response = await client.get("/ok", headers={"Origin": stranger})
            assert "access-control-allow-origin" not in response.headers


async def test_production_without_origins_says_nothing_about_them(site: Site) -> None:
    site.options = WebOptions(production=True)
    async with site.client() as client:
        response = await client.get("/ok", headers={"Origin": "https://app.example.com"})
    assert not [name for name in response.headers if name.startswith("access-control")]


async def test_everybody_may_be_let_in_but_never_with_credentials(site: Site) -> None:
    with pytest.raises(StartupError, match="cannot carry credentials"):
        CrossOrigin(("*",), credentials=True)
    site.options = WebOptions(production=True, cross_origin=CrossOrigin(("*",)))
    async with site.client() as client:
        response = await client.get("/ok", headers={"Origin": "https://anywhere.example", "Cookie": "a=b"})
    assert response.headers["access-control-allow-origin"] == "*"


async def test_a_browser_may_ask_for_what_clients_send(site: Site) -> None:
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization, apikey, content-type, prefer, x-client-info, content-profile",
    }
    async with site.client() as client:
        response = await client.options("/ok", headers=headers)
        assert response.status_code == 200
        assert response.headers["x-request-id"]
        refused = await client.options("/ok", headers=headers | {"Access-Control-Request-Headers": "x-anything"})
        assert refused.status_code == 400


# -- changes that pages ask for ---------------------------------------------------------------------------------------

STRANGERS = ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example:80"]


@pytest.mark.parametrize("origin", STRANGERS)
async def test_pages_from_elsewhere_change_nothing_in_development(site: Site, origin: str) -> None:
    seen = changed(site)
    async with site.client() as client:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            response = await client.request(method, "/change", headers={"Origin": origin})
            assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        twice = await client.post("/change", headers=[("Origin", "http://localhost"), ("Origin", origin)])
        assert twice.status_code == 403
        assert (await client.get("/ok", headers={"Origin": origin})).status_code == 200
    assert seen == []


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        (WebOptions(), {}),
        (WebOptions(), {"Origin": "http://localhost:5173"}),
        (WebOptions(), {"Host": "192.168.0.7:8000", "Origin": "http://192.168.0.7:8000"}),
        (WebOptions(cross_origin=CrossOrigin(("https://app.example",))), {"Origin": "https://app.example"}),
        (WebOptions(cross_origin=CrossOrigin(("*",))), {"Origin": "https://any.example"}),
        (WebOptions(production=True), {"Origin": "https://any.example"}),
    ],
)
async def test_own_pages_programs_and_listed_origins_may(
    site: Site, options: WebOptions, headers: dict[str, str]
) -> None:
    site.options = options
    seen = changed(site)
    async with site.client() as client:
        assert (await client.post("/change", headers=headers)).status_code == 200
    assert seen == ["POST"]


def changed(site: Site) -> list[str]:
    """The methods that got through to a route which changes something."""
    seen: list[str] = []

    @site.app.api_route("/change", methods=["POST", "PUT", "PATCH", "DELETE"])
    def change(request: Request) -> None:
        seen.append(request.method)

    return seen


# -- headers ----------------------------------------------------------------------------------------------------------


async def test_data_is_nothing_but_data(site: Site) -> None:
    async with site.client() as client:
        for path in ("/ok", "/nowhere"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert "strict-transport-security" not in headers


async def test_pages_cannot_be_framed_and_keep_what_they_say_themselves(site: Site) -> None:
    async with site.client() as client:
        assert "frame-ancestors 'none'" in (await client.get("/page")).headers["content-security-policy"]
        own = (await client.get("/own")).headers
    assert own.get_list("content-security-policy") == ["default-src *"]
    assert own.get_list("referrer-policy") == ["origin"]


@pytest.mark.parametrize(
    ("production", "base", "sent"), [(True, "https", True), (True, "http", False), (False, "https", False)]
)
async def test_https_is_insisted_on_where_it_is_there(site: Site, production: bool, base: str, sent: bool) -> None:
    site.options = WebOptions(production=production)
    async with site.client(f"{base}://localhost") as client:
        assert ("strict-transport-security" in (await client.get("/ok")).headers) is sent
