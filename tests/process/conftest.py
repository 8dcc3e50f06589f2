"""A directory for each test that starts the real command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.serving import fresh_home, remove


@pytest.fixture
def home() -> Iterator[Path]:
    home = fresh_home()
    yield home
    remove(home)
