"""A real Chromium whose only way out is the server under test."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, expect, sync_playwright

from tests.docs.reader import Reader
from tests.process.serving import fresh_home, remove

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


PATIENCE = 60_000
"""Milliseconds until a test gives up."""


@dataclass  # without slots: Playwright marks the objects that listen to it
class Watch:
    """What a page tried to load from elsewhere, and what it complained about."""

    origin: str
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def judge(self, route: Route, request: Request) -> None:
        """Let through what goes to the server, and nothing else."""
        if f"{urlsplit(request.url).scheme}://{urlsplit(request.url).netloc}" == self.origin or request.url.startswith(
            "data:"
        ):
            self.requests.append(request)
            route.continue_()
        else:
            self.foreign.append(request.url)
            route.abort()

    def listen(self, message: ConsoleMessage) -> None:
        """Note what the page complains about."""
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module at a time: while Playwright's synchronous API is open, no other event loop can run in this process."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=3 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    home = fresh_home()
    with Reader(home) as reader:
        reader.serve("pellucid serve")
        yield f"http://127.0.0.1:{reader.port}"
    remove(home)


@pytest.fixture
def watch(server: str) -> Watch:
    return Watch(server)


@pytest.fixture
def page(browser: Browser, watch: Watch, tmp_path: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.route("**/*", watch.judge)
    page.on("console", watch.listen)
    page.on("pageerror", lambda fault: watch.complaints.append(str(fault)))
    yield page
    page.screenshot(path=tmp_path / "docs.png", full_page=True)
    context.close()
