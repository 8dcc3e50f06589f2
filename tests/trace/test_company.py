"""What traces tell of others: who travelled in the same call, who held the connections, who asks for one thing after the other."""

import asyncio
from pathlib import Path

import pytest
from fastapi import BackgroundTasks
from sqlalchemy import text

from pellucid import Pellucid, ReadSession
from pellucid.observe import Stage
from pellucid.trace.context import outgoing_headers
from pellucid.trace.document import Trace
from tests.conftest import Clone
from tests.trace.place import Place, opened


def codes(trace: Trace) -> set[str]:
    return {finding.code for finding in trace.findings}


def with_routes(app: Pellucid) -> None:
    @app.get("/slow")
    async def slow(session: ReadSession) -> dict[str, object]:
        await session.execute(text("select pg_advisory_xact_lock_shared(7)"))
        return {}

    @app.get("/each")
    async def each(session: ReadSession) -> dict[str, object]:
        ids = (await session.execute(text("select id from person order by id limit 8"))).scalars().all()
        one = text("select name from person where id = :id")
        return {"names": [(await session.execute(one, {"id": each})).scalar() for each in ids]}

    @app.get("/calls")
    async def calls() -> dict[str, str]:
        return outgoing_headers()

    @app.get("/later")
    async def later(background: BackgroundTasks) -> dict[str, object]:
        async def look() -> None:
            assert app.data is not None
            async with app.data.database.read(app.state.pellucid.identifier.known(None).caller) as session:
                await session.execute(text("select 'behind', pg_sleep(0.2)"))

        background.add_task(look)
        return {}


async def lights(place: Place, *paths: str) -> list[Trace]:
    headers = {"Pellucid-Trace": "light"}
    answers = await asyncio.gather(*(place.client.get(path, headers=headers) for path in paths))
    return [await place.trace(answer.headers["pellucid-trace"]) for answer in answers]


async def test_who_travels_together_is_told_how_many_they_were(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path) as place:
        await place.client.get("/person/1")
        traces = await lights(place, *(f"/person/{number}" for number in range(1, 13)))
        calls = [row for trace in traces for row in trace.rows if row.stage is Stage.EXECUTE]
        shared = [row.facts["shared"] for row in calls]
        assert max(int(each) for each in shared) > 1
        assert all("queued" in row.facts and row.facts["rows"] == 1 for row in calls)
        _, alone = await place.traced("GET", "/person/1")
        assert next(row.facts["shared"] for row in alone.rows if row.stage is Stage.EXECUTE) == 1
        assert next(row.facts["small"] for row in alone.rows if row.stage is Stage.PLAN) is True


@pytest.mark.parametrize("how", ["full", "light"])
async def test_who_holds_the_connections_is_named(clone: Clone, tmp_path: Path, how: str) -> None:
    async with opened(clone, tmp_path, build=with_routes, pool_size=1) as place:
        await place.run(clone, "select pg_advisory_lock(7)")
        await pool_says(place, "0 of at most 1")
        slow = asyncio.create_task(place.client.get("/slow"))
        await pool_says(place, "1 of at most 1")
        asking = asyncio.create_task(place.traced("GET", "/person/1", how=how))
        await pool_says(place, "1 wait")
        await asyncio.sleep(0.06)  # the verdict passes over shorter waits
        await place.let_go()
        _, trace = await asking
        await slow
    facts = next(row.facts for row in trace.rows if "holders" in row.facts or "pool_holders" in row.facts)
    assert "GET /slow for " in str(facts.get("holders") or facts["pool_holders"])
    found = next(finding for finding in trace.findings if finding.code == "pool-starvation")
    assert "All 1 were taken: GET /slow for" in found.because


async def pool_says(place: Place, words: str) -> None:
    """Wait until the pool's own words about itself have these in them."""
    assert place.app.data is not None
    pool = place.app.data.database.engine.sync_engine.pool
    async with asyncio.timeout(60):
        while words not in pool.status():  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.005)


async def test_the_same_statement_again_and_again_is_found(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, build=with_routes) as place:
        for how in ("full", "light"):
            answer, trace = await place.traced("GET", "/each", how=how)
            assert len(answer.json()["names"]) == 8
            found = next(finding for finding in trace.findings if finding.code == "n-plus-one")
            assert found.what.startswith("The same statement ran 8 times: select name from person")
            assert trace.unaccounted < 0.05 * trace.seconds


async def test_items_asked_for_one_by_one_after_their_list_are_found(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path) as place:
        for path in ("/person?limit=5", *(f"/person/{number}" for number in range(1, 6))):
            _, trace = await place.traced("GET", path, how="light")
        found = next(finding for finding in trace.findings if finding.code == "n-plus-one-requests")
        assert "right after the list" in found.what
        assert "?id=in.(" in found.do


async def test_what_goes_on_in_the_background_is_no_part_of_it(clone: Clone, tmp_path: Path) -> None:
    async with opened(clone, tmp_path, build=with_routes) as place:
        _, trace = await place.traced("GET", "/later")
        assert trace.statements == ()
        assert all(row.stage is not Stage.EXECUTE for row in trace.rows)
        assert trace.seconds < 0.2


async def test_calls_to_other_services_carry_the_trace_on(clone: Clone, tmp_path: Path) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with opened(clone, tmp_path, build=with_routes) as place:
        answer, trace = await place.traced("GET", "/calls", headers={"Traceparent": parent, "Tracestate": "vendor=1"})
        assert answer.json() == {"traceparent": f"00-{trace.id}-{trace.span}-01", "tracestate": "vendor=1"}
        assert trace.id == parent.split("-")[1]
        assert (await place.client.get("/calls")).json() == {}
