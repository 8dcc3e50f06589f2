"""A small application in the web room, and a database behind it for those tests that need one."""

from collections.abc import AsyncIterator

import pytest

from pellucid.auth.identifier import BearerIdentifier
from pellucid.auth.keys import generate_key, parse_keys
from pellucid.auth.tokens import TokenOptions, Tokens
from pellucid.database.core import Database
from pellucid.database.options import DatabaseOptions
from pellucid.web.resources import Resources
from tests.conftest import Clone
from tests.web.site import Site


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens(TokenOptions(), parse_keys(generate_key(), origin="the tests"))


@pytest.fixture
async def database(clone: Clone) -> AsyncIterator[Database]:
    """A database with a pool that is soon empty."""
    async with Database(DatabaseOptions(clone.dsn, pool_size=2, pool_timeout=0.5)) as database:
        yield database


@pytest.fixture
async def living(site: Site, database: Database, tokens: Tokens) -> Site:
    """The application with its database behind it."""
    identifier = BearerIdentifier(tokens, lambda: database.catalog.roles)
    site.app.state.pellucid = Resources(database, identifier)
    return site
