"""Turns scenarios into tests, and judges the answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import MISSING, Field, fields, replace
from typing import Any, Protocol

import httpx
import pytest

from tests.scenarios.scenario import Nothing, Scenario
from tests.scenarios.wire import Wire


class Stage(Protocol):
    """Where scenarios are played: the application on a database of its own."""

    wire: Wire

    async def run(self, sql: str) -> None:
        """Run SQL as the owner of the database."""

    async def value(self, sql: str) -> Any:
        """The one value that a query gives to the owner of the database."""

    async def send(self, scenario: Scenario) -> httpx.Response:
        """Send the scenario's request."""


def scenarios(*acts: Scenario, **common: Any) -> Callable[..., Awaitable[None]]:
    """A test for each scenario.

    Args:
        acts: the scenarios.
        common: what goes for all of them, by the names of a scenario's attributes. ``setup`` comes before each one's own, ``lacks``
            and ``shows`` are added to them; anything else is for those that say nothing themselves.
    """

    @pytest.mark.anyio
    @pytest.mark.parametrize("scenario", [pytest.param(completed(act, common), id=act.name) for act in acts])
    async def test(scenario: Scenario, stage: Stage) -> None:
        await play(scenario, stage)

    return test


def completed(act: Scenario, common: Mapping[str, Any]) -> Scenario:
    """The scenario with what goes for all."""
    said = {field.name for field in fields(act) if getattr(act, field.name) != default(field)}
    unsaid = {name: value for name, value in common.items() if name not in said}
    joined: dict[str, Any] = {}
    if "setup" in common:
        joined["setup"] = common["setup"] + act.setup
    if "lacks" in common:
        joined["lacks"] = (*common["lacks"], *act.lacks)
    if "shows" in common:
        joined["shows"] = {**common["shows"], **act.shows}
    return replace(act, **(unsaid | joined))


def default(field: Field[Any]) -> Any:
    """What the attribute is when a scenario does not say."""
    return field.default if field.default_factory is MISSING else field.default_factory()


async def play(scenario: Scenario, stage: Stage) -> None:
    """Set the stage, send the request, and judge all of the answer."""
    if scenario.setup:
        await stage.run(scenario.setup)
    response = await stage.send(scenario)
    told = f"{response.status_code} {response.text}\nwork on the wire: {stage.wire.work}"
    assert response.status_code == scenario.status, told
    judge_body(scenario, response, told)
    judge_headers(scenario, response, told)
    if scenario.statements is not None:
        assert len(stage.wire.work) == scenario.statements, told
    if scenario.leaves is not None:
        query, value = scenario.leaves
        assert await stage.value(query) == value


def judge_body(scenario: Scenario, response: httpx.Response, told: str) -> None:
    """Hold the body against what it must and must not be."""
    if scenario.answer is not Nothing.NOTHING:
        assert response.json() == scenario.answer, told
    for text in scenario.contains:
        assert text in response.text, f"{text!r} is not in {told}"
    for text in scenario.lacks:
        assert text not in response.text, f"{text!r} is in {told}"
        assert text not in str(response.headers), f"{text!r} is in {response.headers}"


def judge_headers(scenario: Scenario, response: httpx.Response, told: str) -> None:
    """Hold the headers against what they must be."""
    for name, value in scenario.shows.items():
        assert response.headers.get(name) == value, f"{name} of {response.headers}\n{told}"
