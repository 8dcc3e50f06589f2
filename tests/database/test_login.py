"""What is told of the role that logs in."""

from pellucid.database.login import _cautions, cautions
from tests.conftest import Clone


async def test_a_superuser_is_told_of_and_a_role_without_rights_is_not(clone: Clone) -> None:
    (caution,) = await cautions(clone.admin_dsn)
    assert "as postgres, a superuser" in caution
    assert await cautions(clone.dsn) == ()


def test_a_role_that_row_level_security_does_not_stop_is_told_of() -> None:
    (caution,) = _cautions("owner", superuser=False, bypass=True)
    assert "whom row level security does not stop" in caution
