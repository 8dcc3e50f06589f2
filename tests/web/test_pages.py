"""The pages: documentation, errors, welcome. All of it comes from here."""

import re

import asyncpg
import httpx
import pytest

from pellucid.auth.tokens import Tokens
from pellucid.database.core import Database
from pellucid.errors import PellucidError, StartupError
from pellucid.web.error_pages import kinds
from pellucid.web.resources import Resources
from tests.web.site import Site

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


async def linked(client: httpx.AsyncClient, page: httpx.Response) -> list[httpx.Response]:
    """Everything that a page asks its browser to load."""
    return [await client.get(url) for url in re.findall(r"(?:src|href)='([^']*assets[^']*)'", page.text)]


async def test_docs_need_nothing_from_elsewhere(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/docs", headers=BROWSER)
        parts = await linked(client, page)
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
    assert len(parts) == 5
    assert {part.headers["content-type"] for part in parts} == {
        "image/svg+xml", "text/css; charset=utf-8", "text/javascript; charset=utf-8",
    }  # fmt: skip
    for part in parts:
        assert part.status_code == 200
        assert "immutable" in part.headers["cache-control"]


async def test_docs_run_no_script_of_others(site: Site) -> None:
    async with site.client() as client:
        policy = (await client.get("/docs")).headers["content-security-policy"]
        redirect = await client.get("/docs/oauth2-redirect")
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", redirect.headers["content-security-policy"])
    assert redirect.text.count("<script") == 1


async def test_assets_are_asked_for_once(site: Site) -> None:
    async with site.client() as client:
        first = await client.get("/docs/assets/docs.js")
        assert first.headers["cache-control"] == "no-cache"
        again = await client.get("/docs/assets/docs.js", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpages.py", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "__init__.py"])
async def test_only_known_files_are_served(site: Site, name: str) -> None:
    async with site.client() as client:
        assert (await client.get(f"/docs/assets/{name}")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/docs", "/docs/errors", "/docs/errors/internal", "/docs/assets/docs.js", "/favicon.ico", "/health/live"]
)
async def test_pages_can_be_asked_for_their_headers_alone(site: Site, path: str) -> None:
    async with site.client() as client:
        assert (await client.head(path)).status_code == 200


def test_the_pages_are_no_part_of_the_api(site: Site) -> None:
    assert set(site.install().openapi()["paths"]) == {"/health/live", "/health/ready"}


async def test_redoc_is_off(site: Site) -> None:
    async with site.client() as client:
        assert (await client.get("/redoc")).status_code == 404


# -- errors -----------------------------------------------------------------------------------------------------------


async def test_each_kind_of_error_is_explained_where_its_problem_points(site: Site) -> None:
    async with site.client() as client:
        every = (await client.get("/docs/errors")).json()
        assert {entry["code"] for entry in every} == set(kinds())
        for entry in every:
            assert (await client.get(entry["type"])).json() == entry
            page = await client.get(entry["type"], headers=BROWSER)
            assert entry["title"] in page.text.replace("&#x27;", "'")
            assert "script" not in page.headers["content-security-policy"]
        missing = await client.get("/nowhere")
        assert (await client.get(missing.json()["type"])).json()["code"] == "unknown-route"
        listed = await client.get("/docs/errors", headers=BROWSER)
        assert "/docs/errors/unknown-table" in listed.text
        assert (await client.get("/docs/errors/nothing")).status_code == 404


def test_codes_are_unique_and_every_kind_has_a_meaning_and_a_way_out() -> None:
    found = list(kinds().values())
    assert StartupError not in found
    assert PellucidError in found
    for kind in found:
        assert kind.__doc__
        assert kind.__doc__.strip()[0].isupper()
        assert kind.way_out.endswith(".")
        assert re.fullmatch(r"[a-z][a-z-]*", kind.code)


# -- welcome ----------------------------------------------------------------------------------------------------------

TABLES = """
create table "open <b>" (id int); grant select on "open <b>" to anon;
create table own (id int); grant select on own to authenticated; alter table own enable row level security;
create table hidden (id int);
"""


@pytest.fixture
async def greeted(living: Site, admin: asyncpg.Connection, database: Database) -> Site:
    await admin.execute(TABLES)
    await database.refresh()
    return living


async def test_programs_get_json(greeted: Site) -> None:
    async with greeted.client() as client:
        response = await client.get("/", headers={"Accept": "*/*"})
    assert response.json()["tables"] == ["open <b>"]
    assert response.json()["links"]["docs"] == "/docs"
    assert "Accept" in response.headers["vary"]


async def test_people_get_a_page(greeted: Site) -> None:
    async with greeted.client() as client:
        page = await client.get("/", headers=BROWSER)
        parts = await linked(client, page)
    assert "open &lt;b&gt;" in page.text
    assert "hidden" not in page.text
    assert [part.status_code for part in parts] == [200, 200, 200]


async def test_everybody_sees_what_they_may_use(greeted: Site, tokens: Tokens, database: Database) -> None:
    async with greeted.client() as client:
        signed = {"Authorization": f"Bearer {tokens.issue(None, role='authenticated').text}"}
        assert (await client.get("/", headers=signed)).json()["tables"] == ["own"]
        greeted.app.state.pellucid = Resources(database, greeted.app.state.pellucid.identifier, production=True)
        assert (await client.get("/")).json()["tables"] == []
        assert (await client.get("/", headers=signed)).json()["tables"] == ["own"]
