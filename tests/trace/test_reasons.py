"""Requests that nobody asked to have traced: a share of them, and slow ones."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pellucid import Pellucid, ReadSession
from pellucid.trace.encode import from_bytes
from tests.conftest import Clone
from tests.trace.place import Place, opened

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def with_routes(app: Pellucid) -> None:
    @app.get("/sleepy")
    async def sleepy(session: ReadSession) -> dict[str, object]:
        await session.execute(text("select pg_sleep(0.12), count(*) from person where age = :age"), {"age": 7})
        return {}

    @app.get("/nap")
    async def nap(session: ReadSession) -> dict[str, object]:
        await session.execute(text("select pg_sleep(0.5)"))
        return {}

    @app.get("/quick")
    async def quick(session: ReadSession) -> dict[str, object]:
        await session.execute(text("select 1"))
        return {}


async def test_with_tracing_off_nothing_is_kept(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path) as place:
        for _ in range(4):
            await place.client.get("/person/1")
        assert await place.kept() == []
        assert not (tmp_path / "traces").exists()


async def test_all_are_sampled_that_should_be_the_short_way_too(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, trace_sample=1.0) as place:
        for _ in range(5):
            await place.client.get("/person/1")
        kept = await place.kept(route="/{table}/{key}")
        assert [each["reason"] for each in kept] == ["sampled"] * 5
        traces = [from_bytes(place.app.state.tracer.store.get(each["id"])) for each in kept]
        short = next(trace for trace in traces if trace.rows[0].facts.get("part") == "short way")
        assert [row.stage.value for row in short.rows] == ["server", "execute"]
        assert short.unaccounted < short.seconds


async def test_what_is_slow_is_kept_with_the_plan_of_the_slow_statement(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, build=with_routes, trace_slow=100) as place:
        answers = await asyncio.gather(*(place.client.get(path) for path in ("/person/1", "/sleepy", "/person/2")))
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        (kept,) = await place.kept(min_ms=100, route="/sleepy")
        assert (kept["reason"], kept["route"]) == ("slow", "/sleepy")
        trace = await place.trace(kept["id"])
        (statement,) = trace.statements
        assert statement.plan is not None
        assert (statement.estimated, statement.seconds > 0.1) == (True, True)
        assert "pg_sleep" in statement.sql


async def test_the_statement_of_whoever_had_the_connection_before_is_not_ones_own(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, build=with_routes, trace_slow=100, pool_size=1) as place:
        await place.client.get("/quick")
        assert place.app.data is not None
        pool: Any = place.app.data.database.engine.sync_engine.pool
        napping = asyncio.create_task(place.client.get("/nap"))
        async with asyncio.timeout(60):
            while not pool.taken:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await asyncio.gather(*(place.client.get(path) for path in ("/quick", "/person/1", "/person/2")), napping)
        kept = await place.kept(reason="slow")
        assert len(kept) == 4
        for each in kept:
            trace = await place.trace(each["id"])
            assert ("pg_sleep" in "".join(statement.sql for statement in trace.statements)) == (trace.route == "/nap")
            assert any("held" in row.facts or "pool_held" in row.facts for row in trace.rows)


async def test_a_flag_counts_as_far_as_it_is_allowed(clone: Clone, tmp_path: Path) -> None:
    headers = {"Traceparent": SAMPLED}
    async with opened(clone, tmp_path) as place:
        await place.client.get("/person/1", headers=headers)
        assert await reasons(place) == ["sampled"]


async def test_in_production_a_strangers_flag_does_not_count(clone: Clone, tmp_path: Path) -> None:
    chosen = {"production": True, "address": "203.0.113.7"}
    async with opened(clone, tmp_path, trace_sample=1e-9, **chosen) as place:  # type: ignore[arg-type]
        await place.client.get("/person/1", headers={"Traceparent": SAMPLED})
        assert await reasons(place) == []


@pytest.mark.parametrize("sample", [1e-9, 0.0])
async def test_in_production_the_flag_counts_from_operators_alone(clone: Clone, tmp_path: Path, sample: float) -> None:
    """A proxy passes on whatever ``traceparent`` a stranger has sent."""
    headers = {"Traceparent": SAMPLED, "X-Forwarded-For": "203.0.113.7"}
    async with opened(
        clone, tmp_path, wire=True, production=True, proxies=("127.0.0.1",), trace_sample=sample
    ) as place:
        await place.client.get("/person/1", headers=headers)
        assert await reasons(place) == []
        await place.client.get("/person/1", headers=headers | place.bearing("service_role"))
        assert await reasons(place) == ["sampled"]


async def reasons(place: Place) -> list[str]:
    return [each["reason"] for each in await place.kept(route="/{table}/{key}")]
