"""How the tests of the client ask."""

from pathlib import Path

import pytest

from pellucid.observe import Fact, Stage
from pellucid.trace.client.asked import Asked, Ways
from pellucid.trace.client.client import Client
from pellucid.trace.client.failure import Failed
from pellucid.trace.journey import Journey


class Asker:
    """Asks once, and keeps what came of it."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.body = b""
        self.failure: Failed | None = None

    async def __call__(
        self, url: str, method: str = "GET", *headers: tuple[str, str], body: bytes | None = None
    ) -> Journey:
        got = bytearray()
        async with Client(self.ways) as client:
            journey = await client.visit(Asked(method, url, headers, body), got.extend)
            self.body, self.failure = bytes(got), client.failure
        return journey


def facts(journey: Journey, stage: Stage) -> dict[str, Fact]:
    return dict(journey.last.facts(stage))


def stages(journey: Journey) -> list[Stage]:
    return [row.stage for row in journey.last.rows]


@pytest.fixture
def no_hosts(tmp_path: Path) -> Path:
    """A hosts file without names."""
    return tmp_path / "hosts"
