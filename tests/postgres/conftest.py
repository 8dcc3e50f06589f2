import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pellucid.postgres.account import Account, choose_account
from pellucid.postgres.binaries import locate
from pellucid.postgres.relocation import within_reach
from tests.ground import directory
from tests.postgres.world import ROOT, SELVES, World


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every account can pass through, as a user's project directory is."""
    base = directory("test")
    yield base
    shutil.rmtree(base)


@pytest.fixture(scope="session")
def reachable() -> Iterator[Path]:
    """PostgreSQL's programs where nobody can run them too."""
    base = directory("test")
    yield within_reach(locate(), nobody(), base / "state", lambda _: None).directory
    shutil.rmtree(base)


def nobody() -> Account:
    return Account("nobody", 65534, 65534) if ROOT else choose_account(Path("/nonexistent"))


@pytest.fixture(params=SELVES)
def world(request: pytest.FixtureRequest, place: Path, reachable: Path) -> World:
    if request.param == "self":
        return World(place)
    account = nobody()
    os.chown(place, account.uid, account.gid)
    return World(place, "nobody", reachable)
