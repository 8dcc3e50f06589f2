"""What a hash costs: measured once, stored, bounded, the same on every worker."""

import asyncpg
import pytest
from argon2 import extract_parameters

from pellucid.auth.calibration import LEAST, MOST, Calibration, passes_for
from pellucid.auth.passwords import PasswordOptions, Passwords
from pellucid.database.core import Database

SMALL = PasswordOptions(memory=64, lanes=1, calibrated=True)


@pytest.mark.parametrize(("seconds", "passes"), [(10.0, LEAST), (0.05, 5), (0.025, 10), (0.000_001, MOST)])
def test_the_passes_fit_the_machine_within_bounds(seconds: float, passes: int) -> None:
    assert passes_for(seconds) == passes


async def test_the_first_worker_measures_and_others_do_as_it_found(database: Database) -> None:
    first, second = Passwords(SMALL), Passwords(SMALL)
    async with Calibration(database, first), Calibration(database, second):
        assert LEAST <= first.options.passes <= MOST
        assert second.options == first.options


async def test_what_was_stored_counts_and_older_hashes_are_outdated(
    database: Database, admin: asyncpg.Connection
) -> None:
    await admin.execute("insert into auth.password_cost (passes, memory, lanes) values (4, 128, 2)")
    passwords = Passwords(SMALL)
    old = await passwords.hash("an engine of brass")
    async with Calibration(database, passwords):
        assert passwords.outdated(old)
        parameters = extract_parameters(await passwords.hash("an engine of brass"))
        assert (parameters.time_cost, parameters.memory_cost, parameters.parallelism) == (4, 128, 2)
        assert await passwords.verify("an engine of brass", old)


async def test_nothing_is_measured_unless_it_is_wanted(database: Database, admin: asyncpg.Connection) -> None:
    async with Calibration(database, Passwords(PasswordOptions(memory=64, lanes=1))):
        assert await admin.fetchval("select count(*) from auth.password_cost") == 0
