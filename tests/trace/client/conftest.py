"""Servers that all tests of the client share, and how they ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pellucid.observe import Fact, Stage
from pellucid.trace.client.asked import Asked, Ways
from pellucid.trace.client.client import Client
from pellucid.trace.client.failure import Failed
from pellucid.trace.journey import Journey
from tests.trace.client.authority import Authority
from tests.trace.client.servers import hypercorn


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def plain() -> Iterator[int]:
    """The port of the site without TLS."""
    with hypercorn() as port:
        yield port


@pytest.fixture(scope="session")
def secure(authority: Authority) -> Iterator[int]:
    """The port of the site behind TLS, over TCP and over QUIC."""
    with hypercorn(authority.leaf("localhost", "api.test", "127.0.0.1")) as port:
        yield port


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
