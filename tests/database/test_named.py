"""What settings name is looked for at the start, and what is not there is told with the way out."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from pellucid.cli.prepare import named
from pellucid.database.login import cautions
from pellucid.database.named import Named
from pellucid.settings import Settings
from tests.conftest import Clone, run


@pytest.fixture
async def guest(clone: Clone) -> AsyncIterator[str]:
    """A role that nobody may act as; roles belong to the whole cluster."""
    name = f"guest of {clone.name}"
    await run(clone.admin_dsn, f'create role "{name}"')
    yield name
    await run(clone.admin_dsn, f'drop role "{name}"')


async def told(clone: Clone, **settings: str) -> tuple[str, ...]:
    """What is said of these settings."""
    return await cautions(clone.dsn, production=False, named=named(Settings.model_validate(settings)))


async def test_a_role_that_is_not_there(clone: Clone) -> None:
    (said,) = await told(clone, anon_role="nobody_here")
    assert said.startswith('anon_role names "nobody_here", a role that the database does not have')
    assert "create role nobody_here nologin; grant nobody_here to authenticator" in said


async def test_a_role_that_requests_may_not_act_as(clone: Clone, guest: str) -> None:
    (said,) = await told(clone, anon_role=guest)
    assert said.endswith(f'grant "{guest}" to authenticator')
    await run(clone.admin_dsn, f'grant "{guest}" to authenticator')
    assert await told(clone, anon_role=guest) == ()


async def test_of_pellucids_own_roles_nothing_is_said_here(clone: Clone) -> None:
    assert await told(clone, anon_role="anon") == await told(clone, anon_role="") == ()


@pytest.mark.parametrize("setting", ["pre_request", "root_spec"])
async def test_a_function_that_is_not_there(clone: Clone, admin: asyncpg.Connection, setting: str) -> None:
    await admin.execute(
        "create function first() returns void language sql as 'select'; create schema checks;"
        "create function checks.second(a int default 1) returns void language sql as 'select';"
        "create function checks.third(a int) returns void language sql as 'select'"
    )
    for name in ("first", "public.first", "checks.second"):
        assert await told(clone, **{setting: name}) == ()
    for name in ("nosuch.fn", "second", "checks.third"):
        (said,) = await told(clone, **{setting: name})
        assert said.startswith(f"{setting} names {name}(), a function that the database does not have")
        assert said.endswith(f"create it, or correct {setting}")


async def test_nothing_is_asked_where_nothing_is_named(clone: Clone) -> None:
    assert await cautions(clone.dsn, production=False, named=Named()) == ()
