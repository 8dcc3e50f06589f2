"""What is told of the role that logs in."""

import asyncpg

from pellucid.database.login import cautions, excess
from tests.conftest import Clone


async def test_a_superuser_is_told_of_in_production_and_a_role_without_rights_is_not(clone: Clone) -> None:
    (caution,) = await cautions(clone.admin_dsn, production=True)
    assert "as postgres, a superuser" in caution
    assert await cautions(clone.admin_dsn, production=False) == ()
    assert await cautions(clone.dsn, production=True) == ()


def test_a_role_that_row_level_security_does_not_stop_is_told_of() -> None:
    (caution,) = excess("owner", superuser=False, bypass=True)
    assert "whom row level security does not stop" in caution


async def test_settings_of_postgrest_inside_the_database_are_told_of(clone: Clone) -> None:
    admin = await asyncpg.connect(clone.admin_dsn)
    await admin.execute(f"alter role authenticator in database \"{clone.name}\" set pgrst.db_schemas = 'api'")
    await admin.execute(f"alter role authenticator in database \"{clone.name}\" set pgrst.db_max_rows = '9'")
    await admin.close()
    (caution,) = await cautions(clone.dsn, production=False)
    assert "authenticator has pgrst.db_max_rows, pgrst.db_schemas in the database, which have no effect" in caution
