"""``/docs`` in a real browser without a network: everything is there, Authorize and Try it out work."""

from collections.abc import Mapping

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Watch

pytestmark = [pytest.mark.browser, pytest.mark.process]

ADA = {"email": "ada@example.com", "password": "an engine of brass"}


@pytest.fixture(scope="module", autouse=True)
def inhabited(server: str) -> None:
    """A table and an account, made as a newcomer makes them."""
    with httpx.Client(base_url=server, timeout=60) as client:
        assert client.post("/data", json={"name": "Sir", "age": 20}).status_code == 201
        assert client.post("/signup", json=ADA).status_code in (201, 409)


@pytest.fixture
def paths(server: str) -> Mapping[str, Mapping[str, object]]:
    described: Mapping[str, Mapping[str, object]] = httpx.get(f"{server}/openapi.json", timeout=60).json()["paths"]
    return described


def operation(page: Page, method: str, path: str) -> Locator:
    """The block of one operation, opened; Try it out is on from the start."""
    block = page.locator(f".opblock-{method}", has=page.locator(f'[data-path="{path}"]')).first
    block.locator(".opblock-summary-control").click()
    return block


def execute(block: Locator, status: int) -> None:
    """Try it out, and expect the status."""
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response .response-col_status").first).to_contain_text(str(status))


def test_every_table_and_route_is_there(
    page: Page, server: str, watch: Watch, paths: Mapping[str, Mapping[str, object]]
) -> None:
    page.goto(f"{server}/docs")
    expect(page.locator('[data-path="/data"]').first).to_be_visible()
    shown = {
        (
            block.locator(".opblock-summary-method").inner_text().lower(),
            block.locator("[data-path]").first.get_attribute("data-path"),
        )
        for block in page.locator(".opblock").all()
    }
    assert shown == {(method, path) for path, methods in paths.items() for method in methods}
    assert {"/data", "/data/{id}", "/signup", "/login", "/token", "/users", "/users/{id}"} <= set(paths)
    assert not watch.foreign
    assert not watch.complaints


def test_trying_a_route_out_works(page: Page, server: str, watch: Watch) -> None:
    page.goto(f"{server}/docs")
    insert = operation(page, "post", "/data")
    insert.locator("textarea.body-param__text").fill('{"name": "Lady", "age": 30}')
    execute(insert, 201)
    read = operation(page, "get", "/data")
    read.locator('tr[data-param-name="name"] input').fill("Lady")
    execute(read, 200)
    expect(read.locator(".live-responses-table .microlight").first).to_contain_text('"Lady"')
    assert not watch.foreign
    assert not watch.complaints


def test_authorize_signs_in(page: Page, server: str, watch: Watch) -> None:
    page.goto(f"{server}/docs")
    page.locator(".auth-wrapper .authorize").click()
    dialog = page.locator(".dialog-ux")
    dialog.locator("#oauth_username").fill(ADA["email"])
    dialog.locator("#oauth_password").fill(ADA["password"])
    dialog.get_by_role("button", name="Authorize").or_(
        dialog.get_by_label("Apply given OAuth2 credentials")
    ).first.click()
    expect(dialog.get_by_text("Logout")).to_be_visible()
    dialog.locator(".close-modal, .btn-done").first.click()
    me = operation(page, "get", "/users/me")
    execute(me, 200)
    expect(me.locator(".live-responses-table .microlight").first).to_contain_text(ADA["email"])
    asked = [request for request in watch.requests if request.url == f"{server}/users/me"]
    assert asked[-1].headers["authorization"].startswith("Bearer ")
    assert not watch.foreign
    assert not watch.complaints


@pytest.mark.parametrize("path", ["/", "/docs/errors", "/docs/errors/unknown-table"])
def test_the_other_pages_need_no_network_either(page: Page, server: str, watch: Watch, path: str) -> None:
    answer = page.goto(f"{server}{path}")
    assert answer is not None
    assert answer.status == 200
    assert not watch.foreign
    assert not watch.complaints
