"""What a password's hash costs, measured once on the machine and stored, so that all workers and nodes agree.

The memory and the lanes are those of RFC 9106's second recommendation, 64 MiB and 4; the number of passes is chosen so that one hash
takes about `TARGET` seconds. It is never below that recommendation's three, and never above `MOST`, so that neither a slow nor a fast
moment of the machine does harm. Delete the row of ``auth.password_cost`` to have it measured again at the next start; hashes of another
cost are made anew at the next sign-in.
"""

from time import perf_counter

from anyio import to_thread
from argon2 import PasswordHasher
from msgspec.structs import replace
from sqlalchemy import text

from pellucid.auth.passwords import PasswordOptions, Passwords
from pellucid.database.caller import ACCOUNTS
from pellucid.database.core import Database
from pellucid.lifecycle import Lifecycle

TARGET = 0.25
"""Seconds that one hash should take while nothing else happens."""
LEAST, MOST = 3, 12
"""Passes over the memory."""
ROUNDS = 3

STORED = text("select passes, memory, lanes from auth.password_cost")
STORE = text("""
insert into auth.password_cost (passes, memory, lanes) values (:passes, :memory, :lanes) on conflict do nothing
""")


class Calibration(Lifecycle):
    """Gives the passwords their cost at the start, where they want it measured."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        super().__init__()
        self._database = database
        self._passwords = passwords

    async def _start(self) -> None:
        if not self._passwords.options.calibrated or self._database.capabilities.accounts is not None:
            return
        found = await self._stored()
        if found is None:
            measured = await to_thread.run_sync(calibrate, self._passwords.options)
            async with self._database.write(ACCOUNTS) as writing:
                values = {"passes": measured.passes, "memory": measured.memory, "lanes": measured.lanes}
                await writing.execute(STORE, values)
            found = await self._stored() or measured
        self._passwords.cost(found)

    async def _stored(self) -> PasswordOptions | None:
        async with self._database.read(ACCOUNTS) as reading:
            row = (await reading.execute(STORED)).one_or_none()
        if row is None:
            return None
        return replace(self._passwords.options, passes=row.passes, memory=row.memory, lanes=row.lanes)


def calibrate(options: PasswordOptions) -> PasswordOptions:
    """The options with the passes that this machine can afford; takes up to half a second."""
    return replace(options, passes=passes_for(min(_seconds(options) for _ in range(ROUNDS))))


def passes_for(seconds: float) -> int:
    """How many passes come nearest to `TARGET`, when one takes so long, within the bounds."""
    return max(LEAST, min(MOST, round(TARGET / seconds)))


def _seconds(options: PasswordOptions) -> float:
    """What one pass takes."""
    hasher = PasswordHasher(time_cost=1, memory_cost=options.memory, parallelism=options.lanes)
    began = perf_counter()
    hasher.hash(b"what does it cost?")
    return perf_counter() - began
