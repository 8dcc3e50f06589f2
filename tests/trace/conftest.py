"""Certificates and servers that the tests of tracing share."""

from collections.abc import Iterator

import pytest

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
