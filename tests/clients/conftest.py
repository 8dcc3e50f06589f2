"""A running server with a small library in its database, for the clients that others wrote."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.serving import PATIENCE, Serve, fresh_home, remove

LIBRARY = Path(__file__).with_name("library.sql")


@pytest.fixture(scope="module")
def library() -> Iterator[str]:
    """The address of the PostgREST profile."""
    home = fresh_home()
    with Serve(home) as serve, serve.ready() as client:
        pellucid = [sys.executable, "-m", "pellucid"]
        subprocess.run(
            [*pellucid, "sql", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-f", LIBRARY],
            cwd=home,
            check=True,
            timeout=PATIENCE,
        )
        yield f"{client.base_url}/rest/v1".replace("//rest", "/rest")
    remove(home)
