"""The built documentation is whole, and loads nothing from elsewhere."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).parents[2]
LOADED = {
    "script": "src",
    "img": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}
HARMLESS = {"canonical", "next", "prev"}
"""Relations of a link element that load nothing."""


class Loads(HTMLParser):
    """Collects what a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        url = values.get(LOADED.get(tag, ""))
        if url and values.get("rel") not in HARMLESS:
            self.urls.append(url)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = Loads()
        loads.feed(page.read_text())
        assert not [url for url in loads.urls if urlsplit(url).netloc], page


def test_no_style_loads_anything_from_elsewhere(site: Path) -> None:
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//[^)"']+""", sheet.read_text()), sheet


def test_everything_that_a_page_loads_is_there(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = Loads()
        loads.feed(page.read_text())
        missing = [
            url
            for url in loads.urls
            if not url.startswith(("/", "data:")) and not (page.parent / urlsplit(url).path).exists()
        ]
        assert not missing, page


def test_links_of_the_papers_at_the_top_lead_somewhere() -> None:
    for paper in ROOT.glob("*.md"):
        targets = [target for target in re.findall(r"\]\(([^)#]+)", paper.read_text()) if not urlsplit(target).scheme]
        assert not [target for target in targets if not (ROOT / target).exists()], paper
