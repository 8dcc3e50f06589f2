"""Known and unknown accounts take equally long: their times, sorted together, are mixed as chance would mix them (Mann and Whitney)."""

import math
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import httpx
import pytest

from pellucid.auth.options import AccountOptions

ROUNDS = 60
PASSWORD = "an engine of brass"
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
    await accounts.outbox.stop()  # what it does comes later for everybody, and would be noise here
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
