"""What this room's tests share: a database to set rules on, and people who ask it for rows."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pellucid.policy.facts import Facts, Scope
from pellucid.policy.survey import opened, survey
from tests.conftest import Clone

SCOPE = Scope(login="authenticator")


@pytest.fixture
async def ruler(clone: Clone) -> AsyncIterator[asyncpg.Connection]:
    """The connection that the commands use."""
    async with opened(clone.admin_dsn) as connection:
        yield connection


async def found(ruler: asyncpg.Connection, scope: Scope = SCOPE) -> Facts:
    """What there is now."""
    return await survey(ruler, scope)
