"""Known and unknown accounts take equally long: their times, sorted together, are mixed as chance would mix them (Mann and Whitney)."""

import base64
import math
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import asyncpg
import bcrypt
import httpx
import pytest

from pellucid.auth import effort
from pellucid.auth.options import AccountOptions

ROUNDS = 60
PASSWORD = "an engine of brass"
OURS = effort.unmatched(64, 1, 1)
ACCOUNT = """
with made as (insert into auth.users (email) values ($1) returning id)
insert into auth.passwords (user_id, hash) select id, $2 from made
"""
FAR = 6.0
"""How many standard deviations are too many: chance alone would go that far once in five hundred million times."""


@pytest.fixture
def options() -> AccountOptions:
    return AccountOptions(limit_addresses=False, verify_email=True)


def apart(some: Sequence[float], others: Sequence[float]) -> float:
    """How far the ranks of two samples are apart, in standard deviations."""
    ranked = sorted([(value, 0) for value in some] + [(value, 1) for value in others])
    ranks = sum(rank for rank, (_, sample) in enumerate(ranked, 1) if sample == 0)
    n, m = len(some), len(others)
    return abs(ranks - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)


async def timed(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> tuple[float, int]:
    began = perf_counter()
    answer = await client.post(path, json=body)
    return perf_counter() - began, answer.status_code


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/login", {"password": "a wrong password"}),
        ("/signup", {"password": "another engine"}),
        ("/password/recovery", {}),
        ("/login/mail", {}),
        ("/verify", {"code": "000000"}),
    ],
)
async def test_known_and_unknown_take_equally_long(
    client: httpx.AsyncClient, accounts: Any, path: str, more: dict[str, Any]
) -> None:
    known = [f"known{number}@example.com" for number in range(ROUNDS)]
    for address in known:
        await client.post("/signup", json={"email": address, "password": PASSWORD})
    await accounts.outbox.empty()
    times: tuple[list[float], list[float]] = ([], [])
    statuses = set()
    for number, address in enumerate(known):
        pair = [(address, 0), (f"other{number}@example.com", 1)]
        for asked, which in pair if number % 2 else reversed(pair):
            seconds, status = await timed(client, path, {"email": asked} | more)
            times[which].append(seconds)
            statuses.add(status)
    assert len(statuses) == 1
    assert apart(*times) < FAR


IMPORTED = {
    "bcrypt": bcrypt.hashpw(b"another engine", bcrypt.gensalt(9)).decode(),
    "pbkdf2": f"pbkdf2_sha256$60000$salt${base64.b64encode(bytes(32)).decode()}",
    "scrypt": f"scrypt:16384:8:1$salt${bytes(64).hex()}",
    "argon2id": f"$argon2id$v=19$m=4096,t=8,p=1$c2FsdHNhbHQ${base64.b64encode(bytes(32)).decode().rstrip('=')}",
}


@pytest.mark.parametrize("kind", IMPORTED)
@pytest.mark.parametrize("which", ["an imported one and none", "an imported one and one of ours"])
async def test_accounts_whose_hash_was_made_elsewhere_take_as_long_as_others(
    client: httpx.AsyncClient, admin: asyncpg.Connection, kind: str, which: str
) -> None:
    names = [f"{owner}{number}@example.com" for number in range(ROUNDS) for owner in ("imported", "own")]
    for address in names:
        await admin.execute(ACCOUNT, address, IMPORTED[kind] if address.startswith("imported") else OURS)
    first, second = ("imported", "own" if "ours" in which else "nobody")
    times: dict[str, list[float]] = {first: [], second: []}
    for number in range(ROUNDS):
        for owner in (first, second) if number % 2 else (second, first):
            entry = {"email": f"{owner}{number}@example.com", "password": "a wrong password"}
            seconds, status = await timed(client, "/login", entry)
            times[owner].append(seconds)
            assert status == 401
    assert apart(*times.values()) < FAR
