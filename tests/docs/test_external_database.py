"""The guide to a PostgreSQL that is there already: its SQL makes a role that may just enough."""

import re
from pathlib import Path

import httpx
import pytest

from tests.docs.blocks import Commands
from tests.docs.reader import Reader
from tests.postgres.world import free_port

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "external-database.md"
ACCOUNT = {"email": "ada@example.com", "password": "an engine of brass"}


@pytest.mark.process
def test_a_role_that_may_just_enough_serves(home: Path) -> None:
    statements = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    (home / "node").mkdir()
    port = free_port()
    with Reader(home) as theirs, Reader(home / "node") as ours:
        theirs.serve(f"pellucid serve --postgres-port {port}")
        theirs.type(Commands('pellucid sql -c "create database shop"', 0))
        password = (home / ".pellucid" / "secrets" / "postgres-password").read_text().strip()
        ours.serve(f"pellucid serve --db postgresql://postgres:{password}@127.0.0.1:{port}/shop")
        ours.stop()
        theirs.type(Commands("pellucid sql -d shop -v ON_ERROR_STOP=1", 0, typed=statements))
        ours.serve(f"pellucid serve --db postgresql://app:a%20long%20one@127.0.0.1:{port}/shop")
        with httpx.Client(base_url=f"http://127.0.0.1:{ours.port}", timeout=60) as client:
            missing = client.get("/health/ready").json()["missing"]
            assert [each for each in missing if "to ask for plans" not in each] == []  # traces alone have use for that
            assert client.post("/signup", json=ACCOUNT).status_code == 201
            assert client.post("/things", json={"a": 1}).status_code == 403
