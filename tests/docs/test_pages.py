"""Pages do what they say: each is followed from top to bottom, in a fresh directory, on a real server."""

from pathlib import Path

import pytest

from tests.docs.blocks import read
from tests.docs.reader import Reader

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "docs/tutorial/first-backend.md",
    "docs/how-to/administer-accounts.md",
    "docs/how-to/api-keys.md",
    "docs/how-to/begin-without-an-account.md",
    "docs/how-to/call-functions.md",
    "docs/how-to/go-to-production.md",
    "docs/how-to/join-tables.md",
    "docs/how-to/own-routes.md",
    "docs/how-to/passkeys.md",
    "docs/how-to/phone-numbers.md",
    "docs/how-to/psql.md",
    "docs/how-to/row-level-security.md",
    "docs/how-to/second-factors.md",
    "docs/how-to/sign-in-by-mail.md",
    "docs/how-to/sign-in-with-a-password.md",
    "docs/how-to/supabase-clients.md",
    "docs/how-to/watch-the-database.md",
]


@pytest.mark.process
@pytest.mark.parametrize("page", PAGES)
def test_what_the_page_shows_is_what_happens(page: str, home: Path) -> None:
    with Reader(home) as reader:
        for step in read(ROOT / page):
            reader.follow(step)


def test_each_page_with_commands_is_followed() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert {str(page.relative_to(ROOT)) for page in pages if read(page)} == set(PAGES)
