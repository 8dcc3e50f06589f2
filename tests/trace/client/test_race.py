"""Happy Eyeballs: who is tried when, and who wins."""

import asyncio

import pytest

from pellucid.trace.client.failure import Failed
from pellucid.trace.client.race import Try, in_turn, race


class Line:
    """A connection that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def test_the_families_take_turns_and_ipv6_begins() -> None:
    assert in_turn(["10.0.0.1", "10.0.0.2", "::1", "::2", "::3"]) == ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]
    assert in_turn(["10.0.0.1", "10.0.0.1"]) == ["10.0.0.1"]


async def test_a_silent_address_costs_one_delay_only() -> None:
    never = asyncio.Event()

    async def attempt(address: str) -> Line:
        if address == "::1":
            await never.wait()
        return Line()

    tries: list[Try] = []
    won = await race(["::1", "10.0.0.1", "10.0.0.2"], attempt, tries, delay=0)
    assert won.address == "10.0.0.1"
    assert [(each.address, each.outcome) for each in tries[:2]] == [("::1", "given up"), ("10.0.0.1", "answered")]


async def test_a_refusal_lets_the_next_begin_at_once() -> None:
    async def attempt(address: str) -> Line:
        if address == "::1":
            raise ConnectionRefusedError
        return Line()

    tries: list[Try] = []
    won = await race(["::1", "10.0.0.1"], attempt, tries, delay=3600)
    assert (won.address, tries[0].outcome) == ("10.0.0.1", "refused")
    assert tries[0].told().startswith("::1 refused after ")


async def test_who_comes_in_too_late_is_closed() -> None:
    lines: list[Line] = []

    async def attempt(_: str) -> Line:
        await asyncio.sleep(0)
        lines.append(Line())
        return lines[-1]

    won = await race(["::1", "10.0.0.1"], attempt, [], delay=0)
    assert [line.closed for line in lines if line is not won.winner] == [True] * (len(lines) - 1)
    assert not won.winner.closed


async def test_where_all_refuse_the_last_reason_remains() -> None:
    async def attempt(address: str) -> Line:
        raise OSError(101, f"no way to {address}")

    tries: list[Try] = []
    with pytest.raises(OSError, match=r"no way to 10\.0\.0\.1"):
        await race(["::1", "10.0.0.1"], attempt, tries, delay=0)
    assert [each.outcome for each in tries] == ["failed (no way to ::1)", "failed (no way to 10.0.0.1)"]


async def test_nobody_to_try_is_an_error() -> None:
    async def attempt(_: str) -> Line:
        return Line()

    with pytest.raises(Failed):
        await race([], attempt, [])
